// Package batch decides what goes into one invocation, and what came of it.
//
// An [Assembler] is a machine without clock or goroutine: records and the time
// go in, batches come out. A batch ends when it has as many records as the
// mapping wants, when its window is over, or before its event would grow past
// what Lambda takes. [Failures] reads a function's report on a batch.
package batch

import "time"

// MaxBytes bounds the event of one invocation: Lambda's limit for a synchronous
// payload.
const MaxBytes = 6 << 20

// An Assembler collects records into batches. It is not safe for concurrent use.
type Assembler[T any] struct {
	size     int
	window   time.Duration
	overhead int

	open      []T
	bytes     int
	windowEnd time.Time // of the open batch's window
}

// New builds an Assembler of batches of at most size records, collected for at
// most window from the first of them on. overhead is what an event weighs
// beside its records, in bytes.
func New[T any](size int, window time.Duration, overhead int) *Assembler[T] {
	return &Assembler[T]{size: size, window: window, overhead: overhead}
}

// Add puts a record of so many bytes into the open batch and returns the batch
// that this ends, if any. A record that does not fit ends the open batch and
// begins the next. One that would never fit is a batch of its own.
func (a *Assembler[T]) Add(now time.Time, record T, bytes int) (ended []T) {
	bytes++ // the comma
	if len(a.open) > 0 && a.overhead+a.bytes+bytes > MaxBytes {
		ended = a.Flush()
	}
	if len(a.open) == 0 {
		a.windowEnd = now.Add(a.window)
	}
	a.open, a.bytes = append(a.open, record), a.bytes+bytes
	if ended == nil && len(a.open) == a.size {
		ended = a.Flush()
	}
	return ended
}

// FlushDue returns the open batch if its window is over.
func (a *Assembler[T]) FlushDue(now time.Time) []T {
	if now.Before(a.windowEnd) {
		return nil
	}
	return a.Flush()
}

// Flush ends the open batch, whatever its window; nil when there is none.
func (a *Assembler[T]) Flush() []T {
	b := a.open
	a.open, a.bytes = nil, 0
	return b
}

// Free is how many more records the open batch has room for.
func (a *Assembler[T]) Free() int { return a.size - len(a.open) }

// WindowEnd is when the open batch's window is over; ok is false when no batch is open.
func (a *Assembler[T]) WindowEnd() (t time.Time, ok bool) { return a.windowEnd, len(a.open) > 0 }
