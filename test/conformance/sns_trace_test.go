package conformance

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"millrace/runtime/telemetry"
	"millrace/test/testenv"
)

// One trace follows what is published: through the delivery to the queue, its mapping and
// the handler, on FIFO topics too.
func TestOneTraceFollowsAPublish(t *testing.T) {
	for name, tt := range map[string]struct {
		topic, queue string
		attributes   map[string]string
		want         string
	}{
		"standard": {"t", "orders", nil, "SNS.Publish, deliver, orders invoke, orders process, orders settle, t publish"},
		"FIFO":     {"t.fifo", "orders.fifo", fifoTopic, "SNS.Publish, orders invoke, orders.fifo process, orders.fifo settle, t.fifo publish"},
	} {
		t.Run(name, func(t *testing.T) {
			recorder := tracetest.NewSpanRecorder()
			telemetry.Install(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)))
			defer telemetry.Uninstall()
			testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
				topic := createTopic(t, env, tt.topic, tt.attributes)
				topic.feed(tt.queue)
				env.Handle("orders", func(events.SQSEvent) error { return nil })
				mapQueue(t, env, lambda.CreateEventSourceMappingInput{}, tt.queue, "orders")
				if tt.attributes == nil {
					topic.publish("hello")
				} else {
					topic.publish("hello", withGroup("g", ""))
				}
				synctest.Wait()

				var followed []string
				for _, s := range recorder.Ended() {
					if s.Name() != "SNS.Publish" {
						continue
					}
					for _, of := range recorder.Ended() {
						if of.SpanContext().TraceID() == s.SpanContext().TraceID() {
							followed = append(followed, of.Name())
						}
					}
				}
				slices.Sort(followed)
				wantEqual(t, "spans of the trace", strings.Join(followed, ", "), tt.want)
			})
		})
	}
}
