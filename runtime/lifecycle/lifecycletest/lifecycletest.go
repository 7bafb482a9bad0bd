// Package lifecycletest proves that a part starts and stops as all parts of the
// runtime do.
package lifecycletest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/pprof"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
)

// patience is how long one Start or Stop may take, and the last goroutine to end.
const patience = 30 * time.Second

// Stress starts and stops parts in order, doubly, against the order and by many
// goroutines at once, and sees that no goroutine of them is left. build returns a
// new part that was not started; it is called several times, and what one part
// rests on may be shared with the next. A part that says lifecycle.ErrOnce is
// not asked to run again.
func Stress(t *testing.T, build func() lifecycle.Part) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(*testing.T, lifecycle.Part)
	}{
		{"in order", inOrder},
		{"never started", neverStarted},
		{"doubly", doubly},
		{"again", again},
		{"with a context that has ended", ended},
		{"many at once", manyAtOnce},
		{"a stop for each start", pairs},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := build()
			label := fmt.Sprintf("%s#%d", t.Name(), serial.Add(1))
			pprof.Do(t.Context(), pprof.Labels("part", label), func(context.Context) { c.test(t, p) })
			none(t, label)
		})
	}
}

var serial atomic.Int64

func inOrder(t *testing.T, p lifecycle.Part) {
	mustStart(t, p)
	mustStop(t, p)
}

func neverStarted(t *testing.T, p lifecycle.Part) {
	mustStop(t, p)
	mustStop(t, p)
	mustStart(t, p)
	mustStop(t, p)
}

func doubly(t *testing.T, p lifecycle.Part) {
	mustStart(t, p)
	mustStart(t, p)
	mustStop(t, p)
	mustStop(t, p)
}

func again(t *testing.T, p lifecycle.Part) {
	mustStart(t, p)
	mustStop(t, p)
	for range 3 {
		switch err := start(p); {
		case errors.Is(err, lifecycle.ErrOnce):
			return
		case err != nil:
			t.Fatalf("a Start after a Stop: %v", err)
		}
		mustStop(t, p)
	}
}

// A Start that has no time may fail or not, and a Stop that has none cuts off and
// may say so: both leave the part fit for the next.
func ended(t *testing.T, p lifecycle.Part) {
	over, cancel := context.WithCancel(context.Background())
	cancel()
	_ = p.Start(over)
	mustStop(t, p)
	if err := start(p); errors.Is(err, lifecycle.ErrOnce) {
		return
	} else if err != nil {
		t.Fatalf("a Start after one without time: %v", err)
	}
	if err := p.Stop(over); err != nil && !errors.Is(err, fault.Timeout) {
		t.Errorf("a Stop without time: %v, want nil or fault.Timeout", err)
	}
	mustStop(t, p)
}

// Any order may come of it, so a Start may be cut short, and a Stop may find
// nothing to do; the last one finds the end.
func manyAtOnce(t *testing.T, p lifecycle.Part) {
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			for range 5 {
				if i%2 == 0 {
					_ = start(p)
				} else {
					mustStop(t, p)
				}
			}
		})
	}
	all.Wait()
	mustStop(t, p)
}

func pairs(t *testing.T, p lifecycle.Part) {
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			_ = start(p)
			mustStop(t, p)
		})
	}
	all.Wait()
	mustStop(t, p)
}

func start(p lifecycle.Part) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return p.Start(ctx)
}

func mustStart(t *testing.T, p lifecycle.Part) {
	t.Helper()
	if err := start(p); err != nil {
		t.Fatalf("Start: %v", err)
	}
}

func mustStop(t *testing.T, p lifecycle.Part) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := p.Stop(ctx); err != nil {
		t.Errorf("Stop: %v", err)
	}
}

// none sees that no goroutine with a label is left. Goroutines inherit labels, so
// these are the part's, whatever else the process does. One that has done its last
// may need a moment to be gone.
func none(t *testing.T, label string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		left := labelled(label)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) || t.Failed() {
			t.Errorf("goroutines are left:\n%s", strings.Join(left, "\n\n"))
			return
		}
	}
}

// labelled returns the stacks of the goroutines with a label.
func labelled(label string) (stacks []string) {
	var profile bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&profile, 1) // a buffer takes everything
	for _, stack := range strings.Split(profile.String(), "\n\n") {
		if strings.Contains(stack, fmt.Sprintf("%q", label)) {
			stacks = append(stacks, stack)
		}
	}
	return stacks
}
