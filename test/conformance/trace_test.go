package conformance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"millrace/runtime/telemetry"
	"millrace/test/testenv"
)

// One trace follows a message from its send through the queue, the mapping and
// the handler to its delete, and the handler is told of it.
func TestOneTraceFollowsAMessage(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	telemetry.Install(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)))
	defer telemetry.Uninstall()
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		q := create(t, env, "orders", nil)
		var header string
		env.Handle("orders", func(ctx context.Context, _ events.SQSEvent) error {
			header, _ = ctx.Value("x-amzn-trace-id").(string)
			return nil
		})
		mapQueue(t, env, lambda.CreateEventSourceMappingInput{}, "orders", "orders")
		q.send("hello")
		synctest.Wait()

		byName := map[string]sdktrace.ReadOnlySpan{}
		var names []string
		for _, s := range recorder.Ended() {
			byName[s.Name()] = s
			names = append(names, s.Name())
		}
		send := byName["SQS.SendMessage"]
		if send == nil {
			t.Fatalf("no span of the send among %v", names)
		}
		trace := send.SpanContext().TraceID()
		var followed []string
		for _, s := range recorder.Ended() {
			if s.SpanContext().TraceID() == trace {
				followed = append(followed, s.Name())
			}
		}
		slices.Sort(followed)
		wantEqual(t, "spans of the trace", strings.Join(followed, ", "),
			"SQS.SendMessage, orders invoke, orders process, orders send, orders settle")
		hex := trace.String()
		if want := fmt.Sprintf("Root=1-%s-%s;Parent=", hex[:8], hex[8:]); !strings.HasPrefix(header, want) || !strings.HasSuffix(header, ";Sampled=1") {
			t.Errorf("the handler's trace header is %q, want %s…;Sampled=1", header, want)
		}
	})
}

// A sender's own X-Ray header reaches the function also when nobody exports.
func TestTraceHeaderReachesTheFunction(t *testing.T) {
	const header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		q := create(t, env, "orders", nil)
		var inEvent, inContext string
		env.Handle("orders", func(ctx context.Context, e events.SQSEvent) error {
			inContext, _ = ctx.Value("x-amzn-trace-id").(string)
			inEvent = e.Records[0].Attributes["AWSTraceHeader"]
			return nil
		})
		mapQueue(t, env, lambda.CreateEventSourceMappingInput{}, "orders", "orders")
		_, err := q.sdk.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: q.url, MessageBody: aws.String("hello"),
			MessageSystemAttributes: map[string]sqstypes.MessageSystemAttributeValue{"AWSTraceHeader": {DataType: aws.String("String"), StringValue: aws.String(header)}}})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		wantEqual(t, "in the event", inEvent, header)
		wantEqual(t, "in the function's context", inContext, header)
	})
}
