package telemetry

import (
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

const header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"

func TestXRayHeaders(t *testing.T) {
	sc, ok := parseXRay(header)
	if !ok || FormatXRay(sc) != header {
		t.Errorf("%s comes back as %s, %v", header, FormatXRay(sc), ok)
	}
	for _, h := range []string{
		"", "Root=1-5759e988-bd862e3fe1be46a994272793", "Parent=53995c3f42cd8ad8",
		"Root=2-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8", "Root=1-5759e988;Parent=53995c3f42cd8ad8", "Root=1-5759e988-xx862e3fe1be46a994272793;Parent=53995c3f42cd8ad8",
	} {
		if _, ok := parseXRay(h); ok {
			t.Errorf("%q was taken for a trace", h)
		}
	}
}

func TestXRayHeaderIsCarriedAsItIsWhenNobodyExports(t *testing.T) {
	if got := XRay(WithXRay(t.Context(), header)); got != header {
		t.Errorf("got %q", got)
	}
}

func TestXRayTraceIsContinued(t *testing.T) {
	Install(sdktrace.NewTracerProvider())
	defer Uninstall()
	ctx, span := Start(WithXRay(t.Context(), header), "test", "receive")
	defer span.End()
	if got := span.SpanContext().TraceID().String(); got != "5759e988bd862e3fe1be46a994272793" {
		t.Errorf("the span is in trace %s", got)
	}
	if got, want := XRay(ctx), FormatXRay(span.SpanContext()); got != want {
		t.Errorf("what follows is told %s, want %s", got, want)
	}
}
