package esm

import (
	"context"
	"time"
)

// A Mapping is an event source mapping, as Lambda's API shows it.
type Mapping struct {
	UUID          string
	Account       string
	Region        string
	EventSource   string // ARN
	FunctionARN   string // with the qualifier it was created with, if any
	BatchSize     int
	Window        int      // MaximumBatchingWindowInSeconds
	ResponseTypes []string // ReportBatchItemFailures
	Filters       []string // patterns; empty passes everything
	MaxConcurrent int      // ScalingConfig.MaximumConcurrency; 0 for none
	Enabled       bool     // as wanted
	State         string   // Creating, Enabling, Enabled, Disabling, Disabled, Updating, Deleting
	Reason        string   // StateTransitionReason
	Modified      time.Time
	Tags          map[string]string
}

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
