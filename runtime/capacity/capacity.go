// Package capacity says whether the runtime may take more in. What can run out
// (the disk, memory, file descriptors) is a [Limit]; a [Gate] asks all of them.
//
// Only what adds to what is stored asks: sends, new queues, new code. Whatever
// gives room back (a receive, a delete, a purge, the end of a queue) never does,
// so that a full runtime can be drained.
package capacity

import "errors"

// A Limit is one thing that can run out.
type Limit interface {
	// Admit returns why so many bytes more cannot be taken in, or nil. The error is
	// fault.Unavailable and says what ran out, how much of it is left, and what to
	// do. It is called for each send, by many at once, and must cost little.
	Admit(bytes int) error
}

// A Gate asks each of its limits. The nil Gate admits everything.
type Gate []Limit

// Admit returns what the first limit says against so many bytes more.
func (g Gate) Admit(bytes int) error {
	for _, l := range g {
		if err := l.Admit(bytes); err != nil {
			return err
		}
	}
	return nil
}

// Full returns what every limit says against taking anything in; nil when there
// is room.
func (g Gate) Full() (err error) {
	for _, l := range g {
		err = errors.Join(err, l.Admit(0))
	}
	return err
}
