package lambda

import (
	"context"
	"time"

	"millrace/esm"
	"millrace/runtime/fault"
	"millrace/runtime/function"
)

// Batches runs the batches of event source mappings in the functions that they
// name: what esm.Config asks for as Invoker and Timeout.
type Batches struct{ Functions *function.Functions }

// InvokeBatch fits esm.Invoker.
func (b Batches) InvokeBatch(ctx context.Context, functionARN string, event []byte) (esm.Outcome, error) {
	id, qualifier, ok := latest(functionARN)
	if !ok {
		return esm.Outcome{}, fault.New(fault.NotFound, "Function not found: %s", functionARN)
	}
	r, err := b.Functions.Invoke(ctx, id, function.Invocation{Qualifier: qualifier, Payload: event})
	return esm.Outcome{Payload: r.Payload, FunctionError: r.FunctionError}, err
}

// Timeout is how long the function may take; ok is false when there is none.
func (b Batches) Timeout(functionARN string) (timeout time.Duration, ok bool) {
	f, ok := b.Function(functionARN)
	return time.Duration(f.Timeout) * time.Second, ok
}

// Function is the function of an ARN; ok is false when there is none.
func (b Batches) Function(functionARN string) (f function.Function, ok bool) {
	id, _, ok := latest(functionARN)
	if !ok {
		return f, false
	}
	f, err := b.Functions.Get(id)
	return f, err == nil
}

// latest reads an ARN of the only version there is.
func latest(functionARN string) (id function.ID, qualifier string, ok bool) {
	id, qualifier, ok = function.IDFromARN(functionARN)
	return id, qualifier, ok && (qualifier == "" || qualifier == function.Latest)
}
