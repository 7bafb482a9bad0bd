package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	lambda "millrace/services/internal/api/lambda"
	sqs "millrace/services/internal/api/sqs"
	"millrace/services/internal/identity"
	"millrace/services/internal/wire"
)

// queues and functions are services that do as they are told.
type queues struct {
	sqs.Unimplemented
	list func(context.Context) error
}

func (queues) Model() *wire.Service { return sqs.Service }

// Claims and RefuseOperation are a service's own ways with some requests.
func (queues) Claims(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/000000000000/") }

func (queues) RefuseOperation(_ *wire.Request, _ wire.Protocol, name string) *wire.Error {
	if name == "" {
		return &wire.Error{Code: "UnknownOperationException", Status: http.StatusNotFound, Body: "<UnknownOperationException/>"}
	}
	return nil
}

func (q queues) ListQueues(ctx context.Context, _ *sqs.ListQueuesInput) (*sqs.ListQueuesOutput, error) {
	return &sqs.ListQueuesOutput{}, q.list(ctx)
}

type functions struct{ lambda.Unimplemented }

func (functions) Model() *wire.Service { return lambda.Service }

func (functions) RefuseBody(op *wire.Operation, limit int64) *wire.Error {
	return &wire.Error{Code: "RequestTooLargeException", Status: 413, Message: fmt.Sprintf("Request must be smaller than %d bytes for %s", limit, op.Name)}
}

// createLimit is that of CreateFunction's body.
var createLimit = lambda.Service.Operation("CreateFunction").MaxBody

func serve(t *testing.T, r *http.Request, list func(context.Context) error) (*http.Response, string) {
	t.Helper()
	g := New(Config{
		Services: []Service{queues{list: list}, functions{}}, Own: http.NotFoundHandler(),
		Account: "000000000000", Region: "us-east-1", Log: slog.New(slog.DiscardHandler),
	})
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	resp := w.Result()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.Header.Get("X-Amzn-Requestid") == "" {
		t.Error("the answer has no request id")
	}
	return resp, string(body)
}

func newRequest(method, target string, headers map[string]string, body io.Reader) *http.Request {
	r := httptest.NewRequest(method, "http://localhost"+target, body)
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	return r
}

func TestCallerIsToldToTheService(t *testing.T) {
	var got identity.Caller
	resp, body := serve(t, newRequest("POST", "/", map[string]string{
		"X-Amz-Target":  "AmazonSQS.ListQueues",
		"User-Agent":    "a test",
		"Authorization": "AWS4-HMAC-SHA256 Credential=111111111111/20261120/eu-west-1/sqs/aws4_request, SignedHeaders=host, Signature=0",
	}, strings.NewReader("{}")), func(ctx context.Context) error { got = identity.From(ctx); return nil })
	if resp.StatusCode != 200 || body != "{}" {
		t.Fatalf("got %d %s", resp.StatusCode, body)
	}
	if got.Account != "111111111111" || got.Anonymous || got.Remote != "192.0.2.1:1234" || got.UserAgent != "a test" || got.Region != "eu-west-1" || got.Query || got.RequestID != resp.Header.Get("X-Amzn-Requestid") {
		t.Errorf("the service was told %+v", got)
	}
}

// Whatever goes wrong, the answer speaks the request's protocol, and tells the
// cause to nobody outside.
func TestErrorsInEachProtocol(t *testing.T) {
	const (
		json = "application/x-amz-json-1.0"
		form = "application/x-www-form-urlencoded"
	)
	target := map[string]string{"X-Amz-Target": "AmazonSQS.ListQueues", "Content-Type": json}
	for _, c := range []struct {
		rule     string
		request  *http.Request
		err      error // of the operation
		status   int
		typ      string
		contains string
	}{
		{"bad JSON", newRequest("POST", "/", target, strings.NewReader("{")), nil, 400, json, `"__type":"com.amazon.coral.service#SerializationException"`},
		{"wrong type", newRequest("POST", "/", target, strings.NewReader(`{"MaxResults":"x"}`)), nil, 400, json, "STRING_VALUE can not be converted to an Integer"},
		{"unknown operation", newRequest("POST", "/", map[string]string{"X-Amz-Target": "AmazonSQS.Nope"}, strings.NewReader("{}")), nil, 400, json, "UnknownOperationException"},
		{"unknown service", newRequest("POST", "/", map[string]string{"X-Amz-Target": "Nope_1.Nope"}, strings.NewReader("{}")), nil, 404, json, "UnknownOperationException"},
		{"unknown action", newRequest("POST", "/", map[string]string{"Content-Type": form}, strings.NewReader("Action=Nope&Version=2012-11-05")), nil, 400, "text/xml", "<Code>InvalidAction</Code><Message>Could not find operation Nope for version 2012-11-05</Message>"},
		{"bad form", newRequest("POST", "/", map[string]string{"Content-Type": form}, strings.NewReader("Action=%zz")), nil, 400, "text/xml", "The query string contains a syntax error"},
		{"a queue's URL in a browser", newRequest("GET", "/000000000000/q", nil, nil), nil, 404, "", "<UnknownOperationException/>"},
		{"an operation that is not there", newRequest("GET", "/2015-03-31/functions/f", nil, nil), nil, 501, "application/json", "GetFunction is not supported"},
		{"a path that is not there", newRequest("GET", "/2015-03-31/nope", map[string]string{"Authorization": "AWS4-HMAC-SHA256 Credential=AKID/20261120/us-east-1/lambda/aws4_request, Signature=0"}, nil), nil, 404, "application/json", "answers GET /2015-03-31/nope"},
		{"a failure of ours", newRequest("POST", "/", target, strings.NewReader("{}")), errors.New("secret cause"), 500, json, "InternalFailure"},
		{"a body over the limit", newRequest("POST", "/2015-03-31/functions", nil, io.LimitReader(zeros{}, createLimit+1)), nil, 413, "application/json", "Request must be smaller than 70167211 bytes for CreateFunction"},
		{"a form over the limit", newRequest("POST", "/", map[string]string{"Content-Type": form}, io.LimitReader(zeros{}, maxForm+1)), nil, 413, "text/xml", "<Code>RequestEntityTooLarge</Code><Message>Request must be smaller than 16777216 bytes</Message>"},
	} {
		resp, body := serve(t, c.request, func(context.Context) error { return c.err })
		if resp.StatusCode != c.status || c.typ != "" && resp.Header.Get("Content-Type") != c.typ || !strings.Contains(body, c.contains) {
			t.Errorf("%s: got %d %s %s, want %d %s with %s", c.rule, resp.StatusCode, resp.Header.Get("Content-Type"), body, c.status, c.typ, c.contains)
		}
		if strings.Contains(body, "secret cause") {
			t.Errorf("%s: the cause reached the client", c.rule)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// A bug in one operation is answered, and takes nobody else with it.
func TestPanicIsAnInternalFailure(t *testing.T) {
	resp, body := serve(t, newRequest("POST", "/", map[string]string{"X-Amz-Target": "AmazonSQS.ListQueues"}, strings.NewReader("{}")),
		func(context.Context) error { panic("bug") })
	if resp.StatusCode != 500 || !strings.Contains(body, "InternalFailure") || strings.Contains(body, "bug") {
		t.Errorf("got %d %s", resp.StatusCode, body)
	}
}

// A region that cannot be becomes no part of a key or a name: it is refused,
// wherever the request names it and in whatever protocol.
func TestRegionThatCannotBe(t *testing.T) {
	const json, form = "application/x-amz-json-1.0", "application/x-www-form-urlencoded"
	signed := func(region, service string) string {
		return "AWS4-HMAC-SHA256 Credential=AKID/20261120/" + region + "/" + service + "/aws4_request, SignedHeaders=host, Signature=0"
	}
	ask := func(region string) map[string]*http.Request {
		return map[string]*http.Request{
			"awsJson":   newRequest("POST", "/", map[string]string{"X-Amz-Target": "AmazonSQS.ListQueues", "Content-Type": json, "Authorization": signed(region, "sqs")}, strings.NewReader("{}")),
			"awsQuery":  newRequest("POST", "/", map[string]string{"Content-Type": form, "Authorization": signed(region, "sqs")}, strings.NewReader("Action=ListQueues&Version=2012-11-05")),
			"presigned": newRequest("GET", "/?Action=ListQueues&Version=2012-11-05&X-Amz-Credential="+url.QueryEscape("AKID/20261120/"+region+"/sqs/aws4_request"), nil, nil),
			"restJson":  newRequest("GET", "/2015-03-31/functions/f", map[string]string{"Authorization": signed(region, "lambda")}, nil),
		}
	}
	want := map[string][3]string{ // content type, error header, body
		"awsJson":   {json, "SignatureDoesNotMatch;Sender", `{"__type":"com.amazon.coral.service#SignatureDoesNotMatch","message":"Credential should be scoped to a valid region."}`},
		"awsQuery":  {"text/xml", "", "<Type>Sender</Type><Code>SignatureDoesNotMatch</Code><Message>Credential should be scoped to a valid region.</Message>"},
		"presigned": {"text/xml", "", "<Type>Sender</Type><Code>SignatureDoesNotMatch</Code><Message>Credential should be scoped to a valid region.</Message>"},
		"restJson":  {"application/json", "", `{"message":"Credential should be scoped to a valid region."}`},
	}
	for _, region := range []string{"", strings.Repeat("r", 4100), strings.Repeat("r", 33), "US-EAST-1", "a.b", "*", ">", "a b", "é", "..", "a\x00b"} {
		for protocol, r := range ask(region) {
			resp, body := serve(t, r, func(context.Context) error { t.Error("it was served"); return nil })
			w := want[protocol]
			if resp.StatusCode != 403 || resp.Header.Get("Content-Type") != w[0] || resp.Header.Get("X-Amzn-Query-Error") != w[1] || !strings.Contains(body, w[2]) {
				t.Errorf("%.40q in %s: %d %v %s", region, protocol, resp.StatusCode, resp.Header, body)
			}
		}
	}
	for _, region := range []string{"us-east-1", "eusc-de-east-1", "us-isob-east-1", "elasticmq", "local"} {
		for protocol, r := range ask(region) {
			var got string
			resp, body := serve(t, r, func(ctx context.Context) error { got = identity.From(ctx).Region; return nil })
			if protocol != "restJson" && (resp.StatusCode != 200 || got != region) || resp.StatusCode == 403 {
				t.Errorf("%s in %s: %d %s, region %q", region, protocol, resp.StatusCode, body, got)
			}
		}
	}
}

// What old clients and generic signers send: the content says what it is.
func TestRoutingByContent(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	const action = "Action=ListQueues&Version=2012-11-05"
	signed := func(scope string) string {
		return "AWS4-HMAC-SHA256 Credential=AKID/20261120/" + scope + "/aws4_request, SignedHeaders=host, Signature=0"
	}
	for _, c := range []struct {
		rule    string
		request *http.Request
		query   bool
	}{
		{"a form with the target of an old client", newRequest("POST", "/", map[string]string{"Content-Type": form, "X-Amz-Target": "AmazonSQSv20121105.ListQueues",
			"Authorization": signed("us-east-1/sqs")}, strings.NewReader(action)), true},
		{"the same, signed for its host", newRequest("POST", "/", map[string]string{"Content-Type": form + "; charset=utf-8", "X-Amz-Target": "AmazonSQSv20121105.ListQueues",
			"Authorization": signed("us-east-1/localhost")}, strings.NewReader(action)), true},
		{"a form of one who signed for an address", newRequest("POST", "/", map[string]string{"Content-Type": form, "Authorization": signed("0/127")}, strings.NewReader(action)), true},
		{"without a version", newRequest("POST", "/", map[string]string{"Content-Type": form, "Authorization": signed("us-east-1/localhost")}, strings.NewReader("Action=ListQueues")), true},
		{"in the URL", newRequest("GET", "/?"+action, map[string]string{"X-Amz-Target": "AmazonSQSv20121105.ListQueues", "Authorization": signed("us-east-1/localhost")}, nil), true},
		{"JSON of one who signed for the host", newRequest("POST", "/", map[string]string{"X-Amz-Target": "AmazonSQS.ListQueues", "Authorization": signed("us-east-1/localhost")}, strings.NewReader("{}")), false},
		{"JSON with the target of an old client", newRequest("POST", "/", map[string]string{"X-Amz-Target": "AmazonSQSv20121105.ListQueues", "Authorization": signed("us-east-1/sqs")}, strings.NewReader("{}")), false},
		{"JSON by curl -d", newRequest("POST", "/", map[string]string{"Content-Type": form, "X-Amz-Target": "AmazonSQS.ListQueues"}, strings.NewReader(`{"QueueNamePrefix":"50%;"}`)), false},
	} {
		called := false
		resp, body := serve(t, c.request, func(ctx context.Context) error {
			called = true
			if q := identity.From(ctx).Query; q != c.query {
				t.Errorf("%s: in the query protocol %v", c.rule, q)
			}
			return nil
		})
		if resp.StatusCode != 200 || !called {
			t.Errorf("%s: %d %s", c.rule, resp.StatusCode, body)
		}
	}
	resp, _ := serve(t, newRequest("GET", "/2015-03-31/functions/f", map[string]string{"Authorization": signed("us-east-1/localhost")}, nil), nil)
	if resp.StatusCode != 501 {
		t.Errorf("a path of Lambda's, signed for the host: %d", resp.StatusCode)
	}
}

// A host that is not served is refused in a form that the client can read.
func TestForeignHost(t *testing.T) {
	const json, form = "application/x-amz-json-1.0", "application/x-www-form-urlencoded"
	const reason = "Host host.docker.internal is not served here. To serve it, start the runtime with --allow-host host.docker.internal"
	for _, c := range []struct {
		rule        string
		request     *http.Request
		typ, header string
		contains    string
	}{
		{"awsJson", newRequest("POST", "/", map[string]string{"X-Amz-Target": "AmazonSQS.ListQueues", "Content-Type": json}, strings.NewReader("{}")), json, "AccessDenied;Sender",
			`{"__type":"com.amazon.coral.service#AccessDeniedException","message":"` + reason + `"}`},
		{"awsQuery", newRequest("POST", "/", map[string]string{"Content-Type": form}, strings.NewReader("Action=ListQueues&Version=2012-11-05")), "text/xml", "",
			"<Code>AccessDenied</Code><Message>" + reason + "</Message>"},
		{"of a service that is not there", newRequest("POST", "/", map[string]string{"X-Amz-Target": "Nope_1.Nope"}, strings.NewReader("{}")), json, "", reason},
		{"restJson", newRequest("GET", "/2015-03-31/functions/f", nil, nil), "application/json", "", `{"message":"` + reason + `"}`},
	} {
		c.request.Host = "host.docker.internal:4566"
		resp, body := serve(t, c.request, func(context.Context) error { t.Error("it was served"); return nil })
		if resp.StatusCode != 403 || resp.Header.Get("Content-Type") != c.typ || resp.Header.Get("X-Amzn-Query-Error") != c.header || !strings.Contains(body, c.contains) {
			t.Errorf("%s: %d %v %s", c.rule, resp.StatusCode, resp.Header, body)
		}
	}
	for _, path := range []string{"/", "/_runtime/status"} {
		r, w := newRequest("GET", path, nil, nil), httptest.NewRecorder()
		r.Host = "evil.example"
		served(slog.New(slog.DiscardHandler)).ServeHTTP(w, r)
		if body := w.Body.String(); w.Code != 403 || !strings.Contains(body, "--allow-host evil.example\n") {
			t.Errorf("%s in a browser: %d %s", path, w.Code, body)
		}
	}
}
