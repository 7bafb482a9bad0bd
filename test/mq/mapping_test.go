package mq

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/mq/types"
	"github.com/google/go-cmp/cmp"
	amqp "github.com/rabbitmq/amqp091-go"

	"millrace/test/patience"
)

const queueMissing = "PROBLEM: The queue"

// A function consumes from a queue of a real broker: what Lambda's guide says of Amazon MQ
// as an event source.
func TestEventSource(t *testing.T) {
	drivers(t, func(t *testing.T, driver string) {
		s := start(t, "--mq-driver", driver)
		b := s.create("orders", "3.13")
		early := s.deploy("early")
		waits := b.feed(early, "early") // before broker and queue are there
		waits.shows("USER_INITIATED", "PROBLEM: Connection error. Please check your event source connection configuration.")
		b.await(types.BrokerStateRunning)

		t.Run("a mapping waits for its queue", func(t *testing.T) {
			waits := *waits
			waits.shows("ESM_CONFIG_NOT_VALID", queueMissing)
			b.publish("early", "at last")
			if m := early.awaitBody("at last"); m.Redelivered {
				t.Error("redelivered")
			}
			waits.shows("USER_INITIATED", "OK")
			b.awaitEmpty("early")
		})
		t.Run("events", func(t *testing.T) { testEvents(b.in(t)) })
		t.Run("failures", func(t *testing.T) { testFailures(b.in(t)) })
		t.Run("batches", func(t *testing.T) { testBatches(b.in(t)) })
		t.Run("filters and large records", func(t *testing.T) { testFilters(b.in(t)) })
		t.Run("virtual hosts and permissions", func(t *testing.T) { testVirtualHosts(b.in(t)) })
		t.Run("secrets", func(t *testing.T) { testSecrets(b.in(t)) })
		t.Run("a mapping that is disabled", func(t *testing.T) { testDisabling(b.in(t)) })
		t.Run("a reboot", func(t *testing.T) {
			b.reboot()
			b.publish("early", "after the reboot")
			early.awaitBody("after the reboot")
			waits.shows("USER_INITIATED", "OK")
		})
		t.Run("a queue that is deleted", func(t *testing.T) {
			if _, err := b.channel().QueueDelete("early", false, false, false); err != nil {
				t.Fatal(err)
			}
			waits.shows("ESM_CONFIG_NOT_VALID", queueMissing)
			b.publish("early", "a new queue")
			early.awaitBody("a new queue")
		})
	})
}

// in is the broker for a part of a test.
func (b *broker) in(t *testing.T) *broker {
	s, c := *b.server, *b
	s.T, c.server = t, &s
	return &c
}

func testEvents(b *broker) {
	h := b.deploy("events")
	b.declare("events")
	b.feed(h, "events")
	ch := b.channel()
	at := time.Date(2026, 12, 3, 13, 4, 5, 0, time.UTC)
	if err := ch.PublishWithContext(b.Context(), "", "events", false, false, amqp.Publishing{
		ContentType: "text/plain", DeliveryMode: 2, Priority: 5, CorrelationId: "c", Expiration: "600000", Timestamp: at, UserId: b.owner, Body: []byte("hällo"),
		Headers: amqp.Table{"text": "value1", "number": int32(10), "deep": amqp.Table{"list": []any{true, "ä", nil}}},
	}); err != nil {
		b.Fatal(err)
	}
	got := h.awaitBody("hällo")
	of := func(s string) map[string]any {
		var all []any
		for i := range len(s) {
			all = append(all, float64(int8(s[i]))) // bytes have a sign in Java
		}
		return map[string]any{"bytes": all}
	}
	want := events.RabbitMQMessage{Data: "aMOkbGxv", BasicProperties: events.RabbitMQBasicProperties{
		ContentType: "text/plain", DeliveryMode: 2, Priority: 5, CorrelationID: aws.String("c"), Expiration: "600000",
		Timestamp: "Dec 3, 2026, 1:04:05 PM", UserID: b.owner, BodySize: 6,
		Headers: map[string]any{"text": of("value1"), "number": 10.0, "deep": map[string]any{"list": []any{true, of("ä"), nil}}},
	}}
	if d := cmp.Diff(want, got); d != "" {
		b.Error(d)
	}
	if head := `{"eventSource":"aws:rmq","eventSourceArn":"` + *b.describe().BrokerArn + `","rmqMessagesByQueue":{"events::/":[{"basicProperties":`; !strings.HasPrefix(h.raw[0], head) {
		b.Errorf("the event is %.300s", h.raw[0])
	}
	b.awaitEmpty("events")
}

