package mq

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	awsmq "github.com/aws/aws-sdk-go-v2/service/mq"
	"github.com/aws/aws-sdk-go-v2/service/mq/types"
	amqp "github.com/rabbitmq/amqp091-go"

	"millrace/test/needs"
	"millrace/test/patience"
)

// What the Amazon MQ Developer Guide shows how to do with RabbitMQ, between two brokers.
func TestGuide(t *testing.T) {
	needs.Long(t)
	installed(t)
	t.Parallel()
	s := start(t, "--mq-driver", "process")
	config := s.configure("impatient", "3.13", "consumer_timeout = 5000\nsecure.management.http.headers.enabled = false\n")
	b := s.create("mill", "3.13", func(in *awsmq.CreateBrokerInput) { in.Configuration = config })
	barn := s.create("barn", "3.13")
	b.await(types.BrokerStateRunning)
	barn.await(types.BrokerStateRunning)
	late := b.tardy()
	b.inside(t, "shovel", func(b *broker) { shovel(b, barn, "") })
	b.inside(t, "federation", func(b *broker) { federation(b, barn) })
	b.inside(t, "consistent hash", consistentHash)
	b.inside(t, "userId", userID)
	b.inside(t, "reject-publish", rejectPublish)
	b.inside(t, "consumer_timeout", func(b *broker) {
		err := patience.For(b, "the end of a channel that acknowledges nothing", late, nil) // it is looked at once a minute
		if err == nil || err.Code != amqp.PreconditionFailed || !strings.Contains(err.Reason, "delivery acknowledgement on channel") {
			b.Errorf("the consumer is told %v", err)
		}
	})
	b.inside(t, "headers", headerSwitch)
}

// On RabbitMQ 4, shovels and federation links verify certificates, unless the broker's
// configuration says no (Amazon MQ Developer Guide, "Configurable values").
func TestGuideOnRabbitMQ4(t *testing.T) {
	needs.Long(t)
	engine(t)
	t.Parallel()
	s := start(t, "--mq-driver", "docker")
	b := s.create("four", "4.2")
	b.await(types.BrokerStateRunning)
	b.inside(t, "shovel", func(b *broker) { shovel(b, b, "localhost:5671") }) // from and to itself: a container sees no other
	b.inside(t, "consistent hash", consistentHash)
	b.inside(t, "userId", userID)
	b.inside(t, "reject-publish", rejectPublish)
	b.inside(t, "peers", func(b *broker) {
		// The certificate does not name this address.
		at := b.docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", strings.Fields(b.container())[0]) + ":5671"
		b.publish("mill", "verified no more")
		ch := b.channel()
		b.queue(ch, "barn")
		b.put("/api/parameters/shovel/%2F/to-a-stranger", map[string]any{"value": map[string]any{
			"src-protocol": "amqp091", "src-uri": b.uri("localhost:5671"), "src-queue": "mill",
			"dest-protocol": "amqp091", "dest-uri": b.uri(at), "dest-queue": "barn",
		}})
		patience.Until(b, "the refusal", func() bool {
			return strings.Contains(b.command("mq", "logs", "four"), "hostname_check_failed")
		}, nil)
		if got := b.stored("barn"); len(got) > 0 {
			b.Errorf("a peer that is not who it should be got %q", got)
		}
		trusting := b.configure("trusting", "4.2", "amqp_client.ssl_options.verify = verify_none\n")
		if _, err := b.api().UpdateBroker(b.Context(), &awsmq.UpdateBrokerInput{BrokerId: &b.id, Configuration: trusting}); err != nil {
			b.Fatal(err)
		}
		b.reboot()
		if got := b.first(b.channel(), "barn"); got != "verified no more" {
			b.Errorf("it brings %q", got)
		}
	})
}

// put sets something by the management API.
func (b *broker) put(path string, in any) {
	b.Helper()
	if code, text := b.call(b.owner, b.password, "PUT", path, in); code/100 != 2 {
		b.Fatalf("PUT %s: %d %s", path, code, text)
	}
}

