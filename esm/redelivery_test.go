package esm_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"millrace/esm"
	"millrace/esm/source"
	"millrace/esm/source/rabbitmq"
	"millrace/runtime/bridge"
	"millrace/runtime/fault"
)

// consumed makes a mapping of a queue of a broker, unless m says otherwise.
func (w *world) consumed(b *memBroker, m esm.Mapping) esm.Mapping {
	w.Helper()
	w.config.Sources["mq"] = rabbitmq.Kind(b.config())
	m.EventSource, m.Queue, m.Access = brokerARN, "jobs", []source.Access{{Type: source.BasicAuth, URI: secretARN}}
	return w.mapped(m)
}

func (w *world) broker(b *memBroker, ready, out int, acked ...string) {
	w.Helper()
	synctest.Wait()
	if r, o, a := b.has(); r != ready || o != out || !slices.Equal(a, acked) {
		w.Errorf("%d ready, %d unacknowledged, %q acknowledged, want %d, %d, %q", r, o, a, ready, out, acked)
	}
}

func TestADefaultWindowCollectsForHalfASecond(t *testing.T) {
	in(t, func(w *world) {
		b := newBroker()
		m := w.consumed(b, esm.Mapping{Window: esm.OwnWindow})
		if m.BatchSize != 100 || m.Window != esm.OwnWindow {
			t.Errorf("made %+v", m)
		}
		b.publish("a")
		time.Sleep(499 * time.Millisecond)
		b.publish("b")
		w.saw()
		time.Sleep(time.Millisecond)
		w.saw("0.5s a b")
		w.broker(b, 0, 0, "a", "b")
		for i := range 250 {
			b.publish(fmt.Sprint(i))
		}
		synctest.Wait()
		if log := w.batches(); len(log) != 3 || len(strings.Fields(log[2])) != 101 {
			t.Errorf("batches %q", log) // full ones do not wait
		}
	})
}

// A window of 0 that was set is one; that of a queue is always.
func TestAWindowOfNothing(t *testing.T) {
	in(t, func(w *world) {
		b := newBroker()
		w.consumed(b, esm.Mapping{})
		b.publish("a")
		w.saw("0s a")
		if m := w.mapped(esm.Mapping{Window: esm.OwnWindow}); m.Window != 0 {
			t.Errorf("a queue's mapping has a window of %d", m.Window)
		}
	})
}

func TestOneBatchAtATime(t *testing.T) {
	in(t, func(w *world) {
		b := newBroker()
		w.set(func() { w.handle = func([]string) (string, error) { time.Sleep(time.Second); return "", nil } })
		w.consumed(b, esm.Mapping{BatchSize: 1})
		b.publish("a", "b", "c")
		time.Sleep(time.Minute)
		w.saw("0s a", "1s b", "2s c")
		w.broker(b, 0, 0, "a", "b", "c")
	})
}

func TestAFailedBatchIsGivenBackAndRedelivered(t *testing.T) {
	in(t, func(w *world) {
		b := newBroker()
		fail := true
		w.set(func() {
			w.handle = func([]string) (string, error) {
				if fail {
					return "", errHandler
				}
				return "", nil
			}
		})
		m := w.consumed(b, esm.Mapping{})
		last := func(want esm.Result) {
			t.Helper()
			synctest.Wait()
			if got, err := w.mappings.Get(m.UUID); err != nil || got.Last != want {
				t.Errorf("the last batch %q, want %q", got.Last, want)
			}
		}
		last(esm.NoneYet)
		b.publish("a", "b")
		last(esm.Failed)
		time.Sleep(29 * time.Second)
		w.saw("0s a b", "0.1s again:a again:b", "0.3s again:a again:b", "0.7s again:a again:b", "1.5s again:a again:b", "3.1s again:a again:b",
			"6.3s again:a again:b", "12.7s again:a again:b", "22.7s again:a again:b")
		w.set(func() { fail = false; w.log = nil })
		time.Sleep(10 * time.Second)
		w.saw("32.7s again:a again:b")
		last(esm.Succeeded)
		w.broker(b, 0, 0, "a", "b")

		w.set(func() { fail = true; w.log = nil }) // a success has ended the long pauses
		b.publish("c")
		time.Sleep(400 * time.Millisecond)
		if log := w.batches(); len(log) != 3 {
			t.Errorf("batches after a success: %q", log)
		}
	})
}

