package function

import (
	"context"
	"time"

	"github.com/google/uuid"

	"millrace/runtime/fault"
	"millrace/runtime/sandbox"
)

// An Invocation is one event for a function, with what the caller sent beside it.
type Invocation struct {
	RequestID     string // "" for a new one
	Qualifier     string // as the caller gave it: "" or Latest
	Payload       []byte // JSON
	ClientContext string // JSON, "" for none
	TraceHeader   string // X-Amzn-Trace-Id, "" for none
}

// Invoke runs one event and returns its result. A function error is a Result; errors
// are *NotFoundError, fault.Throttled and fault.Unavailable. When ctx ends, Invoke
// returns and the event runs on.
func (fs *Functions) Invoke(ctx context.Context, id ID, in Invocation) (sandbox.Result, error) {
	f, err := fs.Get(id)
	if err != nil {
		return sandbox.Result{}, err
	}
	if in.RequestID == "" {
		in.RequestID = uuid.NewString()
	}
	ctx, done := observe(ctx, f, in.RequestID)
	result, err := fs.run(ctx, f, in)
	done(result, err)
	return result, err
}

func (fs *Functions) run(ctx context.Context, f Function, in Invocation) (sandbox.Result, error) {
	if f.Reserved != nil && *f.Reserved == 0 {
		return sandbox.Result{}, fault.New(fault.Throttled, "the reserved concurrency of %s is 0", f.Name)
	}
	spec, err := fs.spec(context.WithoutCancel(ctx), f)
	if err != nil {
		return sandbox.Result{}, err
	}
	return fs.runner.Invoke(ctx, spec, sandbox.Request{
		ID:            in.RequestID,
		Payload:       in.Payload,
		ClientContext: in.ClientContext,
		TraceHeader:   traceHeader(ctx, in.TraceHeader, time.Now()),
		InvokedARN:    invokedARN(f, in.Qualifier),
	})
}

// spec describes the function's environments. Code is unpacked, with ctx, only when a
// process starts.
func (fs *Functions) spec(ctx context.Context, f Function) (sandbox.Spec, error) {
	s := sandbox.Spec{
		Key: f.specKey(), ARN: f.ARN(), Name: f.Name, Version: Latest, Account: f.Account, Region: f.Region,
		Runtime: f.Runtime, Handler: f.Handler,
		Timeout: time.Duration(f.Timeout) * time.Second, MemoryMB: f.MemorySize, Env: f.Env,
		LogGroup: f.Logging.Group, LogFormat: f.Logging.Format, LogLevel: f.Logging.Application,
	}
	if f.Reserved != nil {
		s.MaxEnvironments = *f.Reserved
	}
	if f.InProcess {
		if _, ok := fs.registered.Load(s.ARN); !ok {
			return s, fault.New(fault.Unavailable, "the Go handler of %s is not registered in this process", f.Name)
		}
		return s, nil
	}
	s.Code = func() (string, error) { return fs.code.folder(ctx, f.CodeSha256) }
	return s, nil
}

// specKey identifies the function's current code and configuration.
func (f Function) specKey() string { return f.ARN() + ":" + f.RevisionID }

func invokedARN(f Function, qualifier string) string {
	if qualifier == "" {
		return f.ARN()
	}
	return f.ARN() + ":" + qualifier
}