// uri is where another broker finds this one; at "" for its endpoint.
func (b *broker) uri(at string) string {
	if at == "" {
		at = b.at("amqps")
	}
	return fmt.Sprintf("amqps://%s:%s@%s", b.owner, b.password, at)
}

func (b *broker) queue(ch *amqp.Channel, name string) {
	b.Helper()
	if _, err := ch.QueueDeclare(name, true, false, false, false, nil); err != nil {
		b.Fatal(err)
	}
}

// first is the first message that comes to a queue.
func (b *broker) first(ch *amqp.Channel, queue string) string {
	b.Helper()
	messages, err := ch.Consume(queue, "", true, false, false, false, nil)
	if err != nil {
		b.Fatal(err)
	}
	return string(patience.For(b, "a message in "+queue, messages, nil).Body)
}

// shovel moves messages from one broker to another (Amazon MQ Developer Guide, "Plugins").
func shovel(from, to *broker, at string) {
	from.publish("grain", "shoveled")
	ch := to.channel()
	to.queue(ch, "flour")
	from.put("/api/parameters/shovel/%2F/to-the-barn", map[string]any{"value": map[string]any{
		"src-protocol": "amqp091", "src-uri": from.uri(at), "src-queue": "grain",
		"dest-protocol": "amqp091", "dest-uri": to.uri(at), "dest-queue": "flour",
	}})
	if got := to.first(ch, "flour"); got != "shoveled" {
		from.Errorf("it brings %q", got)
	}
	if code, text := from.call(from.owner, from.password, "DELETE", "/api/parameters/shovel/%2F/to-the-barn", nil); code != http.StatusNoContent {
		from.Errorf("deleting the shovel: %d %s", code, text)
	}
	ch.Close()
}

// federation has what is published to an exchange of a broker come to that of another.
func federation(up, down *broker) {
	down.put("/api/parameters/federation-upstream/%2F/mill", map[string]any{"value": map[string]any{"uri": up.uri(""), "expires": 3600000}})
	down.put("/api/policies/%2F/federated", map[string]any{
		"pattern": "^shared[.]", "apply-to": "exchanges", "priority": 2, "definition": map[string]any{"federation-upstream-set": "all"},
	})
	far, near := down.channel(), up.channel()
	for _, ch := range []*amqp.Channel{far, near} {
		if err := ch.ExchangeDeclare("shared.news", "fanout", true, false, false, false, nil); err != nil {
			up.Fatal(err)
		}
	}
	down.queue(far, "news")
	if err := far.QueueBind("news", "", "shared.news", false, nil); err != nil {
		up.Fatal(err)
	}
	patience.Until(up, "the link and its binding", func() bool {
		var links []struct{ Status string }
		down.get("/api/federation-links", &links)
		var bindings []struct{ Destination string }
		up.get("/api/exchanges/%2F/shared.news/bindings/source", &bindings)
		return len(links) == 1 && links[0].Status == "running" && len(bindings) > 0
	}, nil)
	if err := near.Publish("shared.news", "", false, false, amqp.Publishing{Body: []byte("federated")}); err != nil {
		up.Fatal(err)
	}
	if got := down.first(far, "news"); got != "federated" {
		up.Errorf("it brings %q", got)
	}
}

// A consistent-hash exchange spreads routing keys, and has each stay where it is.
func consistentHash(b *broker) {
	ch := b.channel()
	if err := ch.ExchangeDeclare("spread", "x-consistent-hash", true, false, false, false, nil); err != nil {
		b.Fatal(err)
	}
	queues := []string{"spread-1", "spread-2"}
	for _, q := range queues {
		b.queue(ch, q)
		if err := ch.QueueBind(q, "1", "spread", false, nil); err != nil { // the key is a weight
			b.Fatal(err)
		}
	}
	if err := ch.Confirm(false); err != nil {
		b.Fatal(err)
	}
	const keys = 100
	for range 2 {
		for key := range keys {
			c, err := ch.PublishWithDeferredConfirm("spread", fmt.Sprint(key), true, false, amqp.Publishing{Body: fmt.Append(nil, key)})
			if err != nil || !c.Wait() {
				b.Fatalf("key %d: %v", key, err)
			}
		}
	}
	where := map[string]string{}
	for _, q := range queues {
		bodies := b.stored(q)
		if len(bodies) == 0 {
			b.Errorf("nothing is in %s", q)
		}
		for _, body := range bodies {
			if before := where[body]; before != "" && before != q {
				b.Errorf("key %s went to %s and to %s", body, before, q)
			}
			where[body] = q
		}
	}
	if len(where) != keys {
		b.Errorf("%d keys have arrived, want %d", len(where), keys)
	}
}

