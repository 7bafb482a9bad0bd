package telemetry

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// TraceParent returns the W3C traceparent of the span in ctx, to travel with a
// message; "" when there is none or nobody exports.
func TraceParent(ctx context.Context) string {
	if !tracing.Load() || !trace.SpanContextFromContext(ctx).IsValid() {
		return ""
	}
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier["traceparent"]
}

// WithTraceParent returns a context whose spans continue the trace of a message.
func WithTraceParent(ctx context.Context, traceparent string) context.Context {
	if !tracing.Load() || traceparent == "" {
		return ctx
	}
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": traceparent})
}

// Extract continues the trace that the headers of a request tell of.
func Extract(ctx context.Context, headers propagation.TextMapCarrier) context.Context {
	if !tracing.Load() {
		return ctx
	}
	return otel.GetTextMapPropagator().Extract(ctx, headers)
}
