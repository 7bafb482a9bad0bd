package lambda_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"millrace/runtime/fault"
	"millrace/runtime/sandbox"
)

func TestInvoke(t *testing.T) {
	w := serve(t)
	w.mustCreate("orders")
	name := aws.String("orders")
	var seen sandbox.Request
	w.runner.answer = func(_ sandbox.Spec, r sandbox.Request) (sandbox.Result, error) {
		seen = r
		return sandbox.Result{Payload: []byte(`"done"`), Log: []byte("START")}, nil
	}
	got, err := w.Invoke(t.Context(), &sdk.InvokeInput{
		FunctionName: name, Payload: []byte(`{"a":1}`), LogType: "Tail", ClientContext: aws.String(base64.StdEncoding.EncodeToString([]byte(`{"c":1}`))),
	})
	must(t, err)
	if got.StatusCode != 200 || string(got.Payload) != `"done"` || aws.ToString(got.ExecutedVersion) != "$LATEST" || got.FunctionError != nil {
		t.Errorf("got %+v", got)
	}
	if tail, _ := base64.StdEncoding.DecodeString(aws.ToString(got.LogResult)); string(tail) != "START" {
		t.Errorf("the log's tail: %q", tail)
	}
	if string(seen.Payload) != `{"a":1}` || seen.ClientContext != `{"c":1}` || seen.ID == "" || seen.InvokedARN != arnOf+"orders" || !strings.HasPrefix(seen.TraceHeader, "Root=1-") {
		t.Errorf("the function saw %+v", seen)
	}

	if _, err = w.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: name, Qualifier: aws.String("$LATEST")}); err != nil {
		t.Fatal(err)
	}
	if string(seen.Payload) != "{}" || seen.InvokedARN != arnOf+"orders:$LATEST" {
		t.Errorf("without a payload the function saw %s for %s", seen.Payload, seen.InvokedARN)
	}
}

func TestAFunctionErrorIsNoErrorOfTheCall(t *testing.T) {
	w := serve(t)
	w.mustCreate("orders")
	w.runner.answer = func(sandbox.Spec, sandbox.Request) (sandbox.Result, error) {
		return sandbox.Result{Payload: []byte(`{"errorMessage":"no"}`), FunctionError: "Unhandled"}, nil
	}
	got, err := w.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("orders")})
	must(t, err)
	if got.StatusCode != 200 || aws.ToString(got.FunctionError) != "Unhandled" || string(got.Payload) != `{"errorMessage":"no"}` || got.LogResult != nil {
		t.Errorf("got %+v", got)
	}
}

func TestEventsAreAcceptedAndKept(t *testing.T) {
	w := serve(t)
	w.mustCreate("orders")
	got, err := w.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("orders"), InvocationType: "Event", Payload: []byte("[1]")})
	must(t, err)
	if got.StatusCode != 202 || len(got.Payload) != 0 || got.ExecutedVersion != nil {
		t.Errorf("got %+v", got)
	}
	if len(w.outbox.events) != 1 || string(w.outbox.events[0].Body) != "[1]" {
		t.Errorf("kept %+v", w.outbox.events)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/2014-11-13/functions/orders/invoke-async/", strings.NewReader("[2]"))
	must(t, err)
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	defer res.Body.Close()
	if res.StatusCode != 202 || len(w.outbox.events) != 2 {
		t.Errorf("InvokeAsync: %s, kept %d", res.Status, len(w.outbox.events))
	}

	got, err = w.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("orders"), InvocationType: "DryRun"})
	must(t, err)
	if got.StatusCode != 204 || len(w.outbox.events) != 2 {
		t.Errorf("a dry run: %+v, kept %d", got, len(w.outbox.events))
	}
}

func TestInvokeRefuses(t *testing.T) {
	w := serve(t)
	w.mustCreate("orders")
	for _, c := range []struct {
		rule       string
		in         sdk.InvokeInput
		status     int
		code, text string
	}{
		{"no such function", sdk.InvokeInput{FunctionName: aws.String("none")},
			404, "ResourceNotFoundException", "Function not found: " + arnOf + "none"},
		{"a payload that is no JSON", sdk.InvokeInput{Payload: []byte(`{"a":`)},
			400, "InvalidRequestContentException", "Could not parse request body into json: Could not parse payload into json: "},
		{"too large a request", sdk.InvokeInput{Payload: make([]byte, 6291457)},
			413, "RequestTooLargeException", "Request must be smaller than 6291456 bytes for the InvokeFunction operation"},
		{"too large an event", sdk.InvokeInput{Payload: make([]byte, 1048577), InvocationType: "Event"},
			413, "RequestTooLargeException", "Request must be smaller than 1048576 bytes for the InvokeFunction operation"},
		{"a type that is not", sdk.InvokeInput{InvocationType: "Later"},
			400, "ValidationException", "1 validation error detected: Value 'Later' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: "},
		{"a client context that is no JSON", sdk.InvokeInput{ClientContext: aws.String("?")},
			400, "InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object."},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if c.in.FunctionName == nil {
				c.in.FunctionName = aws.String("orders")
			}
			_, err := w.Invoke(t.Context(), &c.in)
			wants(t, err, c.status, c.code, c.text)
		})
	}
}

func TestThrottlesSayWhichBoundWasMet(t *testing.T) {
	w := serve(t)
	w.mustCreate("orders")
	name := aws.String("orders")
	w.runner.answer = func(sandbox.Spec, sandbox.Request) (sandbox.Result, error) {
		return sandbox.Result{}, fault.New(fault.Throttled, "full")
	}
	_, err := w.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: name})
	wants(t, err, 429, "TooManyRequestsException", "Rate Exceeded.")
	if !strings.Contains(reason(err), "ConcurrentInvocationLimitExceeded") {
		t.Errorf("reason %q", reason(err))
	}
	_, err = w.PutFunctionConcurrency(t.Context(), &sdk.PutFunctionConcurrencyInput{FunctionName: name, ReservedConcurrentExecutions: aws.Int32(0)})
	must(t, err)
	_, err = w.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: name})
	if reason(err) != "ReservedFunctionConcurrentInvocationLimitExceeded" {
		t.Errorf("reason %q", reason(err))
	}
}

func reason(err error) string {
	var e *types.TooManyRequestsException
	if !errors.As(err, &e) {
		return ""
	}
	return string(e.Reason)
}
