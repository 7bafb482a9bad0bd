package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	handler "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"millrace/cmd/runtime/app"
	"millrace/runtime/function"
	"millrace/test/testenv"
)

const (
	queueARNs    = "arn:aws:sqs:us-east-1:000000000000:"
	functionARNs = "arn:aws:lambda:us-east-1:000000000000:function:"
)

// An async is a function of one test that is invoked asynchronously.
type async struct {
	t    *testing.T
	sdk  *lambda.Client
	name string
	runs *runs
}

// runs records when events ran.
type runs struct {
	start time.Time
	mu    sync.Mutex
	at    []time.Duration
}

func (r *runs) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprint(r.at)
}

// deployAsync deploys a Go handler with the role "worker".
func deployAsync(t *testing.T, env *testenv.Env, name string, answer func(payload json.RawMessage) (any, error)) async {
	t.Helper()
	r := &runs{start: time.Now()}
	h := func(_ context.Context, payload json.RawMessage) (any, error) {
		r.mu.Lock()
		r.at = append(r.at, time.Since(r.start).Truncate(time.Second))
		r.mu.Unlock()
		return answer(payload)
	}
	f := function.Function{Name: name, Role: "arn:aws:iam::000000000000:role/worker"}
	if err := env.App.Register(t.Context(), f, handler.NewHandler(h)); err != nil {
		t.Fatal(err)
	}
	return async{t, lambda.NewFromConfig(env.AWS), name, r}
}

// invoke sends an event and returns its request id.
func (a async) invoke(payload string) string {
	a.t.Helper()
	out, err := a.sdk.Invoke(a.t.Context(), &lambda.InvokeInput{FunctionName: &a.name, InvocationType: types.InvocationTypeEvent, Payload: []byte(payload)})
	if err != nil {
		a.t.Fatalf("Invoke: %v", err)
	}
	wantEqual(a.t, "status", out.StatusCode, 202)
	id, _ := middleware.GetRequestIDMetadata(out.ResultMetadata)
	return id
}

// destinations sets the ARNs that records go to, "" for none.
func (a async) destinations(success, failure string) {
	a.t.Helper()
	d := &types.DestinationConfig{}
	if success != "" {
		d.OnSuccess = &types.OnSuccess{Destination: &success}
	}
	if failure != "" {
		d.OnFailure = &types.OnFailure{Destination: &failure}
	}
	_, err := a.sdk.PutFunctionEventInvokeConfig(a.t.Context(), &lambda.PutFunctionEventInvokeConfigInput{FunctionName: &a.name, DestinationConfig: d})
	if err != nil {
		a.t.Fatalf("PutFunctionEventInvokeConfig: %v", err)
	}
}

func (a async) deadLetters(queue string) {
	a.t.Helper()
	_, err := a.sdk.UpdateFunctionConfiguration(a.t.Context(), &lambda.UpdateFunctionConfigurationInput{
		FunctionName: &a.name, DeadLetterConfig: &types.DeadLetterConfig{TargetArn: aws.String(queueARNs + queue)},
	})
	if err != nil {
		a.t.Fatalf("UpdateFunctionConfiguration: %v", err)
	}
}

// wantRecord compares a record with its JSON, in which ID and TIME stand for what
// differs from one to the next.
func wantRecord(t *testing.T, what, got, id, want string) {
	t.Helper()
	var r struct{ Timestamp time.Time }
	if err := json.Unmarshal([]byte(got), &r); err != nil {
		t.Errorf("%s: %q: %v", what, got, err)
		return
	}
	if age := time.Since(r.Timestamp); age < 0 || age > time.Hour {
		t.Errorf("%s: timestamp %v is %v ago", what, r.Timestamp, age)
	}
	want = strings.NewReplacer("ID", id, "TIME", r.Timestamp.Format("2006-01-02T15:04:05.000Z")).Replace(want)
	wantEqual(t, what, got, want)
}

