package function

import (
	"context"
	"time"

	"github.com/google/uuid"

	"millrace/runtime/fault"
	"millrace/runtime/sandbox"
)

// An Invocation is one event for a function, as a caller sends it.
type Invocation struct {
	RequestID     string // "" for a new one
	Qualifier     string // as the caller gave it: "" or Latest
	Payload       []byte // JSON
	ClientContext string // JSON, "" for none
	TraceHeader   string // X-Amzn-Trace-Id, "" for none
}

// Invoke runs one event and waits for what comes of it. A function's failure is
// a Result; errors are fault.NotFound, fault.Throttled and fault.Unavailable. If
// ctx ends, the caller is let go and the event runs on.
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
		return sandbox.Result{}, fault.New(fault.Throttled, "%s has no concurrency", f.Name)
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

// spec says what the function's environments are made from. Its code is unpacked
// only for a process that is started, and with ctx then.
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
		if _, ok := fs.here.Load(s.ARN); !ok {
			return s, fault.New(fault.Unavailable, "the Go handler of %s is not registered in this process", f.Name)
		}
		return s, nil
	}
	s.Code = func() (string, error) { return fs.code.folder(ctx, f.CodeSha256) }
	return s, nil
}

// specKey names the function's present code and configuration.
func (f Function) specKey() string { return f.ARN() + ":" + f.RevisionID }

func invokedARN(f Function, qualifier string) string {
	if qualifier == "" {
		return f.ARN()
	}
	return f.ARN() + ":" + qualifier
}
