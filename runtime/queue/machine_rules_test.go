package queue

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
)

// fixture is a machine whose messages are named by their bodies.
type fixture struct {
	*testing.T
	m   *Machine
	now time.Time
}

func fix(t *testing.T, fifo bool, c Config) *fixture {
	if c.Visibility == 0 {
		c.Visibility = 30 * time.Second
	}
	return &fixture{t, New(c, Options{FIFO: fifo, Random: rand.NewPCG(1, 2)}), epoch}
}

func (f *fixture) do(do func()) Batch {
	f.m.Begin(f.now, f.now)
	do()
	return f.m.Commit(ContentKey{})
}

// send sends messages called like g1 in the group of their first letter.
func (f *fixture) send(names ...string) {
	f.do(func() {
		for _, name := range names {
			f.m.Send(draftOf(Message{Body: name, GroupID: name[:1], DedupID: name}))
		}
	})
}

func names(ds []Delivery) (s string) {
	for i, d := range ds {
		if i > 0 {
			s += " "
		}
		msg, _, _ := d.Content.Unpack()
		s += msg.Body
	}
	return s
}

func (f *fixture) receive(max int, want string) []Delivery {
	f.Helper()
	w := &Waiter{}
	f.do(func() { f.m.Receive(w, ReceiveRequest{Max: max}) })
	if got := names(w.Deliveries); got != want {
		f.Fatalf("received %q, want %q", got, want)
	}
	return w.Deliveries
}

func (f *fixture) change(d Delivery, timeout time.Duration) {
	f.Helper()
	f.do(func() {
		if err := f.m.ChangeVisibility(Receipt{d.Number, d.ReceiveCount}, timeout); err != nil {
			f.Fatal(err)
		}
	})
}

func (f *fixture) delete(d Delivery) {
	f.Helper()
	f.do(func() {
		if err := f.m.Delete(Receipt{d.Number, d.ReceiveCount}); err != nil {
			f.Fatal(err)
		}
	})
}

// As recorded on AWS: LocalStack, test_fifo_message_group_visibility and its
// neighbours.
func TestFIFOBatchTakesAllOfAGroupFirst(t *testing.T) {
	f := fix(t, true, Config{})
	f.send("a1", "b1", "a2", "a3")
	f.receive(10, "a1 a2 a3 b1")
}

func TestFIFOPartialVisibility(t *testing.T) {
	for extended, want := range []string{"", "a1", "a1 a2"} {
		f := fix(t, true, Config{Visibility: time.Second})
		f.send("a1", "a2", "a3", "a4")
		got := f.receive(3, "a1 a2 a3")
		f.change(got[extended], time.Minute)
		f.now = f.now.Add(2 * time.Second)
		f.receive(10, want)
	}
}

func TestFIFOTerminatedFirstComesBackAlone(t *testing.T) {
	f := fix(t, true, Config{})
	f.send("a1", "a2", "a3")
	got := f.receive(2, "a1 a2")
	f.change(got[0], 0)
	f.receive(10, "a1")
}

func TestFIFOGroupIsReceivableWhenItsLastInFlightIsDeleted(t *testing.T) {
	f := fix(t, true, Config{})
	f.send("a1", "a2", "a3", "b1", "b2")
	got := f.receive(2, "a1 a2")
	f.delete(got[0])
	f.receive(1, "b1")
	f.send("c1", "d1")
	f.delete(got[1])
	f.receive(10, "c1 d1 a3") // behind those that waited
}

func TestWaitersAreServedInTheirOrder(t *testing.T) {
	f := fix(t, false, Config{})
	var ws [3]*Waiter
	f.do(func() {
		for i := range ws {
			ws[i] = &Waiter{Token: i}
			f.m.Receive(ws[i], ReceiveRequest{Max: 2, Wait: 20 * time.Second})
		}
		f.m.CancelReceive(ws[1])
	})
	if g := f.do(func() {}); len(g.Answered) > 0 {
		t.Fatal("answered without a message")
	}
	if next := f.m.NextWakeup(); !next.Equal(epoch.Add(20 * time.Second)) {
		t.Errorf("next is %v, want the end of the first wait", next)
	}
	g := f.do(func() {
		for i := range 3 {
			f.m.Send(draftOf(Message{Body: "m" + strconv.Itoa(i)}))
		}
	})
	if len(g.Answered) != 2 || g.Answered[0] != ws[0] || g.Answered[1] != ws[2] {
		t.Fatalf("answered %v", g.Answered)
	}
	if names(ws[0].Deliveries) != "m0" || names(ws[2].Deliveries) != "m1" {
		t.Errorf("got %q and %q", names(ws[0].Deliveries), names(ws[2].Deliveries))
	}
	if next := f.m.NextWakeup(); !next.IsZero() {
		t.Errorf("nobody waits, and next is %v", next)
	}
	f.receive(10, "m2")
}

