package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/delivery"
	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
	"millrace/runtime/lifecycle/lifecycletest"
	"millrace/runtime/queue"
	"millrace/runtime/queue/jetqueue"
)

func TestAnOutboxStartsAndStopsAsAllParts(t *testing.T) {
	w := newWorld(t, t.TempDir())
	defer func() { w.down() }()
	lifecycletest.Stress(t, func() lifecycle.Part {
		return delivery.New(delivery.Config{
			Queue:   func(ctx context.Context) (delivery.Queue, error) { return delivery.QueueIn(ctx, w.queues) },
			Resolve: delivery.Resolvers{"test": w.resolve}.Resolve,
		})
	})
}

func put(t *testing.T, w *world, id, to string, p delivery.Policy) {
	t.Helper()
	if err := w.outbox.Put(t.Context(), "test:"+to, delivery.Event{ID: id, Body: []byte(id)}, p); err != nil {
		t.Fatal(err)
	}
}

// A hundred targets that hang hold their shares, and no more: a good one beside them
// has its events at once.
func TestTargetsThatHangStarveNobody(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.set("good", "ok")
		for i := range 100 {
			w.set(fmt.Sprint("bad", i), "hang")
			for n := range 30 {
				put(t, w, fmt.Sprint(n), fmt.Sprint("bad", i), delivery.Policy{Sender: "lambda"})
			}
		}
		synctest.Wait()
		w.heard()
		for i := range 50 {
			put(t, w, fmt.Sprint(i), "good", delivery.Policy{})
			synctest.Wait()
			if all := w.heard(); len(all) != 1 || !strings.Contains(all[0], "good got") {
				t.Fatalf("event %d: %v", i, all)
			}
		}
	})
}

// A target that hangs is tried again, and others of its events with it.
func TestAnAttemptEndsThoughItsTargetHangs(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.set("t", "hang", "ok")
		put(t, w, "a", "t", delivery.Policy{Sender: "lambda"})
		time.Sleep(21 * time.Minute)
		if all := w.heard(); len(all) != 2 || all[1] != "00:20:01 t got a: ok" {
			t.Errorf("%v", all)
		}
	})
}

// An attempt that takes long is nobody else's meanwhile.
func TestAnEventStaysHiddenAsLongAsItsAttemptTakes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.set("t", "hang")
		put(t, w, "a", "t", delivery.Policy{})
		time.Sleep(19 * time.Minute)
		if all := w.heard(); len(all) != 1 {
			t.Errorf("%v", all)
		}
	})
}

// An unheardQueue gives events, and then hears nothing of them: what a kill leaves
// undone.
type unheardQueue struct{ delivery.Queue }

var errKilled = errors.New("killed")

func (unheardQueue) Delete(context.Context, ...string) []error { return []error{errKilled} }
func (unheardQueue) ChangeVisibility(context.Context, ...queue.VisibilityChange) []error {
	return []error{errKilled}
}

func TestAKillLosesNoEvent(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		if err := w.outbox.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		killed := delivery.New(delivery.Config{
			Queue: func(ctx context.Context) (delivery.Queue, error) {
				q, err := delivery.QueueIn(ctx, w.queues)
				return unheardQueue{q}, err
			},
			Resolve: delivery.Resolvers{"test": w.resolve}.Resolve,
		})
		if err := killed.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.set("t", "ok")
		put(t, w, "a", "t", delivery.Policy{})
		synctest.Wait()
		if err := killed.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := w.outbox.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if all := w.heard(); len(all) != 2 || !strings.HasPrefix(all[1], "00:00:30 t got a") {
			t.Errorf("%v", all)
		}
	})
}

// What an outbox that is stopped is given waits for its start.
func TestAStoppedOutboxTakesEvents(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		if err := w.outbox.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.set("t", "ok")
		put(t, w, "a", "t", delivery.Policy{})
		time.Sleep(time.Minute)
		if err := w.outbox.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if all := w.heard(); len(all) != 1 {
			t.Errorf("%v", all)
		}
	})
}

func TestPutSaysThatItCannotTakeAnEvent(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.set("t", "ok")
		if err := errors.Join(w.outbox.Stop(t.Context()), w.queues.Stop(t.Context())); err != nil {
			t.Fatal(err)
		}
		if err := w.outbox.Put(t.Context(), "test:t", delivery.Event{}, delivery.Policy{}); !errors.Is(err, fault.Unavailable) {
			t.Errorf("got %v", err)
		}
	})
}

