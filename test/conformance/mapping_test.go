package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"millrace/services/admin"
	"millrace/test/testenv"
)

// seen collects what a handler was given.
type seen struct {
	mu     sync.Mutex
	bodies []string
}

func (s *seen) add(e events.SQSEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range e.Records {
		s.bodies = append(s.bodies, r.Body)
	}
}

func (s *seen) sorted() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(slices.Sorted(slices.Values(s.bodies)), " ")
}

func mapQueue(t *testing.T, env *testenv.Env, in lambda.CreateEventSourceMappingInput, queue, function string) *lambda.CreateEventSourceMappingOutput {
	t.Helper()
	in.EventSourceArn, in.FunctionName = aws.String("arn:aws:sqs:us-east-1:000000000000:"+queue), &function
	out, err := lambda.NewFromConfig(env.AWS).CreateEventSourceMapping(t.Context(), &in)
	if err != nil {
		t.Fatalf("CreateEventSourceMapping: %v", err)
	}
	return out
}

func TestMappedFunctionGetsMessages(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		q := create(t, env, "orders", nil)
		var got seen
		env.Handle("orders", func(_ context.Context, e events.SQSEvent) error { got.add(e); return nil })
		made := mapQueue(t, env, lambda.CreateEventSourceMappingInput{}, "orders", "orders")
		wantEqual(t, "state in the create reply", *made.State, "Creating")
		wantEqual(t, "default batch size", *made.BatchSize, 10)
		for i := range 25 {
			q.send(fmt.Sprintf("m%02d", i))
		}
		synctest.Wait()
		wantEqual(t, "messages handled", len(strings.Fields(got.sorted())), 25)
		wantEqual(t, "counts", q.counts(), "0/0/0")
	})
}

// The event is what aws-lambda-go's types decode, member by member.
func TestEventOfAQueue(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		q := create(t, env, "orders.fifo", map[string]string{"FifoQueue": "true"})
		events_ := make(chan events.SQSMessage, 1)
		env.Handle("orders", func(_ context.Context, e events.SQSEvent) error { events_ <- e.Records[0]; return nil })
		mapQueue(t, env, lambda.CreateEventSourceMappingInput{}, "orders.fifo", "orders")
		sent := q.sendFIFO("hello", "group", "dedup")
		r := <-events_
		for what, pair := range map[string][2]string{
			"messageId":              {r.MessageId, *sent.MessageId},
			"body":                   {r.Body, "hello"},
			"md5OfBody":              {r.Md5OfBody, "5d41402abc4b2a76b9719d911017c592"},
			"eventSource":            {r.EventSource, "aws:sqs"},
			"eventSourceARN":         {r.EventSourceARN, "arn:aws:sqs:us-east-1:000000000000:orders.fifo"},
			"awsRegion":              {r.AWSRegion, "us-east-1"},
			"receive count":          {r.Attributes["ApproximateReceiveCount"], "1"},
			"MessageGroupId":         {r.Attributes["MessageGroupId"], "group"},
			"MessageDeduplicationId": {r.Attributes["MessageDeduplicationId"], "dedup"},
			"SequenceNumber":         {r.Attributes["SequenceNumber"], *sent.SequenceNumber},
			"SenderId":               {r.Attributes["SenderId"], "000000000000"},
		} {
			wantEqual(t, what, pair[0], pair[1])
		}
	})
}

