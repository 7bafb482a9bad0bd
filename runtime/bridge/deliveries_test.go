package bridge

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	amqp "github.com/rabbitmq/amqp091-go"

	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/cluster"
	"millrace/test/patience"
)

func TestDeliveries(t *testing.T) {
	r := startRabbitMQ(t)
	b := bridges(t)
	for name, test := range map[string]func(*testing.T, *rabbit, *Bridges){
		"what is acknowledged is gone, and what is not comes back": acknowledged,
		"properties and bodies are as they were published":         unchanged,
		"messages that are too large":                              tooLarge,
		"settled in any order":                                     anyOrder,
		"no more than asked for":                                   prefetched,
		"two consumers of a queue":                                 shared,
		"larger than NATS takes":                                   kept,
		"one runtime at a time":                                    oneAtATime,
		"much in memory":                                           gated,
		"no answer to a request":                                   unmixed,
	} {
		t.Run(name, func(t *testing.T) { test(t, r, b) })
	}
	if n := streams(t, b); n != 0 {
		t.Errorf("%d streams are left", n)
	}
}

// streams is how many streams of queues there are.
func streams(t *testing.T, b *Bridges) (n int) {
	t.Helper()
	all := b.js.ListStreams(t.Context(), jetstream.WithStreamListSubject("mq.>"))
	for range all.Info() {
		n++
	}
	if all.Err() != nil {
		t.Fatal(all.Err())
	}
	return n
}

func entries(t *testing.T, b *Bridges, q Queue) uint64 {
	t.Helper()
	s, err := b.js.Stream(t.Context(), q.stream())
	if err != nil {
		t.Fatal(err)
	}
	return s.CachedInfo().State.Msgs
}

func acknowledged(t *testing.T, r *rabbit, b *Bridges) {
	ch := r.client()
	r.declare(ch, "orders")
	publishN(t, ch, "orders", 5)
	c := open(t, b, r.spec("orders"))
	got := receive(t, c, 5)
	for i, d := range got {
		if string(d.Body) != fmt.Sprint(i) || d.Redelivered || d.RoutingKey != "orders" || d.Handle.Tag != uint64(i+1) {
			t.Errorf("%d: %+v", i, d)
		}
	}
	c.Acknowledge(t.Context(), got[:2])
	c.Requeue(t.Context(), got[3:4])
	again := receive(t, c, 1)
	if string(again[0].Body) != "3" || !again[0].Redelivered {
		t.Errorf("what was given back: %+v", again[0])
	}
	if list := r.eval(`[proplists:get_value(name, proplists:get_value(client_properties, I)) || I <- rabbit_networking:connection_info_all([client_properties])]`); list == "" {
		t.Error(list)
	}
	c.Close()
	patience.Until(t, "what was given back", func() bool { return ready(t, ch, "orders") == 3 }, func() any { return ready(t, ch, "orders") })
}

