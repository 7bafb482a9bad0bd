package lifecycle

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/fault"
)

func TestStopWaitsForWorkAndCutsItOff(t *testing.T) {
	for _, c := range []struct {
		takes time.Duration
		want  error
	}{{time.Second, nil}, {time.Hour, fault.Timeout}} {
		synctest.Test(t, func(t *testing.T) {
			var s StartStop
			finished := false
			err := s.Start(t.Context(), func(_ context.Context, run *Run) error {
				run.Go(func() {
					select {
					case <-time.After(c.takes):
						finished = true
					case <-run.Work().Done():
					}
				})
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := s.Stop(ctx, "work"); !errors.Is(err, c.want) {
				t.Errorf("work of %v: %v, want %v", c.takes, err, c.want)
			}
			if finished != (c.want == nil) {
				t.Errorf("work of %v: finished is %v", c.takes, finished)
			}
		})
	}
}

func TestStopCutsAStartShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s StartStop
		started := make(chan error)
		go func() {
			started <- s.Start(t.Context(), func(ctx context.Context, _ *Run) error {
				<-ctx.Done()
				return ctx.Err()
			})
		}()
		synctest.Wait()
		if s.Current() != nil {
			t.Error("a part that is starting runs already")
		}
		stopped := make(chan error)
		go func() { stopped <- s.Stop(t.Context(), "nothing") }()
		if err := <-started; !errors.Is(err, context.Canceled) {
			t.Errorf("the start: %v, want it canceled", err)
		}
		if err := <-stopped; err != nil {
			t.Errorf("the stop: %v", err)
		}
	})
}

func TestAStartDuringAnotherSharesItsOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s StartStop
		broken := errors.New("broken")
		starts := 0
		start := func(context.Context, *Run) error {
			starts++
			time.Sleep(time.Second)
			return broken
		}
		results := make(chan error)
		for range 2 {
			go func() { results <- s.Start(t.Context(), start) }()
		}
		for range 2 {
			if err := <-results; !errors.Is(err, broken) {
				t.Errorf("got %v, want the one outcome", err)
			}
		}
		if starts != 1 {
			t.Errorf("started %d times, want once", starts)
		}
	})
}

func TestAStartDuringAStopWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s StartStop
		slow := func(_ context.Context, run *Run) error {
			run.Go(func() {
				<-run.Halted().Done()
				time.Sleep(time.Minute)
			})
			return nil
		}
		begin := time.Now()
		if err := s.Start(t.Context(), slow); err != nil {
			t.Fatal(err)
		}
		go s.Stop(t.Context(), "naps")
		synctest.Wait()
		hurried, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Start(hurried, slow); !errors.Is(err, fault.Timeout) {
			t.Errorf("a Start in a hurry: %v, want fault.Timeout", err)
		}
		if err := s.Start(t.Context(), slow); err != nil || time.Since(begin) != time.Minute {
			t.Errorf("started after %v: %v", time.Since(begin), err)
		}
		if s.Current() == nil {
			t.Error("nothing runs after the second start")
		}
		if err := s.Stop(t.Context(), "naps"); err != nil {
			t.Error(err)
		}
	})
}

func TestCleanupsRunAfterTheGoroutines(t *testing.T) {
	broken := errors.New("broken")
	var s StartStop
	var order []string
	start := func(fails error) error {
		return s.Start(t.Context(), func(_ context.Context, run *Run) error {
			note := func(what string, err error) func(context.Context) error {
				return func(context.Context) error { order = append(order, what); return err }
			}
			run.Cleanup(note("files", broken))
			run.Cleanup(note("connection", nil))
			run.Go(func() {
				<-run.Halted().Done()
				order = append(order, "goroutine")
			})
			return fails
		})
	}
	want := []string{"goroutine", "connection", "files"}
	if err := start(nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(t.Context(), ""); !errors.Is(err, broken) || !slices.Equal(order, want) {
		t.Errorf("stopped %v: %v", order, err)
	}
	order = nil
	failure := errors.New("no start")
	if err := start(failure); !errors.Is(err, failure) || !slices.Equal(order, want) {
		t.Errorf("a failed start ended %v: %v", order, err)
	}
}

func TestNothingBeginsAfterTheHalt(t *testing.T) {
	var s StartStop
	var run *Run
	if err := s.Start(t.Context(), func(_ context.Context, r *Run) error { run = r; return nil }); err != nil {
		t.Fatal(err)
	}
	if s.Current() != run {
		t.Error("the run is not the current one")
	}
	if err := s.Stop(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if run.Go(func() { t.Error("ran after the stop") }) || s.Current() != nil {
		t.Error("something may begin after the stop")
	}
}
