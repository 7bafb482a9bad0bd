package lifecycle

import (
	"context"
	"errors"
	"slices"
	"sync"

	"millrace/runtime/fault"
)

// A StartStop keeps the contract of a [Part] for the part that it is a field of.
// The zero StartStop is ready, and stopped.
type StartStop struct {
	mu  sync.Mutex // guards run, and stopping in it
	run *Run       // starting, running or stopping; nil while stopped
}

// A Run is a part from one Start to its Stop.
type Run struct {
	halted  context.Context
	work    context.Context
	abort   context.CancelFunc
	halting context.CancelFunc

	started  chan struct{} // closed when start has returned err
	err      error
	over     chan struct{} // closed when nothing is left
	stopping bool          // a Stop waits for the end

	mu      sync.Mutex // guards closers, and that nothing begins after the halt
	closers []func(context.Context) error
	parts   sync.WaitGroup
}

func newRun() *Run {
	r := &Run{started: make(chan struct{}), over: make(chan struct{})}
	r.work, r.abort = context.WithCancel(context.Background())
	r.halted, r.halting = context.WithCancel(r.work)
	return r
}

// Halted is over when the part is to stop: nothing new should begin.
func (r *Run) Halted() context.Context { return r.halted }

// Work bounds what is under way. It is over when a Stop cannot wait any longer,
// and after the run.
func (r *Run) Work() context.Context { return r.work }

// Go runs f in a goroutine that the Stop waits for. Once the run is halted it
// returns false instead, and f does not run.
func (r *Run) Go(f func()) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.halted.Err() != nil {
		return false
	}
	r.parts.Go(f)
	return true
}

// Cleanup has f called when the goroutines of the run are over, the last added
// first: to close what start has opened. A start that fails cleans up too. The
// Stop joins the errors.
func (r *Run) Cleanup(f func(context.Context) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closers = append(r.closers, f)
}

func (r *Run) halt() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.halting()
}

// Start runs a part by calling start, unless the part runs already. The context
// of start is over when ctx is, when start has returned, or when a Stop wants the
// part to end. When start fails, what it began in the Run is ended.
//
// A Start during another one shares its outcome; during a Stop it first waits for
// the end.
func (s *StartStop) Start(ctx context.Context, start func(context.Context, *Run) error) error {
	for {
		r, mine, stopping := s.claim()
		if mine {
			return s.begin(ctx, r, start)
		}
		next := r.started
		if stopping {
			next = r.over
		}
		select {
		case <-next:
			if !stopping {
				return r.err
			}
		case <-ctx.Done():
			return fault.Wrap(fault.Of(ctx.Err()), ctx.Err(), "not started in time")
		}
	}
}

// claim returns the present run, or a new one for the caller to begin.
func (s *StartStop) claim() (r *Run, mine, stopping bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run == nil {
		s.run = newRun()
		return s.run, true, false
	}
	return s.run, false, s.run.stopping
}

func (s *StartStop) begin(ctx context.Context, r *Run, start func(context.Context, *Run) error) error {
	starting, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(r.halted, cancel)()
	if r.err = start(starting, r); r.err != nil {
		r.halt()
		r.abort()
		_ = s.end(context.WithoutCancel(ctx), r, "") // the start's own error says more
	}
	close(r.started)
	return r.err
}

// Stop ends the run, if there is one, and returns when it is over. When ctx ends
// first, Work is cut off, and a fault.Timeout says of what.
func (s *StartStop) Stop(ctx context.Context, what string) error {
	s.mu.Lock()
	r := s.run
	if r == nil {
		s.mu.Unlock()
		return nil
	}
	first := !r.stopping
	r.stopping = true
	s.mu.Unlock()

	r.halt()
	if err := r.await(ctx, r.started); err != nil {
		r.abort()
		<-r.started
	}
	if first && r.err == nil {
		return s.end(ctx, r, what)
	}
	if err := r.await(ctx, r.over); err != nil {
		r.abort()
		<-r.over
		return fault.Wrap(fault.Timeout, err, "%s were cut off", what)
	}
	return nil
}

func (*Run) await(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	default:
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// end waits for the goroutines of a run that is halted, and cleans up.
func (s *StartStop) end(ctx context.Context, r *Run, what string) error {
	err := Drain(ctx, &r.parts, r.abort, what)
	for _, f := range slices.Backward(r.closers) {
		err = errors.Join(err, f(ctx))
	}
	r.abort()
	s.mu.Lock()
	s.run = nil
	s.mu.Unlock()
	close(r.over)
	return err
}

// A Once is a StartStop of a part that runs once, because others keep what it had
// while it ran: after its first Start, whatever came of it, the next says ErrOnce.
type Once struct {
	StartStop
	used bool // of the start functions, of which there is one at a time
}

// Start is that of a [StartStop], once.
func (o *Once) Start(ctx context.Context, start func(context.Context, *Run) error) error {
	return o.StartStop.Start(ctx, func(ctx context.Context, run *Run) error {
		if o.used {
			return ErrOnce
		}
		o.used = true
		return start(ctx, run)
	})
}

// Current is the run of a part that was started and is not to stop; nil when
// there is none.
func (s *StartStop) Current() *Run {
	s.mu.Lock()
	r := s.run
	s.mu.Unlock()
	if r == nil || r.halted.Err() != nil {
		return nil
	}
	select {
	case <-r.started:
		return r
	default:
		return nil
	}
}