// After two retries, the dead-letter queue gets the event and the destination gets a
// record of the failure.
func TestAsyncFailure(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		dead, failed := create(t, env, "dead", nil), create(t, env, "failed", nil)
		f := deployAsync(t, env, "orders", func(json.RawMessage) (any, error) { return nil, errors.New("no stock") })
		f.deadLetters("dead")
		f.destinations("", queueARNs+"failed")
		id := f.invoke(`{"a":"<b>"}`)

		time.Sleep(2 * time.Minute) // the event waits for its last attempt
		queues, err := dead.sdk.ListQueues(t.Context(), &sqs.ListQueuesInput{})
		if err != nil || len(queues.QueueUrls) != 2 {
			t.Errorf("ListQueues shows %v, %v; want only the test's own queues", queues, err)
		}
		wantEqual(t, "dead letters before the last attempt", dead.counts()+" "+failed.counts(), "0/0/0 0/0/0")
		time.Sleep(2 * time.Minute)
		wantEqual(t, "attempts", f.runs.String(), "[0s 1m0s 3m0s]")

		letters := dead.receive(10, 0)
		if len(letters) != 1 {
			t.Fatalf("%d dead letters, want 1", len(letters))
		}
		wantEqual(t, "dead letter", *letters[0].Body, `{"a":"<b>"}`)
		wantEqual(t, "number of attributes", len(letters[0].MessageAttributes), 3)
		for name, want := range map[string]string{"ErrorCode": "Number 200", "ErrorMessage": "String no stock", "RequestID": "String " + id} {
			a := letters[0].MessageAttributes[name]
			wantEqual(t, name, aws.ToString(a.DataType)+" "+aws.ToString(a.StringValue), want)
		}
		wantRecord(t, "failure record", failed.bodies(), id, `{"version":"1.0","timestamp":"TIME",`+
			`"requestContext":{"requestId":"ID","functionArn":"`+functionARNs+`orders:$LATEST","condition":"RetriesExhausted","approximateInvokeCount":3},`+
			`"requestPayload":{"a":"<b>"},"responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},`+
			`"responsePayload":{"errorMessage":"no stock","errorType":"errorString"}}`)
	})
}

// A record of a success goes to a queue or to a function.
func TestAsyncSuccess(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		done, dead := create(t, env, "done", nil), create(t, env, "dead", nil)
		records := make(chan string, 1)
		deployAsync(t, env, "audit", func(record json.RawMessage) (any, error) { records <- string(record); return nil, nil })
		f := deployAsync(t, env, "orders", func(json.RawMessage) (any, error) { return "shipped", nil })
		f.deadLetters("dead")
		const record = `{"version":"1.0","timestamp":"TIME",` +
			`"requestContext":{"requestId":"ID","functionArn":"` + functionARNs + `orders:$LATEST","condition":"Success","approximateInvokeCount":1},` +
			`"requestPayload":{"a":1},"responseContext":{"statusCode":200,"executedVersion":"$LATEST"},"responsePayload":"shipped"}`

		f.destinations(queueARNs+"done", queueARNs+"dead")
		id := f.invoke(`{"a":1}`)
		synctest.Wait()
		wantRecord(t, "record in the queue", done.bodies(), id, record)

		f.destinations(functionARNs+"audit", "")
		id = f.invoke(`{"a":1}`)
		wantRecord(t, "record in the function", <-records, id, record)

		time.Sleep(time.Hour)
		wantEqual(t, "attempts of two events", f.runs.String(), "[0s 0s]")
		wantEqual(t, "dead letters and failure records", dead.counts(), "0/0/0")
	})
}

