package jetqueue_test

import (
	"sync/atomic"
	"testing"
	"time"

	"millrace/runtime/queue"
	"millrace/runtime/queue/jetqueue"
	"millrace/runtime/store/backbone/backbonetest"
)

// A wall is a wall clock that can be set.
type wall struct{ offset atomic.Int64 } // a time.Duration

func (w *wall) now() time.Time { return time.Now().Round(0).Add(time.Duration(w.offset.Load())) }

// jump sets the clock forward by d.
func (w *wall) jump(d time.Duration) { w.offset.Add(int64(d)) }

// wallAhead is a wall clock that is ahead by d.
func wallAhead(d time.Duration) *wall {
	w := &wall{}
	w.jump(d)
	return w
}

// fast hides what it receives for three seconds, and waits longer than that.
var fast = queue.ReceiveRequest{Max: 10, Wait: 20 * time.Second, Visibility: new(3 * time.Second)}

// Jumps of the wall clock, and whether the queues are closed when it jumps.
var jumps = []struct {
	name   string
	jump   time.Duration
	closed bool
}{
	{"back", -time.Hour, false},
	{"back while closed", -time.Hour, true},
	{"a day ahead and corrected", -24 * time.Hour, false},
	{"a day ahead and corrected while closed", -24 * time.Hour, true},
	{"ahead", time.Hour, false},
}

// Visibility, delays, group locks and deduplication ids last as long as they
// should, whatever the wall clock does in between.
func TestWallClockJumps(t *testing.T) {
	for _, c := range jumps {
		t.Run(c.name, func(t *testing.T) {
			w := &wall{}
			bubble(t, jetqueue.Options{WallClock: w.now}, func(e *env) {
				if c.jump == -24*time.Hour {
					w.jump(24 * time.Hour)
				}
				plain := e.create("orders", nil)
				fifo := e.create("orders.fifo", nil)
				e.send(plain, body("hidden"))
				first := e.receive(plain, fast, "hidden")[0]
				e.send(plain, queue.Message{Body: "delayed", Delay: new(4 * time.Second)})
				head := queue.Message{Body: "head", GroupID: "g", DedupID: "1"}
				e.send(fifo, head, queue.Message{Body: "next", GroupID: "g", DedupID: "2"})
				e.receive(fifo, queue.ReceiveRequest{Max: 1, Visibility: new(3 * time.Second)}, "head")

				w.jump(c.jump)
				if c.closed {
					e.reopen()
					plain, fifo = e.get("orders"), e.get("orders.fifo")
				}
				if sent := e.send(fifo, head); !sent[0].Duplicate {
					e.Error("the deduplication id is forgotten")
				}
				jumped := time.Now()
				after := func(want time.Duration) {
					e.Helper()
					// While the queues were closed nothing passed, as far as could be known.
					if got := time.Since(jumped).Round(10 * time.Millisecond); got != want {
						e.Errorf("it took %v, want %v", got, want)
					}
				}
				e.receive(fifo, queue.ReceiveRequest{Max: 1}) // the group is locked
				again := e.receive(plain, fast, "hidden")[0]
				after(3 * time.Second)
				if !again.Sent.Equal(first.Sent) || !again.FirstReceived.Equal(first.FirstReceived) {
					e.Errorf("sent at %v and first received at %v, now %v and %v", first.Sent, first.FirstReceived, again.Sent, again.FirstReceived)
				}
				if age := again.Age.Round(10 * time.Millisecond); age != 3*time.Second {
					e.Errorf("it is %v old, want 3s", age)
				}
				e.receive(plain, fast, "delayed")
				after(4 * time.Second)
				e.receive(fifo, queue.ReceiveRequest{Max: 1, Wait: 20 * time.Second}, "head")
				after(4 * time.Second)
				seen, err := plain.Peek(ctx, queue.PeekRequest{Invisible: true})
				if err != nil || len(seen) != 2 {
					e.Fatalf("peeked %v, %v", seen, err)
				}
				if left := seen[1].VisibleAt.Sub(w.now()).Round(10 * time.Millisecond); left != 3*time.Second {
					e.Errorf("it is visible again in %v by the wall clock, want 3s", left)
				}
				time.Sleep(queue.DedupWindow)
				if sent := e.send(fifo, head); sent[0].Duplicate {
					e.Error("the deduplication id is remembered for longer than five minutes")
				}
			})
		})
	}
}