func unchanged(t *testing.T, r *rabbit, b *Bridges) {
	ch := r.client()
	const name = "odd *.> /%\u00e9"
	r.declare(ch, name)
	s := r.spec(name)
	c := open(t, b, s)
	follower, err := b.config.Conn.SubscribeSync("mq.>")
	if err != nil {
		t.Fatal(err)
	}
	defer follower.Unsubscribe()
	body := []byte("\x00\r\n\xff not UTF-8")
	want := Properties{
		Present:     0xfff8 &^ CorrelationID, // RabbitMQ takes no cluster id from this client
		ContentType: "text/plain; charset=\xff", ContentEncoding: "\x00", Headers: allTypes, DeliveryMode: 2, Priority: 9, ReplyTo: "r\r\nr", Expiration: "3600000",
		MessageID: "m", Timestamp: time.Unix(1234567890, 0).UTC(), Type: "t", UserID: "guest", AppID: "a",
	}
	publish(t, ch, name, amqp.Publishing{
		ContentType: want.ContentType, ContentEncoding: want.ContentEncoding, Headers: allTypes, DeliveryMode: 2, Priority: 9, ReplyTo: want.ReplyTo,
		Expiration: want.Expiration, MessageId: "m", Timestamp: want.Timestamp, Type: "t", UserId: "guest", AppId: "a", Body: body,
	})
	got := receive(t, c, 1)[0]
	if d := cmp.Diff(want, got.Properties); d != "" || !bytes.Equal(got.Body, body) || got.RoutingKey != name {
		t.Errorf("%q, %q: %s", got.RoutingKey, got.Body, d)
	}
	m, err := follower.NextMsgWithContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e, err := entryOf(m)
	p, failed := decodeProperties(e.properties)
	if q, ok := queueOf(m.Subject); err != nil || failed != nil || !ok || q != s.Queue || e.handle != got.Handle || !bytes.Equal(m.Data, body) || cmp.Diff(want, p) != "" {
		t.Errorf("who follows sees %q with %v", m.Subject, m.Header)
	}
	large := amqp.Table{"large": string(make([]byte, 100_000))} // more than a stream takes
	publish(t, ch, name, amqp.Publishing{Headers: large, Body: body})
	if got := receive(t, c, 1)[0]; cmp.Diff(large, got.Properties.Headers) != "" || !bytes.Equal(got.Body, body) {
		t.Error("a large header is lost")
	}
	publish(t, ch, name, amqp.Publishing{})
	if got := receive(t, c, 1)[0]; got.Properties.Present != DeliveryMode || got.Properties.Headers != nil || len(got.Body) != 0 {
		t.Errorf("a message with nothing: %+v", got)
	}
}

func tooLarge(t *testing.T, r *rabbit, b *Bridges) {
	ch := r.client()
	r.declare(ch, "large")
	s := r.spec("large")
	s.MaxBody, s.Prefetch = 100, 1
	for _, size := range []int{101, 100, 1 << 20, 5000, 1} {
		publish(t, ch, "large", amqp.Publishing{Body: make([]byte, size)})
	}
	c := open(t, b, s)
	for _, want := range []int{100, 1} {
		got := receive(t, c, 1)
		if len(got[0].Body) != want {
			t.Errorf("a body of %d bytes, want %d", len(got[0].Body), want)
		}
		c.Acknowledge(t.Context(), got)
	}
	if n := c.Dropped(); n != 3 {
		t.Errorf("%d were dropped", n)
	}
	c.Close()
	if n := ready(t, ch, "large"); n != 0 {
		t.Errorf("%d are left", n)
	}
}

// Every message is settled once, whatever is given back on the way and in which order.
func anyOrder(t *testing.T, r *rabbit, b *Bridges) {
	ch := r.client()
	r.declare(ch, "shuffled")
	const n = 3000
	publishN(t, ch, "shuffled", n)
	s := r.spec("shuffled")
	s.Prefetch = 300
	c := open(t, b, s)
	dice := rand.New(rand.NewPCG(1, 2))
	done := map[string]bool{}
	var held []Delivery
	for len(done) < n {
		got, err := c.Receive(t.Context(), 1+dice.IntN(100), 0)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, got...)
		dice.Shuffle(len(held), func(i, j int) { held[i], held[j] = held[j], held[i] })
		some := held[:dice.IntN(len(held)+1)]
		held = append([]Delivery{}, held[len(some):]...)
		if dice.IntN(10) == 0 {
			c.Requeue(t.Context(), some)
			continue
		}
		for _, d := range some {
			if done[string(d.Body)] {
				t.Fatalf("%s comes again", d.Body)
			}
			done[string(d.Body)] = true
		}
		c.Acknowledge(t.Context(), some)
		c.Acknowledge(t.Context(), some) // once more, which does nothing
	}
	patience.Until(t, "the stream to be empty", func() bool { return entries(t, b, s.Queue) == 0 }, nil)
	c.Close()
	if left := ready(t, ch, "shuffled"); left != 0 {
		t.Errorf("%d are left", left)
	}
}

