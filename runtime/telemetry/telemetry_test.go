package telemetry

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func TestWantedByTheStandardVariables(t *testing.T) {
	for _, c := range []struct {
		rule string
		env  map[string]string
		want bool
	}{
		{"nothing set", nil, false},
		{"an endpoint for all", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}, true},
		{"an endpoint for traces", map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://localhost:4318/v1/traces"}, true},
		{"an endpoint for metrics alone", map[string]string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://localhost:4318"}, false},
		{"the exporter by name", map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, true},
		{"refused by name", map[string]string{"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}, false},
	} {
		if got := wanted(func(k string) string { return c.env[k] }, "TRACES"); got != c.want {
			t.Errorf("%s: got %v, want %v", c.rule, got, c.want)
		}
	}
}

// Spans and measurements arrive at a collector once Setup has found its address,
// at the latest when the returned function has run.
func TestExportsToACollector(t *testing.T) {
	got := make(chan string, 16)
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		got <- r.URL.Path
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	env := map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL}
	shutdown, err := Setup(t.Context(), func(k string) string { return env[k] }, "test")
	if err != nil {
		t.Fatal(err)
	}
	defer Uninstall()
	if !Tracing() || !Metering() {
		t.Fatalf("tracing %v, metering %v; want both", Tracing(), Metering())
	}
	_, span := Start(t.Context(), "test", "work")
	span.End()
	if err := shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	close(got)
	var paths []string
	for p := range got {
		paths = append(paths, p)
	}
	if all := strings.Join(paths, " "); !strings.Contains(all, "/v1/traces") {
		t.Errorf("the collector was asked for %q, want /v1/traces among them", all)
	}
}

func TestTraceParentTravels(t *testing.T) {
	Install(sdktrace.NewTracerProvider())
	defer Uninstall()
	ctx, span := Start(t.Context(), "test", "send")
	defer span.End()
	parent := TraceParent(ctx)
	if !strings.Contains(parent, span.SpanContext().TraceID().String()) {
		t.Fatalf("traceparent %q does not hold the trace %s", parent, span.SpanContext().TraceID())
	}
	_, child := Start(WithTraceParent(context.Background(), parent), "test", "receive")
	defer child.End()
	if child.SpanContext().TraceID() != span.SpanContext().TraceID() {
		t.Error("the receiving span began a trace of its own")
	}
}

func TestNothingWithoutAnExporter(t *testing.T) {
	shutdown, err := Setup(t.Context(), func(string) string { return "" }, "test")
	if err != nil {
		t.Fatal(err)
	}
	defer shutdown(context.Background())
	ctx := t.Context()
	if got, span := Start(ctx, "test", "work"); got != ctx || span.IsRecording() || TraceParent(ctx) != "" {
		t.Error("a span was made for nobody")
	}
	if n := testing.AllocsPerRun(100, func() { _, span := Start(ctx, "test", "work"); span.End() }); n != 0 {
		t.Errorf("a span for nobody allocates %v times", n)
	}
}

// What tracing costs a caller of Start when nobody exports.
func BenchmarkOff(b *testing.B) {
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		_, span := Start(ctx, "test", "work")
		span.End()
	}
}