// When the log is read again, the process knows how much time has passed, without
// the wall clock.
func TestRereadDoesNotUseTheWallClock(t *testing.T) {
	w := &wall{}
	bubble(t, jetqueue.Options{WallClock: w.now}, func(e *env) {
		q := e.create("orders", nil)
		e.send(q, body("a"))
		e.receive(q, fast, "a")
		time.Sleep(2 * time.Second)
		for _, jump := range []time.Duration{24 * time.Hour, -48 * time.Hour} {
			w.jump(jump)
			e.intrude()
			if _, err := q.Send(ctx, body("lost")); err == nil {
				e.Fatal("the log did not change")
			}
			e.counts(q, 0, 1, 0) // read again
		}
		time.Sleep(time.Second)
		e.counts(q, 1, 0, 0)
	})
}

// A dead letter keeps its send time and its age when the wall clock jumps before
// it moves.
func TestDeadLetterAcrossAJump(t *testing.T) {
	w := wallAhead(-24 * time.Hour)
	bubble(t, jetqueue.Options{WallClock: w.now}, func(e *env) {
		e.create("dead", func(c *queue.Config) { c.Retention = time.Hour })
		q := e.create("orders", func(c *queue.Config) { c.DeadLetter = &queue.DeadLetter{Target: id("dead"), MaxReceives: 1} })
		e.send(q, body("a"))
		first := e.receive(q, fast, "a")[0]
		w.jump(24 * time.Hour)
		time.Sleep(3 * time.Second)
		e.receive(q, queue.ReceiveRequest{Max: 1})
		dead := e.receive(e.get("dead"), fast, "a")[0]
		if !dead.Sent.Equal(first.Sent) || !dead.FirstReceived.Equal(first.FirstReceived) {
			e.Errorf("sent at %v and first received at %v, now %v and %v", first.Sent, first.FirstReceived, dead.Sent, dead.FirstReceived)
		}
		time.Sleep(time.Hour - 4*time.Second)
		e.counts(e.get("dead"), 1, 0, 0)
		time.Sleep(2 * time.Second)
		e.counts(e.get("dead"), 0, 0, 0)
	})
}

// A node whose clock is behind takes a queue over: the queue's time does not go
// back.
func TestTakeoverByANodeThatIsBehind(t *testing.T) {
	url := backbonetest.Listen(t, 0)
	behind := wallAhead(-time.Hour)
	one, two := join(t, url), joinAt(t, url, behind.now)
	name := one.owned(one, ".fifo")
	msg := queue.Message{Body: "a", GroupID: "g", DedupID: "1"}
	if _, err := one.get(name).Send(ctx, msg); err != nil {
		t.Fatal(err)
	}
	hide := queue.ReceiveRequest{Max: 1, Wait: 20 * time.Second, Visibility: new(time.Second)}
	first, err := one.get(name).Receive(ctx, hide)
	if err != nil || len(first) != 1 {
		t.Fatal(first, err)
	}
	one.leave()
	if sent, err := two.get(name).Send(ctx, msg); err != nil || !sent[0].Duplicate {
		t.Errorf("the deduplication id is forgotten: %+v, %v", sent, err)
	}
	again, err := two.get(name).Receive(ctx, hide)
	if err != nil || len(again) != 1 {
		t.Fatalf("received %v, %v, want the message once its second is over", again, err)
	}
	if !again[0].Sent.Equal(first[0].Sent) || again[0].Age < first[0].Age+time.Second {
		t.Errorf("sent at %v and %v old, before %v and %v", again[0].Sent, again[0].Age, first[0].Sent, first[0].Age)
	}
}
