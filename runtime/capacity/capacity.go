// Package capacity decides whether the runtime can accept more data. Each resource
// that can run out (disk, memory, file descriptors) is a [Limit]; a [Gate] asks all
// of them.
//
// Only operations that add data ask: sends, new queues, new code. Operations that
// free room (a receive, a delete, a purge, deleting a queue) do not, so that a full
// runtime can be drained.
package capacity

import "errors"

// A Limit is one resource that can run out.
type Limit interface {
	// Admit returns why that many more bytes cannot be accepted, or nil. The error is
	// fault.Unavailable and says what ran out, how much of it is left, and what to
	// do. It is called for each send, from many goroutines, and must be cheap.
	Admit(bytes int) error
}

// A Gate asks each of its limits. The nil Gate admits everything.
type Gate []Limit

// Admit returns the error of the first limit that refuses.
func (g Gate) Admit(bytes int) error {
	for _, l := range g {
		if err := l.Admit(bytes); err != nil {
			return err
		}
	}
	return nil
}

// Full returns the errors of all limits that refuse even an empty request; nil when
// there is room.
func (g Gate) Full() (err error) {
	for _, l := range g {
		err = errors.Join(err, l.Admit(0))
	}
	return err
}
