package function

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/faasconv"
	"go.opentelemetry.io/otel/trace"

	"millrace/runtime/sandbox"
	"millrace/runtime/telemetry"
)

const scope = "millrace/function"

// traceHeader is the X-Ray header that the function gets with an event. It takes the
// first there is: the span in ctx, the caller's header, the header in ctx. Else it makes
// a new one that is not sampled, as AWS does.
func traceHeader(ctx context.Context, given string, now time.Time) string {
	if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
		return telemetry.FormatXRay(sc)
	}
	if given != "" {
		return given
	}
	if carried := telemetry.XRay(ctx); carried != "" {
		return carried
	}
	return fmt.Sprintf("Root=1-%08x-%08x%016x;Parent=%016x;Sampled=0",
		uint32(now.Unix()), rand.Uint32(), rand.Uint64(), rand.Uint64())
}

// observe starts the span of one invocation; done ends it and records metrics. Both
// cost nothing without an exporter.
func observe(ctx context.Context, f Function, requestID string) (_ context.Context, done func(sandbox.Result, error)) {
	if !telemetry.Tracing() && !telemetry.Metering() {
		return ctx, func(sandbox.Result, error) {}
	}
	began := time.Now()
	ctx, span := telemetry.Start(ctx, scope, f.Name+" invoke",
		trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(
			semconv.FaaSName(f.Name),
			semconv.FaaSVersion(Latest),
			semconv.FaaSInvocationID(requestID),
			semconv.FaaSMaxMemory(f.MemorySize<<20),
			semconv.CloudAccountID(f.Account),
			semconv.CloudRegion(f.Region),
			semconv.CloudResourceID(f.ARN()),
		))
	return ctx, func(r sandbox.Result, err error) {
		span.SetAttributes(semconv.FaaSColdstart(r.Cold))
		failed := err != nil || r.FunctionError != ""
		switch {
		case err != nil:
			span.SetStatus(codes.Error, err.Error())
		case failed:
			span.SetStatus(codes.Error, r.FunctionError)
		}
		span.End()
		if !telemetry.Metering() {
			return
		}
		m, name := meters(), semconv.FaaSName(f.Name)
		m.invocations.Add(ctx, 1, name)
		m.duration.Record(ctx, time.Since(began).Seconds(), name)
		if failed {
			m.errors.Add(ctx, 1, name)
		}
	}
}

type instruments struct {
	invocations faasconv.Invocations
	errors      faasconv.Errors
	duration    faasconv.InvokeDuration
}

// meters creates the instruments once. Their names are OpenTelemetry's own; if one
// fails nevertheless, OpenTelemetry returns an instrument that does nothing.
var meters = sync.OnceValue(func() (m instruments) {
	meter := otel.Meter(scope)
	m.invocations, _ = faasconv.NewInvocations(meter)
	m.errors, _ = faasconv.NewErrors(meter)
	m.duration, _ = faasconv.NewInvokeDuration(meter)
	return m
})
