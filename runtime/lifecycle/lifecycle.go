// Package lifecycle says how the parts of the runtime start and stop, all alike.
//
// A [Part] is built by its New, which starts nothing. Start runs it, and Stop
// returns when it is over. A [Stack] starts parts in order and stops them in
// reverse. Most parts leave the bookkeeping to a [StartStop]:
//
//	func (p *Poller) Start(ctx context.Context) error {
//		return p.life.Start(ctx, func(ctx context.Context, run *lifecycle.Run) error {
//			run.Go(func() { p.poll(run.Halted(), run.Work()) })
//			return nil
//		})
//	}
//
//	func (p *Poller) Stop(ctx context.Context) error { return p.life.Stop(ctx, "polls") }
//
// Package lifecycletest proves that a part keeps the contract.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"millrace/runtime/fault"
)

// A Part is something that runs until it is stopped. Start and Stop may be called
// in any order, by many goroutines at once.
type Part interface {
	// Start returns when the part runs, or with an error when it does not, and
	// then nothing of it is left running. ctx bounds the starting only. Starting
	// a part that runs does nothing. After a Stop, or a Start that failed, the part
	// starts again, or says ErrOnce.
	Start(ctx context.Context) error

	// Stop returns when the part is over: no goroutine of it is left. Work under
	// way is finished; what still runs when ctx ends is cut off, and a
	// fault.Timeout says so. Stopping a part that does not run does nothing, and
	// a Stop during a Start cuts the start short.
	Stop(ctx context.Context) error
}

// ErrOnce is the error of a Start after a Stop or a failed Start, from a part that
// cannot run again.
var ErrOnce = fault.New(fault.Conflict, "stopped for good: it cannot be started again")

// A Stack is what has been started so far. The zero Stack is empty and ready.
// It is not safe for concurrent use: one goroutine builds it up and takes it down.
type Stack struct {
	parts []part
}

type part struct {
	name string
	stop func(context.Context) error
}

// Start starts a part and adds it. A part that does not start is not added.
func (s *Stack) Start(ctx context.Context, name string, p Part) error {
	if err := p.Start(ctx); err != nil {
		return fmt.Errorf("starting %s: %w", name, err)
	}
	s.Push(name, p.Stop)
	return nil
}

// Push adds a part that is running. Its stop must return only when the part is
// over, and may be called with a context that bounds how long it may take.
func (s *Stack) Push(name string, stop func(context.Context) error) {
	s.parts = append(s.parts, part{name, stop})
}

// Down stops every part, last up first, and reports all that went wrong. A
// second call does nothing.
func (s *Stack) Down(ctx context.Context) (err error) {
	for _, p := range slices.Backward(s.parts) {
		if e := p.stop(ctx); e != nil {
			err = errors.Join(err, fmt.Errorf("stopping %s: %w", p.name, e))
		}
	}
	s.parts = nil
	return err
}