// The userId of a message is the login, as the guide's Java client has it, or the broker
// closes the channel.
func userID(b *broker) {
	for _, user := range []string{b.owner, "somebody"} {
		ch := b.channel()
		closed := ch.NotifyClose(make(chan *amqp.Error, 1))
		if err := ch.Confirm(false); err != nil {
			b.Fatal(err)
		}
		c, err := ch.PublishWithDeferredConfirm("", "nowhere", false, false, amqp.Publishing{ContentType: "text/plain", UserId: user, Priority: 1, Body: []byte("grist")})
		if err != nil {
			b.Fatal(err)
		}
		if user == b.owner {
			if !c.Wait() {
				b.Error("the login itself is refused")
			}
			continue
		}
		if err := patience.For(b, "the end of the channel", closed, nil); err == nil || err.Code != amqp.PreconditionFailed {
			b.Errorf("another one is told %v", err)
		}
	}
}

// Who publishes to a queue that is full gets a nack.
func rejectPublish(b *broker) {
	b.put("/api/policies/%2F/short", map[string]any{
		"pattern": "^short$", "apply-to": "queues", "priority": 2, "definition": map[string]any{"max-length": 1, "overflow": "reject-publish"},
	})
	ch := b.channel()
	b.queue(ch, "short")
	if err := ch.Confirm(false); err != nil {
		b.Fatal(err)
	}
	acked := 0
	patience.Until(b, "a nack", func() bool { // a quorum queue takes a few more than its length
		c, err := ch.PublishWithDeferredConfirm("", "short", false, false, amqp.Publishing{Body: []byte("grist")})
		if err != nil {
			b.Fatal(err)
		}
		if c.Wait() {
			acked++
			return false
		}
		return true
	}, func() any { return acked })
	if acked == 0 {
		b.Error("a queue with room for one message takes none")
	}
}

// tardy consumes a message and does not acknowledge it; what it returns tells how its
// channel ends.
func (b *broker) tardy() <-chan *amqp.Error {
	b.Helper()
	b.publish("slow", "never acknowledged")
	ch := b.channel()
	closed := ch.NotifyClose(make(chan *amqp.Error, 1))
	messages, err := ch.Consume("slow", "", false, false, false, false, nil)
	if err != nil {
		b.Fatal(err)
	}
	patience.For(b, "the message", messages, nil)
	return closed
}

// The console's headers come with the reboot that applies the switch.
func headerSwitch(b *broker) {
	header := func() string {
		resp, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: b.trust.Clone(), DisableKeepAlives: true}}).Get("https://" + b.at("https"))
		if err != nil {
			b.Fatal(err)
		}
		resp.Body.Close()
		return resp.Header.Get("X-Frame-Options") + resp.Header.Get("X-Content-Type-Options") + resp.Header.Get("Strict-Transport-Security")
	}
	if got := header(); got != "" {
		b.Errorf("switched off it sends %q", got)
	}
	on := b.configure("guarded", "3.13", "secure.management.http.headers.enabled = true\n")
	if _, err := b.api().UpdateBroker(b.Context(), &awsmq.UpdateBrokerInput{BrokerId: &b.id, Configuration: on}); err != nil {
		b.Fatal(err)
	}
	if got := header(); got != "" {
		b.Errorf("before the reboot it sends %q", got)
	}
	b.reboot()
	if got := header(); got != "DENYnosniffmax-age=47304000; includeSubDomains" {
		b.Errorf("switched on it sends %q", got)
	}
}
