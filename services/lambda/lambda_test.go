package lambda_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	golambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"millrace/esm"
	"millrace/esm/source"
	"millrace/esm/source/sqs"
	"millrace/esm/target"
	"millrace/runtime/delivery"
	"millrace/runtime/fault"
	"millrace/runtime/function"
	"millrace/runtime/queue"
	"millrace/runtime/sandbox"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/record"
	"millrace/services/gateway"
	"millrace/services/lambda"
	"millrace/test/wholebody"
)

const (
	account = "000000000000"
	region  = "us-east-1"
	role    = "arn:aws:iam::000000000000:role/lambda"
	arnOf   = "arn:aws:lambda:us-east-1:000000000000:function:"
)

// A world is Lambda's face over real records and code, with a client before it
// and functions that do what a test says.
type world struct {
	*sdk.Client
	t         *testing.T
	url       string
	functions *function.Functions
	runner    *fakeRunner
	outbox    *fakeOutbox
	objects   fakeObjects
}

func serve(t *testing.T) *world {
	t.Helper()
	ctx := t.Context()
	dir := t.TempDir()
	b := backbone.New(backbone.Config{Dir: filepath.Join(dir, "jetstream")})
	must(t, b.Start(ctx))
	records := record.New(b.JetStream(), nil)
	must(t, records.Start(ctx))
	w := &world{t: t, runner: &fakeRunner{}, outbox: &fakeOutbox{}, objects: fakeObjects{}}
	var err error
	w.functions, err = function.Open(ctx, function.Config{
		Records: records, JetStream: b.JetStream(), Dir: filepath.Join(dir, "functions"), Runner: w.runner,
		Outbox: w.outbox,
	})
	must(t, err)
	functions := target.Functions{Functions: w.functions}
	mappings := esm.New(esm.Config{
		Records: records, Invoker: functions, Timeout: functions.Timeout, Sources: map[string]source.Kind{"sqs": sqs.Kind(someQueues, nil)},
	})
	must(t, mappings.Start(ctx))

	s := lambda.New(w.functions, mappings, w.objects)
	server := httptest.NewServer(gateway.New(gateway.Config{
		Services: []gateway.Service{s}, Own: s.CodeHandler(), Account: account, Region: region, Log: slog.New(slog.DiscardHandler),
	}))
	w.url = server.URL
	t.Cleanup(func() {
		server.Close()
		ctx := context.WithoutCancel(ctx)
		must(t, errors.Join(mappings.Stop(ctx), records.Stop(ctx), b.Stop(ctx)))
	})
	w.Client = sdk.New(sdk.Options{
		Region: region, BaseEndpoint: &w.url, Credentials: credentials.NewStaticCredentialsProvider(account, "secret", ""),
		Retryer: aws.NopRetryer{}, HTTPClient: wholebody.Client(),
	})
	return w
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A fakeRunner answers with the event, unless told otherwise.
type fakeRunner struct {
	answer func(sandbox.Spec, sandbox.Request) (sandbox.Result, error)
}

func (r *fakeRunner) Invoke(_ context.Context, s sandbox.Spec, req sandbox.Request) (sandbox.Result, error) {
	if r.answer == nil {
		return sandbox.Result{Payload: req.Payload}, nil
	}
	return r.answer(s, req)
}

func (*fakeRunner) Retire(string)                   {}
func (*fakeRunner) Handle(string, golambda.Handler) {}

// A fakeOutbox takes events and delivers none.
type fakeOutbox struct {
	mu     sync.Mutex
	events []delivery.Event
}

func (o *fakeOutbox) Put(_ context.Context, _ string, e delivery.Event, _ delivery.Policy) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.events = append(o.events, e)
	return nil
}

// An emptyQueue gives nothing.
type emptyQueue struct{}

func (emptyQueue) Receive(ctx context.Context, _ queue.ReceiveRequest) ([]queue.ReceivedMessage, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (emptyQueue) Config() queue.Config                                                { return queue.Config{Visibility: 30e9} }
func (emptyQueue) Delete(context.Context, ...string) []error                           { return nil }
func (emptyQueue) ChangeVisibility(context.Context, ...queue.VisibilityChange) []error { return nil }

// someQueues has every queue but those named "gone".
func someQueues(id queue.ID) (sqs.Queue, error) {
	if id.Name == "gone" {
		return nil, fault.New(fault.NotFound, "gone")
	}
	return emptyQueue{}, nil
}

func zipOf(t *testing.T, bootstrap string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	f, err := z.Create("bootstrap")
	must(t, err)
	_, err = f.Write([]byte(bootstrap))
	must(t, errors.Join(err, z.Close()))
	return b.Bytes()
}

func (w *world) input(name string) *sdk.CreateFunctionInput {
	return &sdk.CreateFunctionInput{
		FunctionName: &name, Role: aws.String(role), Handler: aws.String("bootstrap"), Runtime: types.RuntimeProvidedal2023,
		Code: &types.FunctionCode{ZipFile: zipOf(w.t, "#!one")},
	}
}

func (w *world) mustCreate(name string) *sdk.CreateFunctionOutput {
	w.t.Helper()
	out, err := w.CreateFunction(w.t.Context(), w.input(name))
	must(w.t, err)
	return out
}

// zipNamed makes a zip file of files with these names.
func zipNamed(t *testing.T, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range names {
		if _, err := z.Create(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// wants checks the code, the status and the sentence of an error.
func wants(t *testing.T, err error, status int, code, text string) {
	t.Helper()
	var api smithy.APIError
	var response *awshttp.ResponseError
	if !errors.As(err, &api) || !errors.As(err, &response) {
		t.Fatalf("got %v, want %s", err, code)
	}
	if api.ErrorCode() != code || response.HTTPStatusCode() != status || !strings.HasPrefix(api.ErrorMessage(), text) {
		t.Errorf("got  %d %s: %s\nwant %d %s: %s", response.HTTPStatusCode(), api.ErrorCode(), api.ErrorMessage(), status, code, text)
	}
}

func get(t *testing.T, url string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	must(t, err)
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	t.Cleanup(func() { res.Body.Close() })
	return res
}
