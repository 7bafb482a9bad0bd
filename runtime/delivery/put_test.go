package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/delivery"
	"millrace/runtime/fault"
	"millrace/runtime/queue"
)

// A countedQueue counts the sends to an outbox's queue.
type countedQueue struct {
	delivery.Queue
	sends *[]int // how many messages each had
}

func (q countedQueue) Send(ctx context.Context, all ...queue.Message) ([]queue.SendResult, error) {
	*q.sends = append(*q.sends, len(all))
	return q.Queue.Send(ctx, all...)
}

// countSends has the world's outbox count its sends.
func (w *world) countSends() *[]int {
	w.Helper()
	if err := w.outbox.Stop(w.Context()); err != nil {
		w.Fatal(err)
	}
	sends := new([]int)
	w.outbox = delivery.New(delivery.Config{
		Queue: func(ctx context.Context) (delivery.Queue, error) {
			q, err := delivery.QueueIn(ctx, w.queues)
			return countedQueue{q, sends}, err
		},
		Resolve: delivery.Resolvers{"test": w.resolve}.Resolve,
		Senders: map[string]delivery.Sender{"lambda": lambda, "sns": sns, "huge": huge},
	})
	if err := w.outbox.Start(w.Context()); err != nil {
		w.Fatal(err)
	}
	return sends
}

func deliveries(to ...string) (all []delivery.Delivery) {
	for _, name := range to {
		all = append(all, delivery.Delivery{To: "test:" + name, Event: delivery.Event{Body: []byte("e")}, Policy: delivery.Policy{Sender: "lambda"}})
	}
	return all
}

// got names the targets that got an event since the last call.
func (w *world) got() (all []string) {
	for _, line := range w.heard() {
		if name, _, ok := strings.Cut(line, " got "); ok {
			all = append(all, strings.Fields(name)[1])
		}
	}
	slices.Sort(all)
	return all
}

// Durable targets have what they took when PutAll returns, and are asked for nothing
// twice; all others have their events from the outbox, which was sent them at once.
func TestPutAll(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		sends := w.countSends()
		var all []string
		for i := range 200 {
			name := fmt.Sprint("t", i)
			w.set(name, "ok").durable = i%2 == 0
			all = append(all, name)
		}
		w.set("refuses", "refuse", "ok").durable = true
		w.set("gone", "gone").durable = true
		if err := w.outbox.PutAll(t.Context(), deliveries(append(all, "refuses", "gone", "none")...)); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(*sends) != "[102]" {
			t.Errorf("the outbox was sent %v", *sends)
		}
		synctest.Wait()
		all = append(all, "gone", "refuses", "refuses")
		slices.Sort(all)
		if got := w.got(); !slices.Equal(got, all) {
			t.Errorf("got %v", got)
		}
		if n := w.waiting(); n != 0 {
			t.Errorf("%d events wait", n)
		}
	})
}

func TestPutAllOfNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		sends := w.countSends()
		if err := w.outbox.PutAll(t.Context(), nil); err != nil || len(*sends) > 0 {
			t.Errorf("got %v, and sent %v", err, *sends)
		}
	})
}

// What waits is sent in messages that any log takes.
func TestPutAllSendsInPieces(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		sends := w.countSends()
		w.set("t", "ok")
		all := deliveries("t", "t", "t", "t", "t")
		for i, size := range []int{200 << 10, 200 << 10, 200 << 10, 2 << 20, 1} {
			all[i].Event.Body = []byte(strings.Repeat("x", size))
		}
		if err := w.outbox.PutAll(t.Context(), all); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(*sends) != "[2 1 1 1]" {
			t.Errorf("the outbox was sent %v", *sends)
		}
	})
}

// A bounded is a durable target that takes a second and counts how often that happens
// at the same time.
type bounded struct{ now, most *atomic.Int64 }

func (bounded) Durable()                     {}
func (bounded) Allows(delivery.Source) error { return nil }

func (b bounded) Deliver(context.Context, delivery.Event) (delivery.Reply, error) {
	if n := b.now.Add(1); n > b.most.Load() {
		b.most.Store(n)
	}
	time.Sleep(time.Second / 2)
	b.now.Add(-1)
	return delivery.Reply{}, nil
}

// Ten thousand subscriptions are no reason for ten thousand sends at a time, and who
// comes last has as long as who comes first.
func TestPutAllIsBounded(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		b := bounded{new(atomic.Int64), new(atomic.Int64)}
		outbox := delivery.New(delivery.Config{Resolve: func(string) (delivery.Target, error) { return b, nil }})
		if err := outbox.PutAll(t.Context(), make([]delivery.Delivery, 1000)); err != nil {
			t.Fatal(err)
		}
		if n := b.most.Load(); n != 64 {
			t.Errorf("%d at once", n)
		}
	})
}

func TestPutAllSaysThatItCouldNotTakeAll(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.set("t", "ok")
		w.set("d", "ok").durable = true
		left, leave := context.WithCancel(t.Context())
		leave()
		if err := w.outbox.PutAll(left, deliveries("d", "t")); !errors.Is(err, fault.Canceled) {
			t.Errorf("who has left: %v", err)
		}
		if err := errors.Join(w.outbox.Stop(t.Context()), w.queues.Stop(t.Context())); err != nil {
			t.Fatal(err)
		}
		if err := w.outbox.PutAll(t.Context(), deliveries("d", "t")); !errors.Is(err, fault.Unavailable) {
			t.Errorf("without queues: %v", err)
		}
		if err := w.outbox.PutAll(t.Context(), deliveries("d")); err != nil {
			t.Errorf("without need of them: %v", err)
		}
	})
}

// Whoever leaves when all events are delivered is told that they were taken; before
// that, that they were not, however many are.
func TestPutAllOfACallerWhoLeaves(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for n := 1; n < 200; n += 100 {
			ctx, cancel := context.WithCancel(t.Context())
			outbox := delivery.New(delivery.Config{Resolve: func(string) (delivery.Target, error) { return leaver(cancel), nil }})
			err := outbox.PutAll(ctx, make([]delivery.Delivery, n))
			if n == 1 && err != nil || n > 1 && !errors.Is(err, fault.Canceled) {
				t.Errorf("%d: %v", n, err)
			}
		}
	})
}

// A bug in what finds targets is the caller's error, though another goroutine has it.
func TestPutAllSurvivesAPanic(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		outbox := delivery.New(delivery.Config{Resolve: func(string) (delivery.Target, error) { panic("a bug") }})
		if err := outbox.PutAll(t.Context(), deliveries("t")); !errors.Is(err, fault.Internal) {
			t.Errorf("got %v", err)
		}
	})
}
