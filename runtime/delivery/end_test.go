package delivery_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/runtime/delivery"
)

// An account is what a sender was told of the ends of its deliveries.
type account struct {
	mu   sync.Mutex
	ends []string
}

func (a *account) add(o delivery.Outcome) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ends = append(a.ends, fmt.Sprintf("%s %s after %d", strings.TrimPrefix(o.To, "test:"), o.Condition, o.Attempts))
}

func (a *account) sorted() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Sorted(slices.Values(a.ends))
}

// countEnds gives the world's outbox a sender "counts" that keeps an account.
func (w *world) countEnds(ended func(delivery.Outcome)) {
	w.Helper()
	if err := w.outbox.Stop(w.Context()); err != nil {
		w.Fatal(err)
	}
	w.outbox = delivery.New(delivery.Config{
		Queue:   func(ctx context.Context) (delivery.Queue, error) { return delivery.QueueIn(ctx, w.queues) },
		Resolve: delivery.Resolvers{"test": w.resolve}.Resolve,
		Senders: map[string]delivery.Sender{"counts": {Failed: sns.Failed, Ended: ended}},
	})
	if err := w.outbox.Start(w.Context()); err != nil {
		w.Fatal(err)
	}
}

// A sender is told of each end once, whether Put or the outbox delivered; of what
// follows from an end it is not told.
func TestSendersAreToldOfEnds(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var a account
		w.countEnds(a.add)
		w.set("dead", "ok").durable = true
		for name, answers := range map[string][]string{"good": {"ok"}, "slow": {"fail", "refuse", "ok"}, "gone": {"gone"}, "bad": {"fail"}} {
			w.set(name, answers...)
			w.set("durable-"+name, answers...).durable = true
			for _, to := range []string{name, "durable-" + name} {
				put(t, w, "a", to, delivery.Policy{Sender: "counts", DeadLetter: "test:dead"})
			}
		}
		put(t, w, "a", "good", delivery.Policy{}) // of another sender
		time.Sleep(10 * time.Minute)
		want := []string{
			"bad RetriesExhausted after 9", "durable-bad RetriesExhausted after 9", "durable-gone Rejected after 0", "durable-good Success after 1",
			"durable-slow Success after 3", "gone Rejected after 0", "good Success after 1", "slow Success after 3",
		}
		if got := a.sorted(); !slices.Equal(got, want) {
			t.Errorf("told of\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

// An end is one when what follows from it is durable.
func TestAnEndIsToldWhenItsDeadLetterIsDurable(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var a account
		w.countEnds(a.add)
		w.set("t", "gone").durable = true
		w.set("dead", "refuse").durable = true
		if err := w.queues.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		p := delivery.Policy{Sender: "counts", DeadLetter: "test:dead"}
		if err := w.outbox.Put(t.Context(), "test:t", delivery.Event{}, p); err == nil || len(a.sorted()) > 0 {
			t.Errorf("got %v, and was told of %v", err, a.sorted())
		}
	})
}

// A sender that panics is told of no end twice, and its caller is not disturbed.
func TestASenderThatPanicsHasBeenTold(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		told := 0
		w.countEnds(func(delivery.Outcome) { told++; panic("a bug") })
		w.set("t", "ok")
		w.set("d", "ok").durable = true
		put(t, w, "a", "d", delivery.Policy{Sender: "counts"})
		put(t, w, "a", "t", delivery.Policy{Sender: "counts"})
		time.Sleep(10 * time.Minute)
		if told != 2 || w.waiting() != 0 {
			t.Errorf("told %d times, %d wait", told, w.waiting())
		}
	})
}

// The number of an event is for the target that it was for: dead letters come in any
// order, and one that its queue took for a repeat would be lost.
func TestDeadLettersAreNotNumbered(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var got delivery.Event
		outbox := delivery.New(delivery.Config{Resolve: func(name string) (delivery.Target, error) {
			if name == "dead" {
				return durableKeeper{keeper{&got}}, nil
			}
			return w.resolve(name)
		}})
		w.set("t", "gone").durable = true
		e := delivery.Event{Body: []byte("b"), Subject: "s", Unfinished: true, Unlimited: true, SeqSource: 1, Seq: 2}
		if err := outbox.Put(t.Context(), "test:t", e, delivery.Policy{DeadLetter: "dead"}); err != nil {
			t.Fatal(err)
		}
		if got.SeqSource != 0 || got.Seq != 0 || !got.Unfinished || !got.Unlimited || got.Subject != "s" {
			t.Errorf("the dead letter is %+v", got)
		}
	})
}

type durableKeeper struct{ keeper }

func (durableKeeper) Durable() {}