// An event comes to its target whole.
func TestEventsTravelWhole(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var got delivery.Event
		if err := w.outbox.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.outbox = delivery.New(delivery.Config{
			Queue: func(ctx context.Context) (delivery.Queue, error) { return delivery.QueueIn(ctx, w.queues) },
			Resolve: func(string) (delivery.Target, error) {
				return keeper{&got}, nil
			},
		})
		if err := w.outbox.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		e := delivery.Event{
			ID: strings.Repeat("i", 5000), Body: []byte("\x00\xff<&>"), Headers: map[string]string{"X-A": "b\tc"}, GroupID: "g", DedupID: "d",
			Attributes: []queue.Attribute{{Name: "delivery", DataType: "Binary", Value: []byte{0}}, {Name: "z", DataType: "String", Value: []byte("ü")}},
			Subject:    "s\n", Key: "k", Unfinished: true, Unlimited: true, SeqSource: 1 << 63, Seq: 1<<64 - 1,
			Source: delivery.Source{ARN: "arn:aws:sns:us-east-1:0:t", Account: "0"}, TraceHeader: "Root=1", TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		}
		if err := w.outbox.Put(t.Context(), strings.Repeat("n\x00", 5000), e, delivery.Policy{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", e) {
			t.Errorf("got %.300q, want %.300q", fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", e))
		}
	})
}

// A keeper is a target that keeps the last event.
type keeper struct{ event *delivery.Event }

func (keeper) Allows(delivery.Source) error { return nil }

func (k keeper) Deliver(_ context.Context, e delivery.Event) (delivery.Reply, error) {
	*k.event = e
	return delivery.Reply{}, nil
}

// A lateQueues does not know of the queue at first: another runtime makes it meanwhile.
type lateQueues struct {
	*jetqueue.Queues
	asked int
}

func (l *lateQueues) Get(id queue.ID) (*jetqueue.Queue, error) {
	if l.asked++; l.asked == 1 {
		return nil, fault.New(fault.NotFound, "no queue yet")
	}
	return l.Queues.Get(id)
}

// Of two runtimes that start at once one makes the queue, and the other finds it.
func TestAnotherRuntimeMayMakeTheQueueFirst(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		if _, err := delivery.QueueIn(t.Context(), &lateQueues{Queues: w.queues}); err != nil {
			t.Error(err)
		}
	})
}

// A bug in what an event needs beside its target neither ends the process nor holds
// up other events.
func TestAPanicLosesNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		if err := w.outbox.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		panicked := 0
		w.outbox = delivery.New(delivery.Config{
			Queue: func(ctx context.Context) (delivery.Queue, error) { return delivery.QueueIn(ctx, w.queues) },
			Resolve: func(name string) (delivery.Target, error) {
				if name == "test:bad" {
					if panicked++; panicked == 2 { // the first time Put asks
						panic("a bug")
					}
				}
				return w.resolve(name)
			},
		})
		if err := w.outbox.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.set("bad", "ok")
		w.set("good", "ok")
		put(t, w, "a", "bad", delivery.Policy{})
		put(t, w, "b", "good", delivery.Policy{})
		synctest.Wait()
		if all := w.heard(); len(all) != 1 || !strings.Contains(all[0], "good got b") {
			t.Errorf("at first: %v", all)
		}
		time.Sleep(time.Minute)
		if all := w.heard(); len(all) != 1 || !strings.Contains(all[0], "bad got a") {
			t.Errorf("later: %v", all)
		}
	})
}

// A caller who leaves when a target already has the event is told that it was taken.
func TestAnEventThatWasDeliveredWasTaken(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx, cancel := context.WithCancel(t.Context())
		outbox := delivery.New(delivery.Config{Resolve: func(string) (delivery.Target, error) { return leaver(cancel), nil }})
		if err := outbox.Put(ctx, "test:t", delivery.Event{}, delivery.Policy{}); err != nil {
			t.Error(err)
		}
	})
}

// A leaver is a durable target whose caller leaves while it delivers.
type leaver context.CancelFunc

func (leaver) Durable()                     {}
func (leaver) Allows(delivery.Source) error { return nil }

func (l leaver) Deliver(context.Context, delivery.Event) (delivery.Reply, error) {
	l()
	return delivery.Reply{}, nil
}

// What no queue can keep is said and given up, not tried for ever.
func TestWhatIsTooLargeToBeKeptIsGivenUp(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.set("t", "fail")
		w.set("dead", "ok")
		put(t, w, "a", "t", delivery.Policy{Sender: "huge", MaxAttempts: 1, OnFailure: "test:dead"})
		time.Sleep(10 * time.Minute)
		tries := 0
		for _, line := range w.heard() {
			if strings.Contains(line, " t got ") {
				tries++
			}
		}
		if tries != 1 || w.waiting() != 0 {
			t.Errorf("tried %d times, %d wait", tries, w.waiting())
		}
		if !strings.Contains(w.log.String(), "too large to be kept") {
			t.Error("nobody is told")
		}
	})
}