func TestFailedMessagesGoToTheDeadLetterQueue(t *testing.T) {
	for _, c := range []struct {
		rule    string
		partial bool
		handle  func(tries *int) func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)
	}{
		{"the function fails", false, func(tries *int) func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) {
			return func(context.Context, events.SQSEvent) (r events.SQSEventResponse, err error) {
				*tries++
				return r, errors.New("no")
			}
		}},
		{"the function panics", false, func(tries *int) func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) {
			return func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) { *tries++; panic("no") }
		}},
		{"the function reports it", true, func(tries *int) func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) {
			return func(_ context.Context, e events.SQSEvent) (r events.SQSEventResponse, err error) {
				*tries++
				for _, m := range e.Records {
					r.BatchItemFailures = append(r.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
				}
				return r, nil
			}
		}},
		{"the function takes too long", false, func(tries *int) func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) {
			return func(ctx context.Context, _ events.SQSEvent) (r events.SQSEventResponse, err error) {
				*tries++
				<-ctx.Done()
				return r, ctx.Err()
			}
		}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
				dead := create(t, env, "dead", nil)
				q := create(t, env, "orders", map[string]string{
					"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":3}`})
				tries := 0
				env.Handle("orders", c.handle(&tries))
				in := lambda.CreateEventSourceMappingInput{}
				if c.partial {
					in.FunctionResponseTypes = []types.FunctionResponseType{types.FunctionResponseTypeReportBatchItemFailures}
				}
				mapQueue(t, env, in, "orders", "orders")
				sent := q.send("poison")
				time.Sleep(5 * time.Minute)
				got := dead.receive(1, 0)
				wantEqual(t, "tries", tries, 3)
				if wantEqual(t, "in the dead-letter queue", len(got), 1); len(got) == 1 {
					wantEqual(t, "message id", *got[0].MessageId, *sent.MessageId)
				}
				wantEqual(t, "source", q.counts(), "0/0/0")
			})
		})
	}
}

func TestPartialFailureKeepsTheOthersAway(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		q := create(t, env, "orders", nil)
		var got seen
		env.Handle("orders", func(_ context.Context, e events.SQSEvent) (r events.SQSEventResponse, err error) {
			got.add(e)
			for _, m := range e.Records {
				if m.Body == "bad" && m.Attributes["ApproximateReceiveCount"] == "1" {
					r.BatchItemFailures = append(r.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
				}
			}
			return r, nil
		})
		mapQueue(t, env, lambda.CreateEventSourceMappingInput{
			MaximumBatchingWindowInSeconds: aws.Int32(5),
			FunctionResponseTypes:          []types.FunctionResponseType{types.FunctionResponseTypeReportBatchItemFailures},
		}, "orders", "orders")
		for _, body := range []string{"a", "bad", "c"} {
			q.send(body)
		}
		time.Sleep(2 * time.Minute)
		wantEqual(t, "handled", got.sorted(), "a bad bad c")
		wantEqual(t, "counts", q.counts(), "0/0/0")
	})
}

func TestFilteredMessagesAreDeleted(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		q := create(t, env, "orders", nil)
		var got seen
		env.Handle("orders", func(_ context.Context, e events.SQSEvent) error { got.add(e); return nil })
		mapQueue(t, env, lambda.CreateEventSourceMappingInput{FilterCriteria: &types.FilterCriteria{Filters: []types.Filter{
			{Pattern: aws.String(`{"body":{"quantity":[{"numeric":[">",1]}]}}`)},
		}}}, "orders", "orders")
		for n := range 4 {
			q.send(fmt.Sprintf(`{"quantity":%d}`, n))
		}
		synctest.Wait()
		wantEqual(t, "handled", got.sorted(), `{"quantity":2} {"quantity":3}`)
		wantEqual(t, "counts", q.counts(), "0/0/0")
	})
}

func TestDisabledMappingRests(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		q := create(t, env, "orders", nil)
		var got seen
		env.Handle("orders", func(_ context.Context, e events.SQSEvent) error { got.add(e); return nil })
		made := mapQueue(t, env, lambda.CreateEventSourceMappingInput{Enabled: aws.Bool(false)}, "orders", "orders")
		wantEqual(t, "state", *made.State, "Disabled")
		q.send("hello")
		time.Sleep(time.Hour)
		wantEqual(t, "handled while disabled", got.sorted(), "")
		client := lambda.NewFromConfig(env.AWS)
		if _, err := client.UpdateEventSourceMapping(t.Context(), &lambda.UpdateEventSourceMappingInput{UUID: made.UUID, Enabled: aws.Bool(true)}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		wantEqual(t, "handled once enabled", got.sorted(), "hello")
		if _, err := client.DeleteEventSourceMapping(t.Context(), &lambda.DeleteEventSourceMappingInput{UUID: made.UUID}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		q.send("after")
		time.Sleep(time.Minute)
		wantEqual(t, "handled once deleted", got.sorted(), "hello")
		_, err := client.GetEventSourceMapping(t.Context(), &lambda.GetEventSourceMappingInput{UUID: made.UUID})
		wantError(t, "a deleted mapping", err, "ResourceNotFoundException", "The resource you requested does not exist.")
	})
}

func TestInvoke(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		env.Handle("hello", func(ctx context.Context, in struct{ Name string }) (string, error) {
			lc, _ := lambdacontext.FromContext(ctx)
			fmt.Println("greeting", in.Name)
			if in.Name == "" {
				return "", errors.New("nobody to greet")
			}
			return "hello " + in.Name + " from " + lc.InvokedFunctionArn, nil
		})
		client := lambda.NewFromConfig(env.AWS)
		invoke := func(in lambda.InvokeInput) *lambda.InvokeOutput {
			in.FunctionName, in.LogType = aws.String("hello"), types.LogTypeTail
			out, err := client.Invoke(t.Context(), &in)
			if err != nil {
				t.Fatalf("Invoke: %v", err)
			}
			return out
		}
		out := invoke(lambda.InvokeInput{Payload: []byte(`{"Name":"mill"}`)})
		wantEqual(t, "status", out.StatusCode, 200)
		wantEqual(t, "answer", string(out.Payload), `"hello mill from arn:aws:lambda:us-east-1:000000000000:function:hello"`)
		wantEqual(t, "version", *out.ExecutedVersion, "$LATEST")
		wantEqual(t, "function error", aws.ToString(out.FunctionError), "")

		out = invoke(lambda.InvokeInput{Payload: []byte(`{}`)})
		wantEqual(t, "status of a function error", out.StatusCode, 200)
		wantEqual(t, "function error", aws.ToString(out.FunctionError), "Unhandled")
		var failure struct{ ErrorMessage, ErrorType string }
		if err := json.Unmarshal(out.Payload, &failure); err != nil {
			t.Fatalf("error payload %s: %v", out.Payload, err)
		}
		wantEqual(t, "error message", failure.ErrorMessage, "nobody to greet")
		wantEqual(t, "error type", failure.ErrorType, "errorString")

		wantEqual(t, "status of a dry run", invoke(lambda.InvokeInput{InvocationType: types.InvocationTypeDryRun}).StatusCode, 204)

		_, err := client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("nobody")})
		wantError(t, "unknown function", err, "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody")
	})
}

// A function that fails asynchronously is tried again after a minute and then
// two, with the request id of the first time.
func TestAsynchronousRetries(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		var at []time.Duration
		ids := map[string]bool{}
		began := time.Now()
		env.Handle("flaky", func(ctx context.Context) error {
			lc, _ := lambdacontext.FromContext(ctx)
			at, ids[lc.AwsRequestID] = append(at, time.Since(began).Round(time.Second)), true
			return errors.New("no")
		})
		out, err := lambda.NewFromConfig(env.AWS).Invoke(t.Context(), &lambda.InvokeInput{
			FunctionName: aws.String("flaky"), InvocationType: types.InvocationTypeEvent, Payload: []byte(`{}`)})
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "status", out.StatusCode, 202)
		time.Sleep(10 * time.Minute)
		wantEqual(t, "runs at", fmt.Sprint(at), "[0s 1m0s 3m0s]")
		wantEqual(t, "request ids", len(ids), 1)
	})
}

func TestMappingErrors(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		create(t, env, "orders", nil)
		env.Handle("orders", func(context.Context) error { return nil })
		client := lambda.NewFromConfig(env.AWS)
		arn := func(queue string) *string { return aws.String("arn:aws:sqs:us-east-1:000000000000:" + queue) }
		try := func(in lambda.CreateEventSourceMappingInput) error {
			_, err := client.CreateEventSourceMapping(t.Context(), &in)
			return err
		}
		const invalid = "InvalidParameterValueException"
		wantError(t, "unknown function", try(lambda.CreateEventSourceMappingInput{FunctionName: aws.String("nobody"), EventSourceArn: arn("orders")}),
			invalid, "Function does not exist")
		wantError(t, "unknown queue", try(lambda.CreateEventSourceMappingInput{FunctionName: aws.String("orders"), EventSourceArn: arn("missing")}),
			invalid, "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist.")
		wantError(t, "big batches without a window", try(lambda.CreateEventSourceMappingInput{FunctionName: aws.String("orders"), EventSourceArn: arn("orders"), BatchSize: aws.Int32(11)}),
			invalid, "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")
		wantError(t, "bad filter", try(lambda.CreateEventSourceMappingInput{FunctionName: aws.String("orders"), EventSourceArn: arn("orders"),
			FilterCriteria: &types.FilterCriteria{Filters: []types.Filter{{Pattern: aws.String(`{"body":"x"}`)}}}}),
			invalid, "Invalid filter pattern definition.")
		made := mapQueue(t, env, lambda.CreateEventSourceMappingInput{}, "orders", "orders")
		wantError(t, "the same again", try(lambda.CreateEventSourceMappingInput{FunctionName: aws.String("orders"), EventSourceArn: arn("orders")}),
			"ResourceConflictException", `An event source mapping with SQS arn (" arn:aws:sqs:us-east-1:000000000000:orders ") and function (" orders ") already exists. Please update or delete the existing mapping with UUID `+*made.UUID)
	})
}

// Everything is gone after a reset, and the runtime serves on.
func TestReset(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		q := create(t, env, "orders", nil)
		q.send("hello")
		env.Handle("orders", func(context.Context) error { return nil })
		mapQueue(t, env, lambda.CreateEventSourceMappingInput{}, "orders", "orders")
		if err := env.App.Reset(t.Context()); err != nil {
			t.Fatal(err)
		}
		queues, err := q.sdk.ListQueues(t.Context(), &sqs.ListQueuesInput{})
		if err != nil || len(queues.QueueUrls) != 0 {
			t.Errorf("queues after the reset: %v, %v", queues.QueueUrls, err)
		}
		functions, err := lambda.NewFromConfig(env.AWS).ListFunctions(t.Context(), &lambda.ListFunctionsInput{})
		if err != nil || len(functions.Functions) != 0 {
			t.Errorf("functions after the reset: %v, %v", functions, err)
		}
		status, err := env.App.Status(t.Context())
		if err != nil || len(status.Stored) != 11 || slices.ContainsFunc(status.Stored, func(c admin.Count) bool { return c.N != 0 }) {
			t.Errorf("status after the reset: %+v, %v", status.Stored, err)
		}
		again := create(t, env, "orders", nil)
		again.send("again")
		wantEqual(t, "a new queue of the same name", again.bodies(), "again")
	})
}

// What an event says of a message without attributes depends on the mapping's
// batching window, as recorded from AWS.
func TestEventOfAWindow(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		plain, windowed := create(t, env, "plain", nil), create(t, env, "windowed", nil)
		got := make(chan string, 1)
		env.Handle("f", func(_ context.Context, e struct{ Records []map[string]json.RawMessage }) error {
			got <- string(e.Records[0]["md5OfMessageAttributes"])
			return nil
		})
		mapQueue(t, env, lambda.CreateEventSourceMappingInput{}, "plain", "f")
		mapQueue(t, env, lambda.CreateEventSourceMappingInput{MaximumBatchingWindowInSeconds: aws.Int32(1)}, "windowed", "f")
		plain.send("x")
		wantEqual(t, "without a window", <-got, "")
		windowed.send("x")
		wantEqual(t, "with a window", <-got, "null")
	})
}

// A function takes messages of another account's queue as long as the queue's
// policy lets its role, or its account.
func TestQueueOfAnotherAccount(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		theirs := create(t, env, "mine", nil).as(env, stranger)
		out, err := theirs.sdk.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("theirs")})
		if err != nil {
			t.Fatal(err)
		}
		theirs.url = out.QueueUrl
		var got seen
		env.Handle("f", func(_ context.Context, e events.SQSEvent) error { got.add(e); return nil })
		arn := "arn:aws:sqs:us-east-1:" + stranger + ":theirs"
		mapped := func() error {
			_, err := lambda.NewFromConfig(env.AWS).CreateEventSourceMapping(t.Context(), &lambda.CreateEventSourceMappingInput{EventSourceArn: &arn, FunctionName: aws.String("f")})
			return err
		}
		const denied = "The provided execution role does not have permissions to call ReceiveMessage on SQS"
		wantError(t, "without a policy", mapped(), "InvalidParameterValueException", denied)
		policy := func(actions string) string {
			return `{"Statement":[{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":` + actions + `,"Resource":"` + arn + `"}]}`
		}
		theirs.set("Policy", policy(`"sqs:ReceiveMessage"`))
		wantError(t, "with half a policy", mapped(), "InvalidParameterValueException", denied)
		theirs.set("Policy", policy(`["sqs:ReceiveMessage","sqs:DeleteMessage","sqs:GetQueueAttributes"]`))
		theirs.must(mapped())
		theirs.send("a")
		synctest.Wait()
		wantEqual(t, "handled", got.sorted(), "a")

		theirs.set("Policy", "") // a receive that waits already takes one more, which cannot be deleted then
		theirs.send("b")
		synctest.Wait()
		theirs.send("c")
		time.Sleep(time.Hour)
		if s := got.sorted(); strings.Contains(s, "c") {
			t.Errorf("handled %s after the policy went", s)
		}
		theirs.set("Policy", policy(`"sqs:*"`))
		time.Sleep(time.Minute)
		wantEqual(t, "handled at last", got.sorted(), "a b b c")
		wantEqual(t, "left", theirs.counts(), "0/0/0")
	})
}