func prefetched(t *testing.T, r *rabbit, b *Bridges) {
	ch := r.client()
	r.declare(ch, "many")
	publishN(t, ch, "many", 50)
	c := open(t, b, r.spec("many"))
	held := receive(t, c, 10)
	if got, err := c.Receive(t.Context(), 1, 200*time.Millisecond); len(got) > 0 || err != nil {
		t.Errorf("beyond the prefetch: %d, %v", len(got), err)
	}
	if n := ready(t, ch, "many"); n != 40 {
		t.Errorf("%d are in the queue", n)
	}
	c.Acknowledge(t.Context(), held[9:])
	receive(t, c, 1)
	if got, err := c.Receive(t.Context(), 1, 200*time.Millisecond); len(got) > 0 || err != nil {
		t.Errorf("beyond the prefetch: %d, %v", len(got), err)
	}
}

// Consumers of one queue share its stream, and none has what another has.
func shared(t *testing.T, r *rabbit, b *Bridges) {
	ch := r.client()
	r.declare(ch, "shared")
	s := r.spec("shared")
	one, two := open(t, b, s), open(t, b, s)
	for _, c := range []*Consumer{one, two} {
		if got, err := c.Receive(t.Context(), 1, 0); len(got) > 0 || err != nil {
			t.Fatal(got, err)
		}
	}
	publishN(t, ch, "shared", 20)
	seen := map[string]bool{}
	first, second := receive(t, one, 10), receive(t, two, 10)
	for _, d := range append(first, second...) {
		seen[string(d.Body)] = true
	}
	if len(seen) != 20 {
		t.Errorf("%d of 20 were received", len(seen))
	}
	one.Acknowledge(t.Context(), second) // none of its own
	one.Acknowledge(t.Context(), first)
	if n := r.unacknowledged("shared"); n != 10 {
		t.Errorf("%d are unacknowledged", n)
	}
	one.Close()
	two.Acknowledge(t.Context(), second)
	patience.Until(t, "the stream to be empty", func() bool { return entries(t, b, s.Queue) == 0 }, nil)
	publishN(t, ch, "shared", 1)
	two.Acknowledge(t.Context(), receive(t, two, 1))
}

// What an external server does not take comes through all the same.
func kept(t *testing.T, r *rabbit, _ *Bridges) {
	conn, err := nats.Connect(backbonetest.Listen(t, 64<<10))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	b := bridgesOn(t, Config{Conn: conn})
	ch := r.client()
	r.declare(ch, "heavy")
	c := open(t, b, r.spec("heavy"))
	headers := amqp.Table{"large": string(make([]byte, 100_000))}
	for i := range 3 {
		body := bytes.Repeat([]byte{byte(i)}, 1<<20)
		publish(t, ch, "heavy", amqp.Publishing{Body: body, MessageId: fmt.Sprint(i), Headers: headers})
		publish(t, ch, "heavy", amqp.Publishing{Body: body[:1000], MessageId: "small"})
		got := receive(t, c, 2)
		if d := got[0]; !bytes.Equal(d.Body, body) || d.Properties.MessageID != fmt.Sprint(i) || cmp.Diff(d.Properties.Headers, headers) != "" {
			t.Errorf("%d bytes of message %q", len(d.Body), d.Properties.MessageID)
		}
		if d := got[1]; !bytes.Equal(d.Body, body[:1000]) || d.Properties.MessageID != "small" {
			t.Errorf("%d bytes of message %q", len(d.Body), d.Properties.MessageID)
		}
		c.Acknowledge(t.Context(), got)
	}
	c.Close()
}

