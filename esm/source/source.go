// Package source holds what a poller knows of where records come from. An
// adapter for each kind of source lives below.
package source

import (
	"context"
	"fmt"
	"time"

	"millrace/runtime/arn"
	"millrace/runtime/fault"
)

// A Source is where a mapping's records come from. It may be gone, and come back.
type Source interface {
	Traits() Traits

	// Check finds why a function of that timeout cannot be fed: fault.NotFound when
	// the source is not there, fault.Denied, or a *VisibilityError.
	Check(timeout time.Duration) error

	// Receive waits for records, and returns none when the wait is over. Its errors
	// are as those of Check.
	Receive(context.Context, Request) ([]Record, error)

	// Acknowledge says that records need not be delivered again.
	Acknowledge(context.Context, []Record) error

	// Release gives back records that were not tried.
	Release(context.Context, []Record) error
}

// A Kind makes the source of a mapping; ok is false when the ARN is not of the kind.
// What it names need not exist.
type Kind func(Spec) (s Source, ok bool)

// A Spec says for which mapping a source is.
type Spec struct {
	ARN         arn.ARN // of the source
	FunctionARN string
	Window      bool // batches are collected over a time
}

// Traits are what does not change about a source.
type Traits struct {
	Name       string // "orders"
	System     string // OpenTelemetry's name for its kind: "aws_sqs"
	Payload    string // the record's member that filter patterns match inside: "body"
	Head, Tail string // of an event, around records parted by commas
	Ordered    bool   // records of a group must not overtake each other
	NoWindow   bool   // batches cannot be collected over a time

	DefaultBatch  int // records, for a mapping that names no BatchSize
	MaxUnwindowed int // records of a batch that is not collected over a time
}

// A Request asks a source for records.
type Request struct {
	Max        int           // at most this many
	Wait       time.Duration // for the first; Forever waits until the context ends
	Processing time.Duration // how long a record may take from the receive to the end of its invocation
}

// Forever is the wait of a Request that has no end.
const Forever = time.Duration(-1)

// A Record is one record of a source, ready for an event.
type Record struct {
	ID            string    // as a batch item failure names it
	Handle        string    // by which the source knows this delivery
	JSON          []byte    // as the event shows it
	Payload       string    // decoded, for filters
	TraceParent   string    // W3C traceparent of its sender, "" for none
	TraceHeader   string    // X-Ray header that came with it, "" for none
	RedeliveredAt time.Time // unless it is acknowledged
}

// A VisibilityError says that records would be delivered again while the function
// may still work on them.
type VisibilityError struct{ Visibility, Timeout time.Duration }

func (e *VisibilityError) Error() string {
	return fmt.Sprintf("the visibility timeout of %v is less than the function's timeout of %v", e.Visibility, e.Timeout)
}
func (e *VisibilityError) Unwrap() error { return fault.Invalid }
