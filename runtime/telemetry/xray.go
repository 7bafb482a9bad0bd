package telemetry

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

// X-Ray's header says what a W3C traceparent does, in other words:
//
//	Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1
//
// (AWS X-Ray developer guide, "Tracing header").

// FormatXRay writes the header of a span.
func FormatXRay(sc trace.SpanContext) string {
	id, sampled := sc.TraceID().String(), "0"
	if sc.IsSampled() {
		sampled = "1"
	}
	return "Root=1-" + id[:8] + "-" + id[8:] + ";Parent=" + sc.SpanID().String() + ";Sampled=" + sampled
}

// parseXRay reads a header that names both a trace and a parent; ok is false for
// every other, which continues no trace.
func parseXRay(header string) (sc trace.SpanContext, ok bool) {
	var c trace.SpanContextConfig
	for part := range strings.SplitSeq(header, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Root":
			if version, id, _ := strings.Cut(value, "-"); version == "1" && len(id) == 33 && id[8] == '-' {
				c.TraceID, _ = trace.TraceIDFromHex(id[:8] + id[9:])
			}
		case "Parent":
			c.SpanID, _ = trace.SpanIDFromHex(value)
		case "Sampled":
			c.TraceFlags = c.TraceFlags.WithSampled(value == "1")
		}
	}
	c.Remote = true
	sc = trace.NewSpanContext(c)
	return sc, sc.IsValid()
}

type xrayKey struct{}

// WithXRay returns a context that carries an X-Ray header on to a function, and
// whose spans continue its trace unless they continue another already.
func WithXRay(ctx context.Context, header string) context.Context {
	if header == "" {
		return ctx
	}
	ctx = context.WithValue(ctx, xrayKey{}, header)
	if tracing.Load() && !trace.SpanContextFromContext(ctx).IsValid() {
		if sc, ok := parseXRay(header); ok {
			ctx = trace.ContextWithRemoteSpanContext(ctx, sc)
		}
	}
	return ctx
}

// XRay returns the X-Ray header that travels with ctx: of its span when spans go
// somewhere, else as WithXRay was given it; "" for none.
func XRay(ctx context.Context) string {
	if sc := trace.SpanContextFromContext(ctx); tracing.Load() && sc.IsValid() {
		return FormatXRay(sc)
	}
	header, _ := ctx.Value(xrayKey{}).(string)
	return header
}
