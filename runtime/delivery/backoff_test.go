package delivery_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/delivery"
	"millrace/runtime/fault"
)

func seconds(b delivery.Backoff) (all []int) {
	for n := 1; ; n++ {
		pause, ok := b.Pause(n, 0)
		if !ok {
			return all
		}
		all = append(all, int(pause.Round(time.Second)/time.Second))
	}
}

func TestCurves(t *testing.T) {
	for curve, want := range map[delivery.Curve][]int{
		delivery.Doubling:    {5, 10, 20, 40, 80, 160, 260, 260, 260, 260},
		delivery.Linear:      {5, 33, 62, 90, 118, 147, 175, 203, 232, 260},
		delivery.Arithmetic:  {5, 11, 22, 39, 62, 90, 124, 164, 209, 260},
		delivery.Geometric:   {5, 8, 12, 19, 29, 45, 70, 108, 168, 260},
		delivery.Exponential: {5, 5, 6, 8, 12, 20, 36, 68, 132, 260},
	} {
		if got := seconds(delivery.Backoff{{Times: 10, First: 5 * time.Second, Last: 260 * time.Second, Curve: curve}}); !slices.Equal(got, want) {
			t.Errorf("%q pauses %v, want %v", curve, got, want)
		}
	}
}

func TestCurvesWithNoRoom(t *testing.T) {
	for _, curve := range []delivery.Curve{delivery.Doubling, delivery.Linear, delivery.Arithmetic, delivery.Geometric, delivery.Exponential} {
		for _, p := range []delivery.Phase{
			{Times: 1, First: time.Second, Last: 9 * time.Second},
			{Times: 1, First: time.Second, Last: time.Second},
			{Times: 1, First: time.Second},
		} {
			p.Curve = curve
			if got := seconds(delivery.Backoff{p, p}); !slices.Equal(got, []int{1, 1}) {
				t.Errorf("%+v pauses %v", p, got)
			}
		}
	}
}

func TestJitterShortensPauses(t *testing.T) {
	b := delivery.Backoff{{Times: 1}, {Times: 1, First: 10 * time.Second, Jitter: 0.2}}
	for _, c := range []struct {
		n      int
		chance float64
		want   time.Duration
	}{{1, 0.9, 0}, {2, 0, 10 * time.Second}, {2, 0.5, 9 * time.Second}, {2, 1, 8 * time.Second}} {
		if got, ok := b.Pause(c.n, c.chance); got != c.want || !ok {
			t.Errorf("pause %d at a chance of %v is %v", c.n, c.chance, got)
		}
	}
}

// A target that has a pace says when it takes an event, and that is no failed attempt.
func TestLaterCountsForNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.set("paced", "later", "later", "later", "fail", "ok")
		policy := delivery.Policy{Sender: "lambda", MaxAttempts: 2}
		if err := w.outbox.Put(context.Background(), "test:paced", delivery.Event{Body: []byte("e")}, policy); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		want := []string{
			"00:00:00 paced got e: later", "00:00:07 paced got e: later", "00:00:14 paced got e: later",
			"00:00:21 paced got e: fail", "00:01:21 paced got e: ok",
		}
		if got := w.heard(); !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}

		w.set("paced", "later")
		policy = delivery.Policy{Sender: "lambda", MaxAge: 10 * time.Second}
		if err := w.outbox.Put(context.Background(), "test:paced", delivery.Event{Body: []byte("old")}, policy); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := w.heard(); len(got) != 2 || w.waiting() != 0 {
			t.Errorf("an event that got too old meanwhile: %q, %d wait", got, w.waiting())
		}
	})
}

var errPaced = delivery.Later(fault.New(fault.Throttled, "not its turn"), 7*time.Second)
