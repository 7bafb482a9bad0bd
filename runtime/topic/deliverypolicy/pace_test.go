package deliverypolicy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/delivery"
	"millrace/runtime/fault"
)

func TestAPaceGivesTurnsAtEvenDistances(t *testing.T) {
	now := time.Unix(1e9, 0)
	p := &pace{}
	for range 11 { // a second's worth after the rest, and one that is soon due
		if _, ok := p.take(10, now); !ok {
			t.Fatal("a rest is not made up for")
		}
	}
	for i := 1; i <= 30; i++ {
		wait, ok := p.take(10, now)
		if want := time.Duration(i+1) * 100 * time.Millisecond; ok || wait != want {
			t.Fatalf("message %d is told to wait %v, %v", i, wait, ok)
		}
	}
	now = now.Add(time.Hour)
	for range 10 {
		if wait, ok := p.take(10, now); wait > 0 || !ok {
			t.Errorf("after a rest: %v, %v", wait, ok)
		}
	}
}

// A thousand messages at once reach their endpoint in as many seconds as the pace wants,
// and each is put back a few times at most.
func TestPacesKeepTheAverage(t *testing.T) {
	const messages, perSecond = 1000, 20
	p := &pace{}
	began := time.Unix(1e9, 0)
	due := make([]time.Time, messages)
	for i := range due {
		due[i] = began
	}
	asked, last := 0, began
	for done := 0; len(due) > 0; asked++ {
		slices.SortFunc(due, time.Time.Compare)
		now := due[0]
		wait, ok := p.take(perSecond, now)
		if !ok {
			due[0] = now.Add(wait)
			continue
		}
		due = due[1:]
		done, last = done+1, now.Add(wait)
		if most := perSecond*(last.Sub(began).Seconds()+1) + 1; float64(done) > most {
			t.Fatalf("%d messages after %v", done, last.Sub(began))
		}
	}
	if took := last.Sub(began).Seconds(); took > 1.1*messages/perSecond {
		t.Errorf("it took %v s", took)
	}
	if asked > 3*messages {
		t.Errorf("%d attempts for %d messages", asked, messages)
	}
}

// What is new does not keep away for ever what was put back.
func TestPacesStarveNobody(t *testing.T) {
	p := &pace{}
	now := time.Unix(1e9, 0)
	for range 50 {
		p.take(10, now)
	}
	old := now
	for range 100_000 {
		now = now.Add(10 * time.Millisecond) // ten times as many as the pace allows
		if !now.Before(old) {
			wait, ok := p.take(10, now)
			if ok {
				return
			}
			old = now.Add(wait)
		}
		p.take(10, now)
	}
	t.Errorf("after %v a message still waits", now.Sub(time.Unix(1e9, 0)))
}

func TestBeyondThePaceIsNotFinal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p Paces
		first, second := p.Admit(t.Context(), "arn", 1), p.Admit(t.Context(), "arn", 1)
		if first != nil || !errors.Is(second, fault.Throttled) || delivery.IsFinal(second) {
			t.Errorf("%v, then %v", first, second)
		}
		if other := p.Admit(t.Context(), "other", 1); other != nil {
			t.Errorf("another subscription: %v", other)
		}
	})
}

func TestNoBoundNoWait(t *testing.T) {
	var p Paces
	for range 1000 {
		if err := p.Admit(t.Context(), "arn", 0); err != nil {
			t.Fatal(err)
		}
	}
	if len(p.paces) > 0 {
		t.Error("it is remembered")
	}
}

func TestAdmitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p Paces
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 20 {
			if err := p.Admit(ctx, "arn", 15); err != nil {
				if !errors.Is(err, fault.Canceled) {
					t.Error(err)
				}
				return
			}
		}
		t.Error("it did not wait")
	})
}

func TestPacesAtRestAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p Paces
		for i := range 3 * maxPaces {
			if err := p.Admit(t.Context(), fmt.Sprint(i), 5); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
		if len(p.paces) > maxPaces+1 {
			t.Errorf("%d are kept", len(p.paces))
		}
	})
}
