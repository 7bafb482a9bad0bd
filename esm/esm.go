// Package esm runs event source mappings: it moves the records of a source to a
// function, in batches, and tells the source what became of them.
//
// [Mappings] keeps the mappings and their life, each enabled one with a poller.
// A poller waits for its source, never ticks, and promises:
//
//   - A record is done with at its source only after the function succeeded, or
//     because the mapping's filters dropped it.
//   - A record whose function failed comes back when its source says so: a queue's
//     message at the end of its visibility, a broker's at once. Before the next batch
//     of such a broker there are pauses, which grow until one succeeds.
//   - A throttled batch is tried again, with growing pauses, while its records are
//     still hidden from others.
//   - Of an ordered source no record overtakes another of its group: the source
//     hands out the next only when the one before is done or back.
//   - Stopping waits for running batches and gives back what had not begun.
//
// A killed process owes nothing: what was not done with comes back by itself.
//
// What a caller may have to explain to its client is an error of its own, such as
// [ErrNoSource] or a [DuplicateError]; each unwraps to a fault.Code.
package esm

import (
	"context"
	"time"

	"millrace/esm/source"
)

// A Mapping is an event source mapping, as Lambda's API shows it.
type Mapping struct {
	UUID          string
	Account       string
	Region        string
	EventSource   string          // ARN
	FunctionARN   string          // with the qualifier it was created with, if any
	Queue         string          `json:",omitzero"` // of a broker; "" for other sources
	Access        []source.Access `json:",omitzero"` // SourceAccessConfigurations
	BatchSize     int
	Window        int      // MaximumBatchingWindowInSeconds; OwnWindow when none was ever set
	ResponseTypes []string // ReportBatchItemFailures
	Filters       []string // patterns; empty passes everything
	MaxConcurrent int      // ScalingConfig.MaximumConcurrency; 0 for none
	Enabled       bool     // as wanted
	State         string   // Creating, Enabling, Enabled, Disabling, Disabled, Updating, Deleting
	Reason        string   // StateTransitionReason
	Problem       Problem  `json:"-"` // why nothing moves at the moment
	Trouble       string   `json:"-"` // what the source says of the Problem, for the mapping's owner; "" for nothing
	Last          Result   `json:"-"` // what became of the last batch
	Modified      time.Time
	Tags          map[string]string
}

// OwnWindow is the Window of a mapping for which none was ever set: the source's own
// holds. The mapping of a source that has none gets a Window of 0 instead.
const OwnWindow = -1

// A Result is what became of a batch.
type Result string

// The results.
const (
	NoneYet   Result = ""
	Succeeded Result = "succeeded"
	Failed    Result = "failed"
)

// An Invoker runs a function synchronously, for a mapping. It may answer
// fault.Throttled, which a poller retries with back-off, or fault.NotFound.
type Invoker interface {
	InvokeBatch(ctx context.Context, functionARN string, event []byte) (Outcome, error)
}

// An Outcome is what the function made of a batch.
type Outcome struct {
	Payload       []byte
	FunctionError string // "" when the function succeeded
}