func TestWaitEndsEmpty(t *testing.T) {
	f := fix(t, false, Config{})
	w := &Waiter{}
	f.do(func() { f.m.Receive(w, ReceiveRequest{Max: 1, Wait: time.Second}) })
	f.now = f.m.NextWakeup()
	if g := f.do(func() {}); len(g.Answered) != 1 || len(w.Deliveries) != 0 || g.Entry != nil {
		t.Errorf("%+v", g)
	}
}

func TestAttempt(t *testing.T) {
	const id = "attempt"
	receive := func(f *fixture) *Waiter {
		w := &Waiter{}
		f.do(func() { f.m.Receive(w, ReceiveRequest{Max: 2, AttemptID: id}) })
		return w
	}
	t.Run("again: the same messages, handles and a fresh timeout", func(t *testing.T) {
		f := fix(t, true, Config{})
		f.send("a1", "a2", "b1")
		first := receive(f)
		f.now = f.now.Add(20 * time.Second)
		again := receive(f)
		if names(again.Deliveries) != "a1 a2" || again.Deliveries[0].ReceiveCount != first.Deliveries[0].ReceiveCount {
			t.Fatalf("got %v, want %v", again.Deliveries, first.Deliveries)
		}
		f.now = f.now.Add(20 * time.Second)
		f.receive(10, "b1")
		f.now = f.now.Add(10 * time.Second)
		f.receive(2, "a1 a2")
	})
	t.Run("after a delete: not retryable", func(t *testing.T) {
		f := fix(t, true, Config{})
		f.send("a1", "a2", "b1")
		f.delete(receive(f).Deliveries[0])
		if w := receive(f); w.Err != ErrAttemptNotRetryable {
			t.Errorf("got %v, %v", w.Deliveries, w.Err)
		}
	})
	t.Run("after five minutes: a new receive", func(t *testing.T) {
		f := fix(t, true, Config{Visibility: time.Hour})
		f.send("a1", "a2", "b1")
		receive(f)
		f.now = f.now.Add(AttemptWindow)
		if w := receive(f); names(w.Deliveries) != "b1" {
			t.Errorf("got %q", names(w.Deliveries))
		}
	})
}

func TestInFlightLimit(t *testing.T) {
	for _, fifo := range []bool{false, true} {
		f := fix(t, fifo, Config{})
		f.do(func() {
			for i := range maxInFlight + 1 {
				s := strconv.Itoa(i)
				f.m.Send(draftOf(Message{Body: s, GroupID: s, DedupID: s}))
			}
		})
		all := &Waiter{}
		f.do(func() { f.m.Receive(all, ReceiveRequest{Max: maxInFlight + 1}) })
		if n := len(all.Deliveries); n != maxInFlight {
			t.Fatalf("%d messages in flight, want %d", n, maxInFlight)
		}
		short, long := &Waiter{}, &Waiter{}
		f.do(func() { f.m.Receive(short, ReceiveRequest{Max: 1}) })
		if over := short.Err == ErrTooManyInFlight; over == fifo {
			t.Errorf("fifo=%v: short poll got %v", fifo, short.Err)
		}
		f.do(func() { f.m.Receive(long, ReceiveRequest{Max: 1, Wait: Forever}) })
		f.delete(all.Deliveries[0])
		if len(long.Deliveries) != 1 || long.Err != nil {
			t.Errorf("fifo=%v: a long poll was not served when there was room: %v", fifo, long.Err)
		}
	}
}

func TestTransfersAreAcceptedOnce(t *testing.T) {
	f := fix(t, false, Config{})
	b := func(seq uint64) Transfer {
		return Transfer{Seq: seq, Content: Pack(&Message{Body: strconv.Itoa(int(seq))}, "source"), Sent: epoch, FirstReceived: epoch, Receives: 3}
	}
	f.do(func() { f.m.AcceptTransfers(7, b(1), b(2)) })
	f.do(func() { f.m.AcceptTransfers(7, b(1), b(2), b(3)) }) // the source did not hear of it and was restarted
	f.do(func() { f.m.AcceptTransfers(8, b(1)) })
	got := f.receive(10, "1 2 3 1")
	if got[0].TotalReceives != 4 {
		t.Errorf("received %d times, want the three before and this one", got[0].TotalReceives)
	}
	f.delete(got[0])
	f.do(func() { f.m.AcceptTransfers(7, b(1)) })
	f.now = f.now.Add(time.Minute)
	f.receive(10, "2 3 1")
}

func TestRevertedTransferKeepsItsPosition(t *testing.T) {
	f := fix(t, true, Config{DeadLetter: &DeadLetter{MaxReceives: 1}})
	f.m.SetDeadLetterQueueExists(true)
	f.send("a1", "a2")
	f.receive(1, "a1")
	f.now = f.now.Add(time.Minute)
	f.receive(1, "a2") // the transfer of a1 released the group
	f.do(func() { f.m.RevertTransfer(f.m.PendingTransfers(1)[0].Number) })
	f.m.SetDeadLetterQueueExists(false)
	f.receive(10, "a1")
}