// Of several runtimes one bridges a queue; when it goes, another does.
func oneAtATime(t *testing.T, r *rabbit, _ *Bridges) {
	url := backbonetest.Listen(t, 0)
	type runtime struct {
		*Consumer
		cluster *cluster.Cluster
		bridges *Bridges
	}
	all := map[string]*runtime{}
	ch := r.client()
	r.declare(ch, "owned")
	s := r.spec("owned")
	for range 3 {
		conn, err := nats.Connect(url)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		one := &runtime{cluster: cluster.New(conn, nil)}
		if err := one.cluster.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer one.cluster.Stop(context.Background())
		one.bridges = bridgesOn(t, Config{Conn: conn, Cluster: one.cluster})
		one.Consumer = open(t, one.bridges, s)
		all[one.cluster.Self()] = one
	}
	for len(all) > 0 {
		var owner *runtime
		for _, one := range all {
			patience.Until(t, "one view", func() bool { return len(one.cluster.View().Live) == len(all) }, nil)
			owner = all[one.cluster.View().Owner(s.Queue.key())]
		}
		for _, one := range all {
			if got, err := one.Receive(t.Context(), 1, 0); len(got) > 0 || err != nil {
				t.Fatal(got, err)
			}
		}
		publishN(t, ch, "owned", 3)
		for _, one := range all {
			if one != owner {
				if got, err := one.Receive(t.Context(), 1, 50*time.Millisecond); len(got) > 0 || err != nil {
					t.Errorf("another has %d, %v", len(got), err)
				}
			}
		}
		owner.Acknowledge(t.Context(), receive(t, owner.Consumer, 2))
		if err := owner.cluster.Stop(t.Context()); err != nil { // it is not a member anymore, and has to let go
			t.Fatal(err)
		}
		delete(all, owner.cluster.Self())
		for _, one := range all {
			patience.Until(t, "one view", func() bool { return len(one.cluster.View().Live) == len(all) }, nil)
			if next := all[one.cluster.View().Owner(s.Queue.key())]; one == next {
				got := receive(t, one.Consumer, 1)
				if string(got[0].Body) != "2" || !got[0].Redelivered {
					t.Errorf("what the first had not acknowledged: %+v", got[0])
				}
				one.Acknowledge(t.Context(), got)
			}
		}
	}
}

// Of large messages no more is held than there is room for, though the prefetch would
// let them all come.
func gated(t *testing.T, r *rabbit, b *Bridges) {
	ch := r.client()
	r.declare(ch, "huge")
	const n, size = 30, 4 << 20
	for i := range n {
		publish(t, ch, "huge", amqp.Publishing{Body: bytes.Repeat([]byte{byte(i)}, size)})
	}
	s := r.spec("huge")
	s.Prefetch = 1000
	c := open(t, b, s)
	receive(t, c, maxHeld/size)
	patience.Until(t, "the gate to close", func() bool {
		l := c.current()
		l.wire.mu.Lock()
		defer l.wire.mu.Unlock()
		return !l.wire.passes()
	}, nil)
	if got, err := c.Receive(t.Context(), n, 200*time.Millisecond); len(got) > 1 || err != nil {
		t.Errorf("%d more came, %v", len(got), err)
	}
	c.Close() // also now it says goodbye
	c = open(t, b, s)
	for i := range n {
		got := receive(t, c, 1)
		if got[0].Body[size-1] != byte(i) {
			t.Fatalf("message %d came as %d", got[0].Body[size-1], i)
		}
		c.Acknowledge(t.Context(), got)
	}
}

// While deliveries come in, whoever has asked something over the same connection gets the
// answer to that.
func unmixed(t *testing.T, r *rabbit, b *Bridges) {
	ch := r.client()
	r.declare(ch, "unmixed")
	publishN(t, ch, "unmixed", 5)
	conn := b.config.Conn
	asked := make(chan *nats.Msg, 1)
	sub, err := conn.ChanSubscribe("question", asked)
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Unsubscribe()
	answers := make(chan string, 1)
	go func() {
		m, err := conn.RequestWithContext(t.Context(), "question", nil)
		if err != nil {
			m = &nats.Msg{Data: []byte(err.Error())}
		}
		answers <- string(m.Data)
	}()
	question := <-asked
	c := open(t, b, r.spec("unmixed"))
	c.Acknowledge(t.Context(), receive(t, c, 5))
	if err := question.Respond([]byte("the answer")); err != nil {
		t.Fatal(err)
	}
	if got := <-answers; got != "the answer" {
		t.Errorf("got %q", got)
	}
}
