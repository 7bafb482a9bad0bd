package function

import (
	"context"
	"errors"
	"strings"
	"time"

	"millrace/runtime/delivery"
	"millrace/runtime/fault"
	"millrace/runtime/policy"
	"millrace/runtime/sandbox"
	"millrace/runtime/telemetry"
)

// Async says what becomes of asynchronous invocations: an event invoke config of
// Lambda's.
type Async struct {
	MaxRetries *int   // MaximumRetryAttempts, 0 to 2; nil for 2
	MaxAge     *int   // MaximumEventAgeInSeconds, 60 to 21600; nil for 21600
	OnSuccess  string // ARN of the destination of records; "" for none
	OnFailure  string
	Modified   time.Time
}

// The defaults of Async.
const (
	maxRetries = 2
	maxAge     = 6 * time.Hour
)

// An Outbox takes the events of asynchronous invocations: *delivery.Outbox.
type Outbox interface {
	Put(ctx context.Context, to string, e delivery.Event, p delivery.Policy) error
}

// invocation is the kind of the name of a function that is to be run, in the
// outbox: invocation:<ARN>. The ARN alone is the function as others' target, which
// has an event once it waits here.
const invocation = "invocation"

// Resolvers finds functions as targets: by their ARNs, and the invocations that
// InvokeAsync has accepted.
func (fs *Functions) Resolvers() delivery.Resolvers {
	return delivery.Resolvers{
		"lambda": func(name string) (delivery.Target, error) { return fs.target(name) },
		invocation: func(name string) (delivery.Target, error) {
			t, err := fs.target(strings.TrimPrefix(name, invocation+":"))
			return running{t}, err
		},
	}
}

// InvokeAsync accepts one event, and returns once it is sure to be run: see
// Invoke, which runs it. in.RequestID is the same on every run.
func (fs *Functions) InvokeAsync(ctx context.Context, id ID, in Invocation) error {
	f, err := fs.Get(id)
	if err != nil {
		return err
	}
	if fs.outbox == nil {
		return fault.New(fault.Unavailable, "asynchronous invocations have no outbox here")
	}
	e := delivery.Event{
		ID: in.RequestID, Body: in.Payload, Source: delivery.Source{Principal: f.Principal()}, TraceHeader: in.TraceHeader,
	}
	return fs.outbox.Put(ctx, invocation+":"+invokedARN(f, in.Qualifier), e, f.policy())
}

// policy is how the asynchronous invocations of a function are tried.
func (f Function) policy() delivery.Policy {
	p := delivery.Policy{Sender: Sender, MaxAge: maxAge, MaxAttempts: 1 + maxRetries, DeadLetter: f.DeadLetter}
	if a := f.Async; a != nil {
		if a.MaxRetries != nil {
			p.MaxAttempts = 1 + *a.MaxRetries
		}
		if a.MaxAge != nil {
			p.MaxAge = time.Duration(*a.MaxAge) * time.Second
		}
		p.OnSuccess, p.OnFailure = a.OnSuccess, a.OnFailure
	}
	return p
}

// Principal is who a function is to other resources: a session of its role. A role of
// another account gives it no rights there: AWS lets no function have one.
func (f Function) Principal() policy.Principal {
	if p, ok := policy.RolePrincipal(f.Role, f.Name); ok && p.Account == f.Account {
		return p
	}
	return policy.Principal{Account: f.Account}
}

// findWait bounds how long a function that this runtime does not know is looked for.
const findWait = 5 * time.Second

// target finds a function by its ARN, with or without a qualifier. Another runtime may
// have created it a moment ago.
func (fs *Functions) target(name string) (target, error) {
	id, qualifier, ok := IDFromARN(name)
	if !ok {
		return target{}, fault.New(fault.Invalid, "%s is not the ARN of a function", name)
	}
	ctx, cancel := context.WithTimeout(context.Background(), findWait)
	defer cancel()
	f, err := fs.table.Find(ctx, id.key())
	return target{fs, f, qualifier}, err
}

// A target is a function that others deliver to.
type target struct {
	functions *Functions
	function  Function
	qualifier string
}

// Durable implements delivery.DurableTarget.
func (target) Durable() {}

// Allows implements delivery.Target: it asks the function's permissions.
func (t target) Allows(s delivery.Source) error {
	return t.functions.access.Authorize(t.function.ID(), t.function, s.Principal, "lambda:InvokeFunction", s.Context)
}

// Deliver implements delivery.Target: it invokes the function asynchronously.
func (t target) Deliver(ctx context.Context, e delivery.Event) (delivery.Reply, error) {
	return delivery.Reply{}, t.functions.InvokeAsync(ctx, t.function.ID(), Invocation{
		RequestID: e.ID, Qualifier: t.qualifier, Payload: e.Body, TraceHeader: e.TraceHeader,
	})
}

// running is a function that has an event and is to be run with it.
type running struct{ target target }

// Allows implements delivery.Target: that was asked when the event was accepted.
func (running) Allows(delivery.Source) error { return nil }

// Deliver implements delivery.Target: it runs the function.
func (r running) Deliver(ctx context.Context, e delivery.Event) (delivery.Reply, error) {
	t := r.target
	var result sandbox.Result
	release, err := t.functions.paceOf(t.function).acquire(ctx, value(t.function.Reserved))
	if err != nil {
		return delivery.Reply{}, err
	}
	defer func() { release(result.Cold) }()
	result, err = t.functions.Invoke(telemetry.WithTraceParent(ctx, e.TraceParent), t.function.ID(), Invocation{
		RequestID: e.ID, Qualifier: t.qualifier, Payload: e.Body, TraceHeader: e.TraceHeader,
	})
	if errors.Is(err, fault.Throttled) && t.function.closed() {
		err = delivery.Final(err)
	}
	if err != nil {
		return delivery.Reply{}, err
	}
	reply := delivery.Reply{Status: 200, Version: Latest, Failure: result.FunctionError, Body: result.Payload}
	if reply.Failure != "" {
		reply.Reason = Failure(result.Payload)
	}
	return reply, nil
}

// paceOf is the pace of a function's asynchronous invocations.
func (fs *Functions) paceOf(f Function) *pace {
	p, ok := fs.paces.Load(f.ARN())
	if !ok {
		p, _ = fs.paces.LoadOrStore(f.ARN(), newPace())
	}
	return p.(*pace)
}

func value(p *int) int {
	if p == nil {
		return 0
	}
	return *p
}

// closed reports whether a function's reserved concurrency is none: its events are
// not tried again (Lambda developer guide, reserved concurrency).
func (f Function) closed() bool { return f.Reserved != nil && *f.Reserved == 0 }