func TestRetentionEndsAlsoInFlight(t *testing.T) {
	f := fix(t, false, Config{Retention: time.Minute, Visibility: time.Hour})
	f.send("m1", "m2")
	f.receive(1, "m1")
	f.now = f.now.Add(time.Minute)
	f.receive(10, "")
	if c := f.m.Counts(); c != (Counts{}) {
		t.Errorf("left: %+v", c)
	}
}

func TestBudgetIsReleased(t *testing.T) {
	b := NewBudget(700)
	m := New(Config{}, Options{Random: rand.NewPCG(1, 2), Budget: b})
	var g Batch
	for range 3 { // the contents of an entry are kept whole or not at all
		m.Begin(epoch, epoch)
		for range 10 {
			m.Send(draftOf(Message{Body: "01234567890123456789"}))
		}
		g = m.Commit(ContentKey{})
	}
	if used := b.used.Load(); used > 700 || used < 500 {
		t.Errorf("%d bytes are used", used)
	}
	w := &Waiter{}
	m.Begin(epoch, epoch)
	m.Receive(w, ReceiveRequest{Max: 30})
	m.Commit(ContentKey{})
	if last := w.Deliveries[29]; last.Content != "" || last.Entry != g.Seq {
		t.Errorf("the last message should be in the log only: %+v", last)
	}
	m.Begin(epoch, epoch)
	m.Purge()
	m.Commit(ContentKey{})
	if used := b.used.Load(); used != 0 {
		t.Errorf("%d bytes are used by nothing", used)
	}
}

// Messages handed to a receive that was canceled meanwhile are visible again at
// once, unless another receive has them by now.
func TestCanceledReceiveReturnsMessages(t *testing.T) {
	f := fix(t, false, Config{})
	w := &Waiter{}
	f.do(func() { f.m.Receive(w, ReceiveRequest{Max: 10, Wait: Forever}) })
	f.do(func() { f.m.Send(draftOf(Message{Body: "a"}), draftOf(Message{Body: "b"})) })
	if len(w.Deliveries) != 2 {
		t.Fatalf("%d delivered, want 2", len(w.Deliveries))
	}
	f.do(func() { f.m.ChangeVisibility(Receipt{1, 1}, 0) })
	f.do(func() { f.m.Receive(&Waiter{}, ReceiveRequest{Max: 1}) })
	f.do(func() { f.m.CancelReceive(w) })
	if c := f.m.Counts(); c.Visible != 1 || c.InFlight != 1 {
		t.Errorf("%+v, want one message back and one with its second receiver", c)
	}
}

// Standard messages that were received too often do not count as the oldest; the age
// of a dead letter begins at its transfer.
func TestAgeOfTheOldestMessage(t *testing.T) {
	f := fix(t, false, Config{Visibility: time.Second})
	age := func(want time.Duration) {
		t.Helper()
		f.do(func() {})
		if got := f.m.Metrics().OldestAge; got != want {
			t.Errorf("the oldest is %v old, want %v", got, want)
		}
	}
	age(0)
	f.send("a")
	f.now = f.now.Add(time.Minute)
	f.send("b")
	age(time.Minute)
	for range oldestMaxReceives {
		f.do(func() { f.m.Receive(&Waiter{}, ReceiveRequest{Max: 1, Visibility: new(time.Duration)}) })
	}
	age(0)
	f.do(func() { f.m.Purge() })
	f.do(func() {
		f.m.AcceptTransfers(1, Transfer{Seq: 1, Content: Pack(&Message{Body: "c"}, ""), Sent: f.now.Add(-time.Hour), FirstReceived: f.now.Add(-time.Hour), Receives: 1})
	})
	f.now = f.now.Add(time.Second)
	age(time.Second)
}

// A queue with a limit of its own keeps no more contents in memory, and all messages.
func TestCachedContentsAreLimited(t *testing.T) {
	f := fix(t, false, Config{Visibility: time.Hour, MaxCached: 1000})
	for range 100 {
		f.do(func() { f.m.Send(draftOf(Message{Body: strings.Repeat("x", 100)})) })
	}
	if n := f.m.log.cached; n == 0 || n > 1000 {
		t.Errorf("%d bytes of contents are in memory", n)
	}
	with := 0
	w := &Waiter{}
	f.do(func() { f.m.Receive(w, ReceiveRequest{Max: 100}) })
	for _, d := range w.Deliveries {
		if d.Content != "" {
			with++
		}
	}
	if len(w.Deliveries) != 100 || with == 0 || with == 100 {
		t.Errorf("%d messages, %d with their contents", len(w.Deliveries), with)
	}
	f.do(func() {
		for _, d := range w.Deliveries {
			if err := f.m.Delete(Receipt{d.Number, d.ReceiveCount}); err != nil {
				t.Error(err)
			}
		}
	})
	if n := f.m.log.cached; n != 0 {
		t.Errorf("%d bytes of contents are counted, and no message is there", n)
	}
}
