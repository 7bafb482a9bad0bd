// Package source holds what a poller knows of where records come from. An
// adapter for each kind of source lives below.
package source

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"millrace/runtime/arn"
	"millrace/runtime/fault"
)

// A Source is where a mapping's records come from. It may be gone, and come back.
// It may be made for its Traits and Check alone: what is to be closed it opens at the
// first Receive.
type Source interface {
	Traits() Traits

	// Check finds why a mapping to a function of that timeout cannot be: fault.NotFound
	// when a source that has to be there is not, fault.Denied, a *VisibilityError, or an
	// *Error for the client to read.
	Check(timeout time.Duration) error

	// Receive waits for records, and returns none when the wait is over, or when it has
	// found the source again. Its errors are as those of Check.
	Receive(context.Context, Request) ([]Record, error)

	// Acknowledge says that records need not be delivered again.
	Acknowledge(context.Context, []Record) error

	// Release gives back records that were not tried, or that failed when the traits say
	// so. The source delivers them again at once.
	Release(context.Context, []Record) error

	// Close ends what Receive has opened, and gives back what it has not returned.
	Close() error
}

// A Kind makes the source of a mapping; ok is false when the ARN is not of the kind.
// What it names need not exist.
type Kind func(Spec) (s Source, ok bool)

// A Spec says for which mapping a source is.
type Spec struct {
	Mapping     string  // its UUID
	ARN         arn.ARN // of the source
	FunctionARN string
	Window      bool // batches are collected over a time
	Filtered    bool // records are matched against filters, and so need their Payload
	BatchSize   int  // records; 0 when that is not known yet

	Queue  string   // of a broker that has many, else ""
	Access []Access // to a source that asks who connects
}

// An Access is an entry of SourceAccessConfigurations: a type as AWS spells it, and the
// secret or the name that it says.
type Access struct{ Type, URI string }

// The types of Access.
const (
	BasicAuth   = "BASIC_AUTH"   // the ARN of a secret with user name and password
	VirtualHost = "VIRTUAL_HOST" // the name of a RabbitMQ broker's virtual host
)

// Find returns the URI of the first Access of a type, "" when there is none.
func Find(all []Access, kind string) string {
	for _, a := range all {
		if a.Type == kind {
			return a.URI
		}
	}
	return ""
}

// FindVirtualHost returns the virtual host that a mapping names, "/" when it names none:
// Lambda Developer Guide, "Using Lambda with Amazon MQ".
func FindVirtualHost(all []Access) string {
	return cmp.Or(Find(all, VirtualHost), "/")
}

// Traits are what does not change about a source.
type Traits struct {
	Name       string // "orders"
	System     string // OpenTelemetry's name for its kind: "aws_sqs"
	Payload    string // the record's member that filter patterns match inside: "body"
	Head, Tail string // of an event, around records parted by commas
	Ordered    bool   // records of a group must not overtake each other
	NoWindow   bool   // batches cannot be collected over a time

	DefaultBatch  int           // records, for a mapping that names no BatchSize
	DefaultWindow time.Duration // for a mapping that names no window
	MaxUnwindowed int           // records of a batch that is not collected over a time; 0 for any number
	MaxReceive    int           // records of one Receive; 0 for as many as a batch has room for
	MaxBatches    int           // at once; 0 for as many as the mapping lets
	ReadsAhead    bool          // a batch is filled also while as many run as may
	DropsLarge    bool          // records are dropped that no event has room for

	// ReleaseFailed says that a batch whose function failed is to be given back, since
	// its records do not come back by themselves.
	ReleaseFailed bool

	// MaxPause is the longest pause before the next look at a source that is not there;
	// 0 for the poller's own.
	MaxPause time.Duration
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
	Handle        any       // by which the source knows this delivery
	JSON          []byte    // as the event shows it
	Payload       string    // decoded; may be "" unless records are filtered
	TraceParent   string    // W3C traceparent of its sender, "" for none
	TraceHeader   string    // X-Ray header that came with it, "" for none
	RedeliveredAt time.Time // unless it is acknowledged; of a source that gives back what failed, when to do that at the latest
}

// A VisibilityError says that records would be delivered again while the function
// may still work on them.
type VisibilityError struct{ Visibility, Timeout time.Duration }

func (e *VisibilityError) Error() string {
	return fmt.Sprintf("the visibility timeout of %v is less than the function's timeout of %v", e.Visibility, e.Timeout)
}
func (e *VisibilityError) Unwrap() error { return fault.Invalid }

// An Error is why a source has no records to give, for the owner of the mapping to
// read. It unwraps to its cause.
type Error struct {
	Problem Problem
	What    string // a sentence: AWS's where one is known

	// Changed is closed when another try may fare better; nil when nothing tells.
	Changed <-chan struct{}

	Err error
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.What
	}
	return e.What + ": " + e.Err.Error()
}
func (e *Error) Unwrap() error { return e.Err }

// A Problem is what kind of thing keeps a source from giving records.
type Problem string

// The problems.
const (
	Unreachable   Problem = "unreachable"    // it is not there, not running, or does not answer
	Misconfigured Problem = "misconfigured"  // what the mapping names is not there, or not usable
	BadLogin      Problem = "login refused"  // it does not know user or password
	NoPermission  Problem = "not authorized" // it does not let the user do what is needed
)