// A queue of another account takes a record only if its policy allows the function's
// role. Else the record is dropped, and the log says why.
func TestAsyncDestinationOfAnotherAccount(t *testing.T) {
	var log lockedBuffer
	withLog := func(c *app.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) }
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		theirs := env.AWS.Copy()
		theirs.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: stranger, SecretAccessKey: "secret"}, nil
		})
		q := create(t, &testenv.Env{AWS: theirs}, "done", nil)
		f := deployAsync(t, env, "orders", func(json.RawMessage) (any, error) { return nil, nil })
		const arn = "arn:aws:sqs:us-east-1:" + stranger + ":done"
		f.destinations(arn, "")

		f.invoke(`"dropped"`)
		time.Sleep(time.Hour)
		wantEqual(t, "records without a policy", q.counts(), "0/0/0")
		const role = "arn:aws:iam::000000000000:role/worker"
		for _, part := range []string{"an event was not delivered", "to=" + arn, "assumed-role/worker/orders may not perform sqs:SendMessage"} {
			if !strings.Contains(log.String(), part) {
				t.Errorf("the log does not say %q:\n%s", part, log.String())
			}
		}

		q.set("Policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"`+role+`"},"Action":"sqs:SendMessage","Resource":"`+arn+`"}]}`)
		id := f.invoke(`"taken"`)
		synctest.Wait()
		wantRecord(t, "record with a policy", q.bodies(), id, `{"version":"1.0","timestamp":"TIME",`+
			`"requestContext":{"requestId":"ID","functionArn":"`+functionARNs+`orders:$LATEST","condition":"Success","approximateInvokeCount":1},`+
			`"requestPayload":"taken","responseContext":{"statusCode":200,"executedVersion":"$LATEST"},"responsePayload":null}`)
	}, withLog)
}

// A lockedBuffer is a log that a test may read while the runtime writes it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestEventInvokeConfig(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		f := deployAsync(t, env, "orders", func(json.RawMessage) (any, error) { return nil, errors.New("no") })
		get := func() (*lambda.GetFunctionEventInvokeConfigOutput, error) {
			return f.sdk.GetFunctionEventInvokeConfig(t.Context(), &lambda.GetFunctionEventInvokeConfigInput{FunctionName: &f.name})
		}
		_, err := get()
		const none = "The function " + functionARNs + "orders:$LATEST doesn't have an EventInvokeConfig"
		wantError(t, "none", err, "ResourceNotFoundException", none)

		f.destinations(queueARNs+"done", "")
		_, err = f.sdk.UpdateFunctionEventInvokeConfig(t.Context(), &lambda.UpdateFunctionEventInvokeConfigInput{
			FunctionName: &f.name, MaximumRetryAttempts: aws.Int32(1), MaximumEventAgeInSeconds: aws.Int32(3600)})
		if err != nil {
			t.Fatal(err)
		}
		got, err := get()
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "FunctionArn", *got.FunctionArn, functionARNs+"orders:$LATEST")
		wantEqual(t, "MaximumRetryAttempts", *got.MaximumRetryAttempts, 1)
		wantEqual(t, "MaximumEventAgeInSeconds", *got.MaximumEventAgeInSeconds, 3600)
		wantEqual(t, "OnSuccess", *got.DestinationConfig.OnSuccess.Destination, queueARNs+"done")
		if !got.LastModified.Equal(time.Now().Truncate(time.Millisecond)) {
			t.Errorf("LastModified is %v, and it is %v", got.LastModified, time.Now())
		}
		f.invoke("{}")
		time.Sleep(time.Hour)
		wantEqual(t, "attempts", f.runs.String(), "[0s 1m0s]")

		_, err = f.sdk.DeleteFunctionEventInvokeConfig(t.Context(), &lambda.DeleteFunctionEventInvokeConfigInput{FunctionName: &f.name})
		if err != nil {
			t.Fatal(err)
		}
		_, err = get()
		wantError(t, "deleted", err, "ResourceNotFoundException", none)
	})
}

// A reset removes events that wait for another attempt, and later events are run.
func TestResetRemovesAsyncEvents(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		fails := func(json.RawMessage) (any, error) { return nil, errors.New("no") }
		f := deployAsync(t, env, "orders", fails)
		f.deadLetters("dead")
		f.destinations("", queueARNs+"dead")
		f.invoke("{}")
		time.Sleep(time.Second)
		if err := env.App.Reset(t.Context()); err != nil {
			t.Fatal(err)
		}
		dead := create(t, env, "dead", nil)
		again := deployAsync(t, env, "orders", fails)
		time.Sleep(time.Hour)
		wantEqual(t, "attempts before and after the reset", f.runs.String()+again.runs.String(), "[0s][]")
		wantEqual(t, "dead letters", dead.counts(), "0/0/0")

		again.invoke("{}")
		time.Sleep(time.Hour)
		wantEqual(t, "attempts of a new event", again.runs.String(), "[1h0m0s 1h1m0s 1h3m0s]")
		wantEqual(t, "dead letters of the new function", dead.counts(), "0/0/0")
	})
}
