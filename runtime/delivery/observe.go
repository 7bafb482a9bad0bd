package delivery

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"millrace/runtime/fault"
	"millrace/runtime/telemetry"
)

const scope = "millrace/delivery"

// observe begins the span of one attempt, which goes on with the trace of the
// event; done ends and measures it. Both are free when nobody exports.
func observe(ctx context.Context, env *envelope) (_ context.Context, done func(Reply, error)) {
	if !telemetry.Tracing() && !telemetry.Metering() {
		return ctx, func(Reply, error) {}
	}
	began := time.Now()
	ctx = telemetry.WithTraceParent(ctx, env.event.TraceParent)
	ctx, span := telemetry.Start(ctx, scope, "deliver", trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(
		to(env),
		attribute.String("messaging.message.id", env.event.ID),
	))
	return ctx, func(r Reply, err error) {
		outcome := "delivered"
		switch {
		case err != nil:
			outcome = string(fault.Of(err))
			span.SetStatus(codes.Error, outcome)
		case r.Failure != "":
			outcome = "failed"
			span.SetStatus(codes.Error, r.Failure)
		}
		span.End()
		if telemetry.Metering() {
			meters().attempts.Record(ctx, time.Since(began).Seconds(), metric.WithAttributes(to(env), attribute.String("outcome", outcome)))
		}
	}
}

// observeEnd counts an event whose delivery has ended.
func observeEnd(ctx context.Context, env *envelope, c Condition) {
	if telemetry.Metering() {
		meters().ended.Add(ctx, 1, metric.WithAttributes(to(env), attribute.String("condition", string(c))))
	}
}

func to(env *envelope) attribute.KeyValue {
	return attribute.String("messaging.destination.name", label(env.To))
}

type instruments struct {
	attempts metric.Float64Histogram
	ended    metric.Int64Counter
}

// meters makes the instruments on first use: a meter asked for before the provider
// is set would be the one that does nothing. Should it refuse one of these names,
// what it returns does nothing.
var meters = sync.OnceValue(func() (m instruments) {
	meter := otel.Meter(scope)
	m.attempts, _ = meter.Float64Histogram("delivery.attempt.duration",
		metric.WithUnit("s"), metric.WithDescription("How long attempts took, by target and outcome."))
	m.ended, _ = meter.Int64Counter("delivery.events",
		metric.WithDescription("Events whose delivery has ended, by target and condition."))
	return m
})
