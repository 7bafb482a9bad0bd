// Package target makes functions the targets of event source mappings.
package target

import (
	"context"
	"time"

	"millrace/esm"
	"millrace/runtime/fault"
	"millrace/runtime/function"
)

// Functions runs batches in the functions that mappings name: what esm.Config asks
// for as Invoker and Timeout.
type Functions struct{ Functions *function.Functions }

// InvokeBatch implements esm.Invoker.
func (t Functions) InvokeBatch(ctx context.Context, functionARN string, event []byte) (esm.Outcome, error) {
	id, qualifier, ok := latest(functionARN)
	if !ok {
		return esm.Outcome{}, fault.New(fault.NotFound, "function not found: %s", functionARN)
	}
	r, err := t.Functions.Invoke(ctx, id, function.Invocation{Qualifier: qualifier, Payload: event})
	return esm.Outcome{Payload: r.Payload, FunctionError: r.FunctionError}, err
}

// Timeout is how long the function may take; ok is false when there is none.
func (t Functions) Timeout(functionARN string) (timeout time.Duration, ok bool) {
	f, ok := t.Function(functionARN)
	return time.Duration(f.Timeout) * time.Second, ok
}

// Function is the function of an ARN; ok is false when there is none.
func (t Functions) Function(functionARN string) (f function.Function, ok bool) {
	id, _, ok := latest(functionARN)
	if !ok {
		return f, false
	}
	f, err := t.Functions.Get(id)
	return f, err == nil
}

// latest reads an ARN of the only version there is.
func latest(functionARN string) (id function.ID, qualifier string, ok bool) {
	id, qualifier, ok = function.IDFromARN(functionARN)
	return id, qualifier, ok && (qualifier == "" || qualifier == function.Latest)
}
