package gateway

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"millrace/runtime/telemetry"
	"millrace/services/internal/identity"
	"millrace/services/internal/wire"
)

const scopeName = "millrace/gateway"

// durations is made on first use: a meter asked for before the provider is set
// would be the one that does nothing.
var durations = sync.OnceValue(func() metric.Float64Histogram {
	h, err := otel.Meter(scopeName).Float64Histogram("rpc.server.duration",
		metric.WithUnit("s"), metric.WithDescription("How long operations took, by service, operation and error."))
	if err != nil {
		otel.Handle(err)
	}
	return h
})

// logged begins the line that a call leaves in the log at level debug, and
// returns what ends it. Nothing that a client sends stands in it but the names of
// what was asked.
func (c *call) logged() func() {
	began := time.Now()
	w := &statusWriter{ResponseWriter: c.w, status: http.StatusOK}
	c.w = w
	return func() {
		service, operation := "", ""
		if c.service != nil {
			service = c.service.Model().Name
		}
		if c.op != nil {
			operation = c.op.Name
		}
		c.g.Log.Debug("call", "service", service, "operation", operation, "status", w.status, "code", c.code,
			"ms", float64(time.Since(began).Microseconds())/1000, "request", c.caller.RequestID)
	}
}

// A statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController find what it is for.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// observe begins the span of an operation and returns what ends it.
func observe(ctx context.Context, m *wire.Service, op *wire.Operation, c *identity.Caller, began time.Time) (context.Context, func(error)) {
	names := []attribute.KeyValue{
		attribute.String("rpc.system", "aws-api"),
		attribute.String("rpc.service", m.Name),
		attribute.String("rpc.method", op.Name),
	}
	ctx, span := telemetry.Start(ctx, scopeName, m.Name+"."+op.Name,
		trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(names...),
		trace.WithAttributes(attribute.String("aws.request_id", c.RequestID), attribute.String("cloud.account.id", c.Account), attribute.String("cloud.region", c.Region)))
	return ctx, func(err error) {
		if err != nil {
			code := "InternalFailure"
			var e *wire.Error
			if errors.As(err, &e) {
				code = e.Code
			}
			names = append(names, attribute.String("error.type", code))
			span.SetAttributes(attribute.String("error.type", code))
			span.SetStatus(codes.Error, code)
		}
		span.End()
		if telemetry.Metering() {
			durations().Record(ctx, time.Since(began).Seconds(), metric.WithAttributes(names...))
		}
	}
}
