package lifecycletest

import (
	"context"
	"errors"
	"runtime/pprof"
	"sync"
	"testing"
	"time"

	"millrace/runtime/lifecycle"
)

// A worker is a part like most: a goroutine that waits.
type worker struct{ life lifecycle.StartStop }

func (w *worker) Start(ctx context.Context) error {
	return w.life.Start(ctx, func(ctx context.Context, run *lifecycle.Run) error {
		run.Go(func() { <-run.Halted().Done() })
		return ctx.Err()
	})
}

func (w *worker) Stop(ctx context.Context) error { return w.life.Stop(ctx, "waits") }

func TestAPartWithStartStop(t *testing.T) {
	Stress(t, func() lifecycle.Part { return &worker{} })
}

// A single is a part that cannot run again.
type single struct {
	life lifecycle.Once
	runs int
}

func (s *single) Start(ctx context.Context) error {
	return s.life.Start(ctx, func(_ context.Context, run *lifecycle.Run) error {
		s.runs++
		run.Go(func() { <-run.Halted().Done() })
		return nil
	})
}

func (s *single) Stop(ctx context.Context) error { return s.life.Stop(ctx, "waits") }

func TestAPartThatRunsOnce(t *testing.T) {
	Stress(t, func() lifecycle.Part { return &single{} })
	s := &single{}
	mustStart(t, s)
	mustStart(t, s)
	mustStop(t, s)
	if err := start(s); !errors.Is(err, lifecycle.ErrOnce) || s.runs != 1 {
		t.Errorf("a Start after the Stop: %v, and it ran %d times; want ErrOnce, and once", err, s.runs)
	}
	mustStop(t, s)
}

func TestGoroutinesThatAreLeftAreFound(t *testing.T) {
	end := make(chan struct{})
	var left sync.WaitGroup
	pprof.Do(t.Context(), pprof.Labels("part", "leak"), func(context.Context) { left.Go(func() { <-end }) })
	for deadline := time.Now().Add(patience); len(labelled("leak")) != 1; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("found %d goroutines, want one", len(labelled("leak")))
		}
	}
	close(end)
	left.Wait()
	none(t, "leak")
}

var errStart = errors.New("no start")

type broken struct{ life lifecycle.StartStop }

func (b *broken) Start(ctx context.Context) error {
	return b.life.Start(ctx, func(_ context.Context, run *lifecycle.Run) error {
		run.Go(func() { <-run.Halted().Done() })
		return errStart
	})
}

func (b *broken) Stop(ctx context.Context) error { return b.life.Stop(ctx, "nothing") }

func TestAStartThatFailsLeavesNothing(t *testing.T) {
	b := &broken{}
	pprof.Do(t.Context(), pprof.Labels("part", "broken"), func(context.Context) {
		if err := start(b); !errors.Is(err, errStart) {
			t.Errorf("Start: %v, want its own error", err)
		}
	})
	none(t, "broken")
	manyAtOnce(t, b)
}