// While one batch runs the next one fills, so that the function need not wait for it.
func TestABrokerIsReadAhead(t *testing.T) {
	in(t, func(w *world) {
		b := newBroker()
		w.set(func() { w.handle = func([]string) (string, error) { time.Sleep(time.Minute); return "", nil } })
		w.consumed(b, esm.Mapping{BatchSize: 2})
		b.publish("a", "b", "c", "d", "e")
		w.saw("0s a b")
		w.broker(b, 1, 4)
		time.Sleep(time.Minute)
		w.saw("0s a b", "60s c d")
		w.broker(b, 0, 3, "a", "b")
		time.Sleep(2 * time.Minute)
		w.broker(b, 0, 0, "a", "b", "c", "d", "e")
	})
}

// A batch that the function cannot take goes back before the broker takes the consumer
// for dead.
func TestAThrottledBatchGoesBackAfterMinutes(t *testing.T) {
	in(t, func(w *world) {
		b := newBroker()
		w.set(func() {
			w.handle = func([]string) (string, error) { return "", fault.New(fault.Throttled, "Rate Exceeded.") }
		})
		w.consumed(b, esm.Mapping{})
		b.publish("a")
		time.Sleep(4 * time.Minute)
		w.broker(b, 0, 1)
		w.set(func() { w.handle = nil })
		time.Sleep(10 * time.Second)
		w.broker(b, 0, 0, "a")
	})
}

func TestFilteredDeliveriesAreAcknowledged(t *testing.T) {
	in(t, func(w *world) {
		b := newBroker()
		w.set(func() { w.handle = func([]string) (string, error) { return "", errHandler } })
		w.consumed(b, esm.Mapping{Filters: []string{`{"data":{"k":["y"]},"redelivered":[false]}`}})
		b.publish(`{"k":"x"}`, `{"k":"y"}`, "text")
		w.saw(`0s {"k":"y"}`)
		time.Sleep(time.Second)
		// {"k":"y"} was redelivered, which the filter does not want. It may overtake: what is
		// dropped is acknowledged beside the next receive.
		if ready, out, acked := b.has(); ready != 0 || out != 0 || !slices.Equal(slices.Sorted(slices.Values(acked)), []string{"text", `{"k":"x"}`, `{"k":"y"}`}) {
			t.Errorf("%d ready, %d unacknowledged, %q acknowledged", ready, out, acked)
		}
	})
}

func TestRecordsLargerThanAnEventAreDropped(t *testing.T) {
	in(t, func(w *world) {
		b := newBroker()
		w.consumed(b, esm.Mapping{})
		large := strings.Repeat("x", 6<<20/4*3-100) // less than six megabytes, until its properties are added
		b.publish("a", large, "b")
		w.saw("0s a b")
		if _, out, acked := b.has(); out != 0 || len(acked) != 3 || !slices.Contains(acked, large) {
			t.Errorf("%d unacknowledged, %d acknowledged", out, len(acked))
		}
		if !strings.Contains(w.lines.String(), "record dropped") {
			t.Error("no line in the log")
		}
	})
}