// A batch that fails comes again as a whole, marked, until it succeeds.
func testFailures(b *broker) {
	h := b.deploy("failing")
	b.declare("failing")
	h.will(func([]string) error { return errors.New("no") })
	m := b.feed(h, "failing", func(in *lambda.CreateEventSourceMappingInput) {
		in.MaximumBatchingWindowInSeconds = aws.Int32(1)
	})
	b.publish("failing", "a")
	b.publish("failing", "b")
	h.await("three tries", func(all [][]events.RabbitMQMessage) bool { return len(all) >= 3 })
	m.shows("USER_INITIATED", "PROBLEM: Function call failed")
	h.will(nil)
	m.shows("USER_INITIATED", "OK")
	b.awaitEmpty("failing")
	all := h.seen()
	last := all[len(all)-1]
	if got := slices.Sorted(slices.Values(bodies(last))); !reflect.DeepEqual(got, []string{"a", "b"}) || !last[0].Redelivered || !last[1].Redelivered {
		b.Errorf("at last came %q, %+v", got, last)
	}
	if all[0][0].Redelivered {
		b.Error("the first delivery is marked as another")
	}
}

func testBatches(b *broker) {
	h := b.deploy("batches")
	b.declare("batches")
	const n = 250
	b.fill("batches", n)
	b.feed(h, "batches", func(in *lambda.CreateEventSourceMappingInput) {
		in.BatchSize, in.MaximumBatchingWindowInSeconds = aws.Int32(100), aws.Int32(2)
	})
	count := func(all [][]events.RabbitMQMessage) (n int) {
		for _, b := range all {
			n += len(b)
		}
		return n
	}
	all := h.await("all messages", func(all [][]events.RabbitMQMessage) bool { return count(all) >= n })
	if len(all) != 3 || len(all[0]) != 100 || len(all[1]) != 100 || len(all[2]) != 50 {
		b.Errorf("%d batches, %d messages", len(all), count(all))
	}
	b.awaitEmpty("batches")
}

func testFilters(b *broker) {
	h := b.deploy("filtered")
	b.declare("filtered")
	m := b.feed(h, "filtered", func(in *lambda.CreateEventSourceMappingInput) {
		in.FilterCriteria = &lambdatypes.FilterCriteria{Filters: []lambdatypes.Filter{
			{Pattern: aws.String(`{"data":{"kind":["order"]},"basicProperties":{"deliveryMode":[2]}}`)},
			{Pattern: aws.String(`{"data":["text",{"prefix":"xxxx"}]}`)},
		}}
	})
	b.publish("filtered", strings.Repeat("x", 6<<20)) // no event has room for it
	for _, body := range []string{"another text", `{"kind":"return"}`, "text", `{"kind":"order"}`} {
		b.publish("filtered", body)
	}
	h.awaitBody(`{"kind":"order"}`)
	b.awaitEmpty("filtered")
	var seen []string
	for _, batch := range h.seen() {
		seen = append(seen, bodies(batch)...)
	}
	if d := cmp.Diff([]string{"text", `{"kind":"order"}`}, seen); d != "" {
		b.Error(d)
	}
	m.shows("USER_INITIATED", "OK")
}

func testVirtualHosts(b *broker) {
	h := b.deploy("hosts")
	reader := b.secret("reader", login("reader", "reader-password-1"))
	m := b.feed(h, "jobs", func(in *lambda.CreateEventSourceMappingInput) {
		in.SourceAccessConfigurations = []lambdatypes.SourceAccessConfiguration{
			{Type: lambdatypes.SourceAccessTypeVirtualHost, URI: aws.String("prod/eu")},
			{Type: lambdatypes.SourceAccessTypeBasicAuth, URI: &reader},
		}
	})
	m.shows("EVENT_SOURCE_AUTHN_ERROR", "PROBLEM: Authentication failed.")
	b.do("PUT", "/api/users/reader", map[string]any{"password": "reader-password-1", "tags": ""})
	m.shows("ESM_CONFIG_NOT_VALID", `PROBLEM: The virtual host "prod/eu" does not exist`)
	b.do("PUT", "/api/vhosts/prod%2Feu", map[string]any{})
	b.do("PUT", "/api/queues/prod%2Feu/jobs", map[string]any{"durable": true})
	b.do("PUT", "/api/permissions/prod%2Feu/reader", map[string]any{"configure": "", "write": "", "read": "none"})
	m.shows("EVENT_SOURCE_AUTHZ_ERROR", `PROBLEM: The broker does not permit the user to consume from the queue "jobs"`)
	b.do("PUT", "/api/permissions/prod%2Feu/reader", map[string]any{"configure": "", "write": "", "read": ".*"})
	m.shows("USER_INITIATED", "No records processed")
	b.do("POST", "/api/exchanges/prod%2Feu/amq.default/publish", map[string]any{
		"properties": map[string]any{}, "routing_key": "jobs", "payload": "hello", "payload_encoding": "string",
	})
	h.awaitBody("hello")
	if h.mu.Lock(); !strings.Contains(h.raw[0], `"jobs::prod/eu":[`) {
		b.Errorf("the event is %s", h.raw[0])
	}
	h.mu.Unlock()
}

