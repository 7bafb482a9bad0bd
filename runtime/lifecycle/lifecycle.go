// Package lifecycle starts parts in order and stops them in reverse.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// A Stack is what has been started so far. The zero Stack is empty and ready.
// It is not safe for concurrent use: one goroutine builds it up and takes it down.
type Stack struct {
	parts []part
}

type part struct {
	name string
	stop func(context.Context) error
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
