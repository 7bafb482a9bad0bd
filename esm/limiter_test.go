package esm

import (
	"context"
	"testing"
	"time"
)

// What a limiter's limit is after batches entered, left and were throttled.
func TestLimiter(t *testing.T) {
	type step func(*limiter)
	enter := func(n int) step {
		return func(l *limiter) {
			for range n {
				l.acquire()
			}
		}
	}
	now := time.Unix(0, 0)
	leave := func(full bool) step { return func(l *limiter) { l.release(now, full) } }
	look := func(l *limiter) { l.mayBegin(now) } // the poller wants to go on
	after := func(d time.Duration, s step) step {
		return func(l *limiter) {
			now = now.Add(d)
			s(l)
		}
	}
	throttled := func(l *limiter) { l.halve() }
	for _, c := range []struct {
		rule  string
		most  int
		steps []step
		limit int
		open  bool
	}{
		{"five at first", 0, []step{enter(4)}, 5, true},
		{"no sixth", 0, []step{enter(5)}, 5, false},
		{"fewer when the mapping says so", 2, []step{enter(2)}, 2, false},
		{"a full batch that leaves a poller waiting makes room for two", 0, []step{enter(5), look, leave(true)}, 6, true},
		{"the next does not", 0, []step{enter(5), look, leave(true), look, enter(2), look, leave(true)}, 6, true},
		{"but after Lambda's pause", 0, []step{enter(5), look, leave(true), look, enter(2), look, after(200*time.Millisecond, leave(true))}, 7, true},
		{"five a second while the poller waits", 0, []step{enter(5), look, leave(true), look, enter(2), look, after(2*time.Second, leave(true)), leave(true)}, 16, true},
		{"and none for when it did not", 0, []step{enter(5), look, leave(true), look, after(time.Hour, enter(2)), look, leave(true), leave(true)}, 7, true},
		{"one that was not full makes room for one", 0, []step{enter(5), look, leave(false)}, 5, true},
		{"nobody waits, nothing grows", 0, []step{enter(4), look, leave(true)}, 5, true},
		{"never beyond the most", 5, []step{enter(5), look, leave(true)}, 5, true},
		{"a throttle halves", 0, []step{enter(5), throttled}, 2, false},
		{"one remains", 0, []step{throttled, throttled, throttled}, 1, true},
	} {
		t.Run(c.rule, func(t *testing.T) {
			l := newLimiter(c.most)
			for _, s := range c.steps {
				s(l)
			}
			if l.limit != c.limit || l.mayBegin(now) != c.open {
				t.Errorf("limit %d, open %t", l.limit, l.mayBegin(now))
			}
		})
	}
}

func TestLimiterWaitEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if newLimiter(0).wait(ctx) {
		t.Error("went on after the end")
	}
}