// What a secret says counts at the next connection, and a mapping that waits for a good
// one looks again soon.
func testSecrets(b *broker) {
	h := b.deploy("secrets")
	b.declare("secrets")
	arn := b.secret("changing", "no JSON")
	m := b.feed(h, "secrets", func(in *lambda.CreateEventSourceMappingInput) {
		in.SourceAccessConfigurations[0].URI = &arn
	})
	m.shows("ESM_CONFIG_NOT_VALID", "PROBLEM: The secret in SourceAccessConfigurations must be a JSON object")
	b.secret("changing", login(b.owner, "wrong-password-1"))
	m.shows("EVENT_SOURCE_AUTHN_ERROR", "PROBLEM: Authentication failed.")
	b.publish("secrets", "waits")
	b.secret("changing", login(b.owner, b.password))
	h.awaitBody("waits")
	m.shows("USER_INITIATED", "OK")
	for _, word := range []string{"wrong-password-1", b.password} {
		if strings.Contains(b.said.String(), word) {
			b.Errorf("the log has the password %s", word)
		}
	}
}

// A mapping that ends while its function works gives back all but what the function has.
func testDisabling(b *broker) {
	h := b.deploy("disabled")
	b.declare("disabled")
	b.fill("disabled", 30)
	release := make(chan struct{})
	h.will(func([]string) error { <-release; return nil })
	m := b.feed(h, "disabled", func(in *lambda.CreateEventSourceMappingInput) { in.BatchSize = aws.Int32(5) })
	h.await("a batch", func(all [][]events.RabbitMQMessage) bool { return len(all) == 1 })
	if _, err := m.lambda().UpdateEventSourceMapping(b.Context(), &lambda.UpdateEventSourceMappingInput{UUID: &m.uuid, Enabled: aws.Bool(false)}); err != nil {
		b.Fatal(err)
	}
	close(release)
	patience.Until(b, "the mapping to be disabled", func() bool { return *m.get().State == "Disabled" }, nil)
	b.awaitReady("disabled", 25)
	if n := len(h.seen()); n != 1 {
		b.Errorf("%d batches", n)
	}
	if got := *m.get().LastProcessingResult; got != "No records processed" && got != "OK" {
		b.Errorf("the last result is %s", got)
	}
}

// declare makes a durable queue.
func (b *broker) declare(queue string) {
	b.Helper()
	if _, err := b.channel().QueueDeclare(queue, true, false, false, false, nil); err != nil {
		b.Fatal(err)
	}
}

// fill publishes n numbered messages.
func (b *broker) fill(queue string, n int) {
	b.Helper()
	ch := b.channel()
	if err := ch.Confirm(false); err != nil {
		b.Fatal(err)
	}
	var last *amqp.DeferredConfirmation
	for i := range n {
		var err error
		if last, err = ch.PublishWithDeferredConfirm("", queue, false, false, amqp.Publishing{DeliveryMode: amqp.Persistent, Body: fmt.Appendf(nil, "%d", i)}); err != nil {
			b.Fatal(err)
		}
	}
	if !last.Wait() {
		b.Fatal("not confirmed")
	}
}

// do asks the management API as the owner for a change.
func (b *broker) do(method, path string, in any) {
	b.Helper()
	if code, text := b.call(b.owner, b.password, method, path, in); code/100 != 2 {
		b.Fatalf("%s %s: %d %s %s", method, path, code, http.StatusText(code), text)
	}
}

// awaitReady waits until a queue of the virtual host "/" has n messages, none of which is
// unacknowledged.
func (b *broker) awaitReady(queue string, n int) {
	b.Helper()
	state := ""
	patience.Until(b, fmt.Sprintf("%d messages in %s", n, queue), func() bool {
		var q struct {
			Ready   *int `json:"messages_ready"`
			Unacked *int `json:"messages_unacknowledged"`
		}
		b.get("/api/queues/%2F/"+queue, &q)
		if q.Ready == nil || q.Unacked == nil {
			return false
		}
		state = fmt.Sprint(*q.Ready, *q.Unacked)
		return *q.Ready == n && *q.Unacked == 0
	}, func() any { return state })
}

func (b *broker) awaitEmpty(queue string) { b.Helper(); b.awaitReady(queue, 0) }
