package jetqueue_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
	"millrace/runtime/queue/jetqueue"
)

// Only visible messages move, in their order, and they arrive as new messages.
func TestMove(t *testing.T) {
	e := start(t, jetqueue.Options{})
	from, to := e.create("from", nil), e.create("to", nil)
	target := to.ID()
	var old []queue.SendResult
	for i := range 5 {
		sent, err := from.Send(ctx, queue.Message{Body: fmt.Sprint(i)})
		if err != nil {
			t.Fatal(err)
		}
		old = append(old, sent...)
	}
	if got, err := from.Receive(ctx, queue.ReceiveRequest{Max: 1}); err != nil || len(got) != 1 || got[0].Body != "0" {
		t.Fatal(got, err)
	}
	if n, err := from.Move(ctx, 3, &target); n != 3 || err != nil {
		t.Fatalf("moved %d, %v; want 3", n, err)
	}
	got, err := to.Receive(ctx, queue.ReceiveRequest{Max: 10})
	if err != nil || len(got) != 3 {
		t.Fatalf("%d have arrived, %v; want 3", len(got), err)
	}
	for i, m := range got {
		if m.Body != fmt.Sprint(i+1) || m.Receives != 1 || m.DeadLetterSource != "" || m.MessageID == old[i+1].MessageID {
			t.Errorf("arrived as number %d: %+v", i, m)
		}
	}
	if c, _ := from.Counts(ctx); c.Visible != 1 || c.InFlight != 1 {
		t.Errorf("left behind: %+v, want one visible and one in flight", c)
	}
	if n, err := from.Move(ctx, 10, nil); n != 0 || !errors.Is(err, queue.ErrNoDeadLetterSource) {
		t.Errorf("to its source: %d, %v; want ErrNoSource", n, err)
	}
	nowhere := id("nowhere")
	if n, err := from.Move(ctx, 10, &nowhere); n != 0 || !errors.Is(err, fault.NotFound) {
		t.Errorf("to a queue that is not there: %d, %v; want fault.NotFound", n, err)
	}
}

func TestMoveToDeadLetterSources(t *testing.T) {
	e := start(t, jetqueue.Options{})
	dead := e.create("dead", nil)
	for _, name := range []string{"a", "b"} {
		q := e.create(name, func(c *queue.Config) { c.DeadLetter = &queue.DeadLetter{Target: dead.ID(), MaxReceives: 1} })
		if _, err := q.Send(ctx, queue.Message{Body: name}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := q.Receive(ctx, queue.ReceiveRequest{Max: 1, Visibility: new(time.Duration)}); err != nil {
				t.Fatal(err)
			}
		}
		// A poll waits for it to arrive, and leaves it visible.
		if got, err := dead.Receive(ctx, queue.ReceiveRequest{Max: 1, Wait: queue.Forever, Visibility: new(time.Duration)}); err != nil || len(got) != 1 {
			t.Fatal(got, err)
		}
		if n, err := dead.Move(ctx, 10, nil); n != 1 || err != nil {
			t.Fatalf("moved %d, %v; want 1", n, err)
		}
		got, err := q.Receive(ctx, queue.ReceiveRequest{Max: 1})
		if err != nil || len(got) != 1 || got[0].Body != name || got[0].Receives != 1 {
			t.Errorf("back in %s: %+v, %v", name, got, err)
		}
	}
}

func TestPeekAndMetrics(t *testing.T) {
	e := start(t, jetqueue.Options{})
	q := e.create("peeked", nil)
	late := time.Minute
	if _, err := q.Send(ctx, queue.Message{Body: "one"}, queue.Message{Body: "two"}, queue.Message{Body: "late", Delay: &late}); err != nil {
		t.Fatal(err)
	}
	if _, err := q.Receive(ctx, queue.ReceiveRequest{Max: 1}); err != nil {
		t.Fatal(err)
	}
	states := func(r queue.PeekRequest) (all string) {
		seen, err := q.Peek(ctx, r)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range seen {
			if p.ReceiptHandle != "" || (p.State == "visible") != p.VisibleAt.IsZero() {
				t.Errorf("seen as %+v", p)
			}
			all += p.Body + ":" + p.State + " "
		}
		return all
	}
	for _, c := range []struct {
		r    queue.PeekRequest
		want string
	}{
		{queue.PeekRequest{}, "two:visible "},
		{queue.PeekRequest{Invisible: true}, "one:inflight two:visible "},
		{queue.PeekRequest{Delayed: true}, "two:visible late:delayed "},
		{queue.PeekRequest{Invisible: true, Delayed: true, Max: 1}, "one:inflight "},
	} {
		if got := states(c.r); got != c.want {
			t.Errorf("peek %+v: %q, want %q", c.r, got, c.want)
		}
	}
	if _, err := q.Receive(ctx, queue.ReceiveRequest{Max: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := q.Receive(ctx, queue.ReceiveRequest{Max: 1}); err != nil {
		t.Fatal(err)
	}
	m, err := q.Metrics(ctx)
	if err != nil || m.Sent != 3 || m.SentBytes != 10 || m.Received != 2 || m.EmptyReceives != 1 || m.InFlight != 2 || m.Delayed != 1 {
		t.Errorf("metrics %+v, %v", m, err)
	}
}

// Messages that do not fit in one entry together go in several.
func TestMoveOfLargeMessages(t *testing.T) {
	e := start(t, jetqueue.Options{})
	from, to := e.create("from", nil), e.create("to", nil)
	large := strings.Repeat("x", 250_000)
	for range 40 {
		e.send(from, queue.Message{Body: large})
	}
	target := to.ID()
	if n, err := from.Move(ctx, 100, &target); n != 40 || err != nil {
		t.Errorf("moved %d, %v; want 40", n, err)
	}
	e.counts(from, 0, 0, 0)
	e.counts(to, 40, 0, 0)
}

// A queue without its key exists all the same: its dead letters do not bounce
// between it and their source.
func TestDeadLetterQueueWithoutItsKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := start(t, jetqueue.Options{Keys: vault(t)})
		dead := e.create("dead", func(c *queue.Config) {
			c.Texts = map[string]string{"KmsMasterKeyId": "11111111-2222-3333-4444-555555555555", "KmsDataKeyReusePeriodSeconds": "300"}
		})
		from := e.create("from", func(c *queue.Config) { c.DeadLetter = &queue.DeadLetter{Target: dead.ID(), MaxReceives: 1} })
		e.send(from, body("a"))
		target := dead.ID()
		if n, err := from.Move(ctx, 10, &target); n != 0 || fault.Of(err) != fault.Unavailable {
			e.Errorf("moved %d, %v; want fault.Unavailable", n, err)
		}
		e.receive(from, queue.ReceiveRequest{Max: 1, Visibility: new(time.Duration)}, "a")
		before := e.entries()
		e.receive(from, queue.ReceiveRequest{Max: 1, Wait: 20 * time.Second})
		if n := e.entries() - before; n > 5 {
			e.Errorf("%d entries while nothing could happen", n)
		}
	})
}
