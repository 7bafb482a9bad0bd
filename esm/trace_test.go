package esm_test

import (
	"testing"
	"testing/synctest"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"millrace/esm"
	"millrace/runtime/queue"
	"millrace/runtime/telemetry"
)

// One trace leads from the send through the batch to the delete; other senders
// are linked.
func TestTrace(t *testing.T) {
	const (
		first  = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
		second = "00-1bf7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01"
	)
	spans := tracetest.NewSpanRecorder()
	telemetry.Install(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)))
	in(t, func(w *world) {
		q := w.queues["orders"]
		q.sendMessage(queue.Message{Body: "untraced"})
		q.sendMessage(queue.Message{Body: "a", TraceParent: first})
		q.sendMessage(queue.Message{Body: "b", TraceParent: second})
		w.mapped(esm.Mapping{})
		synctest.Wait()
	})
	ended := spans.Ended()
	if len(ended) != 2 || ended[0].Name() != "orders settle" || ended[1].Name() != "orders process" {
		t.Fatalf("%d spans: %v", len(ended), ended)
	}
	settle, process := ended[0], ended[1]
	if process.SpanKind() != trace.SpanKindConsumer || process.Parent().SpanID().String() != "b7ad6b7169203331" {
		t.Errorf("process is a %v of %v", process.SpanKind(), process.Parent().SpanID())
	}
	if l := process.Links(); len(l) != 1 || l[0].SpanContext.SpanID().String() != "c7ad6b7169203331" {
		t.Errorf("links %v", l)
	}
	if settle.Parent().SpanID() != process.SpanContext().SpanID() {
		t.Error("the delete is no child of the batch")
	}
	if got := settle.SpanContext().TraceID().String(); got != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("trace %s", got)
	}
}