func TestABusyMappingThatEndsGivesBackWhatWasNotTried(t *testing.T) {
	for rule, end := range map[string]func(*world, esm.Mapping) error{
		"deleted": func(w *world, m esm.Mapping) error { _, err := w.mappings.Delete(w.Context(), m.UUID); return err },
		"disabled": func(w *world, m esm.Mapping) error {
			_, err := w.mappings.Update(w.Context(), m.UUID, func(m *esm.Mapping) error { m.Enabled = false; return nil })
			return err
		},
		"stopped": func(w *world, m esm.Mapping) error {
			go w.stop(time.Minute)
			return nil
		},
	} {
		t.Run(rule, func(t *testing.T) {
			in(t, func(w *world) {
				b := newBroker()
				w.set(func() { w.handle = func([]string) (string, error) { time.Sleep(2 * time.Second); return "", nil } })
				m := w.consumed(b, esm.Mapping{BatchSize: 2})
				b.publish("a", "b", "c")
				synctest.Wait()
				if err := end(w, m); err != nil {
					t.Fatal(err)
				}
				w.broker(b, 1, 2)
				time.Sleep(3 * time.Second)
				w.saw("0s a b")
				w.broker(b, 1, 0, "a", "b")
				if b.closed != 1 {
					t.Errorf("closed %d times", b.closed)
				}
			})
		})
	}
}

// What keeps a broker from delivering shows until it is over, be there messages or not.
func TestTroublesOfABroker(t *testing.T) {
	in(t, func(w *world) {
		b := newBroker()
		changed := make(chan struct{})
		b.err = &bridge.Error{Reason: bridge.NotRunning, Changed: changed}
		m := w.consumed(b, esm.Mapping{})
		shows := func(problem esm.Problem, text string) {
			t.Helper()
			synctest.Wait()
			got, err := w.mappings.Get(m.UUID)
			if err != nil || got.State != "Enabled" || got.Problem != problem || !strings.Contains(got.Trouble, text) {
				t.Errorf("%s: %q, %q, want %q, %q", got.State, got.Problem, got.Trouble, problem, text)
			}
		}
		shows(esm.ProblemSource, "not running")
		b.change(func() { b.err = &bridge.Error{Reason: bridge.NoQueue} })
		close(changed)
		shows(esm.ProblemConfig, "queue")
		b.change(func() { b.err = &bridge.Error{Reason: bridge.BadLogin} })
		time.Sleep(5 * time.Second)
		shows(esm.ProblemLogin, "password")
		b.change(func() { b.err = &bridge.Error{Reason: bridge.Denied} })
		time.Sleep(5 * time.Second)
		shows(esm.ProblemNoPermission, "permit")
		calls := b.called()
		time.Sleep(50 * time.Second)
		if n := b.called() - calls; n < 9 || n > 11 {
			t.Errorf("looked %d times in 50 seconds", n)
		}
		b.change(func() { b.err = nil })
		time.Sleep(5 * time.Second)
		shows("", "")
		b.publish("a")
		time.Sleep(time.Second)
		w.broker(b, 0, 0, "a")
		b.change(func() { b.err = &bridge.Error{Reason: bridge.Lost} })
		shows(esm.ProblemSource, "Connection error")
	})
}

func TestOneMappingOfAQueueToAFunction(t *testing.T) {
	in(t, func(w *world) {
		first := w.consumed(newBroker(), esm.Mapping{})
		again := first
		create := func() error { _, err := w.mappings.Create(context.Background(), again); return err }
		if e, ok := errors.AsType[*esm.DuplicateError](create()); !ok || e.Other.UUID != first.UUID {
			t.Error("the same again was not refused")
		}
		again.Access = append(slices.Clone(first.Access), source.Access{Type: source.VirtualHost, URI: "/"})
		if e, ok := errors.AsType[*esm.DuplicateError](create()); !ok || e.Other.UUID != first.UUID {
			t.Error("the same with the default virtual host named was not refused")
		}
		again.Access = first.Access
		again.Queue = "others"
		if err := create(); err != nil {
			t.Error("another queue:", err)
		}
		again.Access = append(slices.Clone(again.Access), source.Access{Type: source.VirtualHost, URI: "prod"})
		if err := create(); err != nil {
			t.Error("another virtual host:", err)
		}
	})
}
