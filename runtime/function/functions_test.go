package function_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"millrace/runtime/delivery"
	"millrace/runtime/fault"
	"millrace/runtime/function"
	"millrace/runtime/lifecycle"
	"millrace/runtime/queue/jetqueue"
	"millrace/runtime/sandbox"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/record"
)

var orders = function.ID{Account: "000000000000", Region: "us-east-1", Name: "orders"}

func ordersFunction() function.Function {
	return function.Function{Account: orders.Account, Region: orders.Region, Name: orders.Name, Role: "arn:aws:iam::000000000000:role/r", Handler: "bootstrap"}
}

// A fakeRunner answers with what a test tells it to, and keeps what it was given.
type fakeRunner struct {
	mu       sync.Mutex // guards the rest
	answer   answer
	requests []sandbox.Request
	retired  []string
}

type answer func(context.Context, sandbox.Spec, sandbox.Request) (sandbox.Result, error)

// does says what happens to events from now on; nil answers with their payload.
func (r *fakeRunner) does(a answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = a
}

func (r *fakeRunner) Invoke(ctx context.Context, spec sandbox.Spec, req sandbox.Request) (sandbox.Result, error) {
	r.mu.Lock()
	r.requests = append(r.requests, req)
	do := r.answer
	r.mu.Unlock()
	if do == nil {
		return sandbox.Result{Payload: req.Payload}, nil
	}
	return do(ctx, spec, req)
}

func (r *fakeRunner) Retire(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.retired = append(r.retired, key)
}

func (r *fakeRunner) Handle(string, lambda.Handler) {}

func (r *fakeRunner) seen() []sandbox.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.requests
}

// A world is what Functions stand on, in a folder that a test may come back to.
type world struct {
	*function.Functions
	backbone *backbone.Backbone
	config   function.Config
	runner   *fakeRunner
	dir      string          // of unpacked code
	parts    lifecycle.Stack // all of it

	// Of those withOutbox only.
	queues    *jetqueue.Queues
	outbox    *delivery.Outbox
	resolvers delivery.Resolvers
}

// An option changes what Functions are opened with.
type option func(testing.TB, *world)

func open(t testing.TB, dir string, opts ...option) *world {
	t.Helper()
	w := &world{runner: &fakeRunner{}, resolvers: delivery.Resolvers{}, dir: filepath.Join(dir, "functions"), backbone: backbonetest.Start(t, filepath.Join(dir, "jetstream"))}
	w.parts.Push("backbone", w.backbone.Stop)
	records := record.New(w.backbone.JetStream(), nil)
	if err := records.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.parts.Push("records", records.Stop)
	w.config = function.Config{Records: records, JetStream: w.backbone.JetStream(), Dir: w.dir, Runner: w.runner}
	for _, o := range opts {
		o(t, w)
	}
	var err error
	if w.Functions, err = function.Open(t.Context(), w.config); err != nil {
		t.Fatal(err)
	}
	for kind, r := range w.Resolvers() {
		w.resolvers[kind] = r
	}
	if w.outbox != nil {
		if err := w.parts.Start(t.Context(), "outbox", w.outbox); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { w.down(t) })
	return w
}

// down stops all but the data; once is enough.
func (w *world) down(t testing.TB) {
	t.Helper()
	if err := w.parts.Down(context.WithoutCancel(t.Context())); err != nil {
		t.Errorf("stopping: %v", err)
	}
}

// zipOf makes a zip file of an executable bootstrap.
func zipOf(t testing.TB, bootstrap string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	h := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	h.SetMode(0o755)
	f, err := z.CreateHeader(h)
	if err == nil {
		_, err = f.Write([]byte(bootstrap))
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (w *world) mustCreate(t testing.TB, f function.Function, bootstrap string) function.Function {
	t.Helper()
	f, err := w.Create(t.Context(), f, zipOf(t, bootstrap))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// bootstrapOf returns the unpacked bootstrap that the next event would run.
func (w *world) bootstrapOf(t *testing.T, id function.ID) string {
	t.Helper()
	var dir string
	w.runner.does(func(_ context.Context, s sandbox.Spec, _ sandbox.Request) (_ sandbox.Result, err error) {
		dir, err = s.Code()
		return sandbox.Result{}, err
	})
	defer w.runner.does(nil)
	if _, err := w.Invoke(t.Context(), id, function.Invocation{}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "bootstrap"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCreateFillsInDefaults(t *testing.T) {
	w := open(t, t.TempDir())
	got := w.mustCreate(t, ordersFunction(), "#!one")
	if got.RevisionID == "" || got.Modified.IsZero() || got.CodeSize == 0 || len(got.CodeSha256) != 44 {
		t.Errorf("incomplete: %+v", got)
	}
	want := ordersFunction()
	want.Runtime, want.Timeout, want.MemorySize, want.EphemeralMB = "provided.al2023", 3, 128, 512
	want.Architectures, want.Tracing = []string{"x86_64"}, "PassThrough"
	want.Logging = function.Logging{Format: "Text", Group: "/aws/lambda/orders"}
	want.RevisionID, want.Modified, want.CodeSize, want.CodeSha256 = got.RevisionID, got.Modified, got.CodeSize, got.CodeSha256
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if _, err := w.Create(t.Context(), ordersFunction(), zipOf(t, "#!two")); !errors.Is(err, fault.Exists) {
		t.Errorf("a second one of the name: got %v, want %v", err, fault.Exists)
	}
}

func TestRestartKeepsFunctionsAndCode(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir)
	before := w.mustCreate(t, ordersFunction(), "#!one")
	w.down(t)
	if err := os.RemoveAll(w.dir); err != nil { // the cache may go at any time
		t.Fatal(err)
	}
	w = open(t, dir)
	after, err := w.Get(orders)
	if err != nil {
		t.Fatal(err)
	}
	before.Modified = after.Modified // differ in the monotonic reading alone
	if d := cmp.Diff(before, after); d != "" {
		t.Errorf("-before +after the restart:\n%s", d)
	}
	if got := w.bootstrapOf(t, orders); got != "#!one" {
		t.Errorf("the code is %q now", got)
	}
}

func TestInvokeHandsOverTheFunction(t *testing.T) {
	w := open(t, t.TempDir())
	f := ordersFunction()
	reserved := 7
	f.Timeout, f.Env, f.Reserved = 9, map[string]string{"A": "b"}, &reserved
	f.Logging = function.Logging{Format: "JSON", Group: "/orders", Application: "WARN"}
	f = w.mustCreate(t, f, "#!one")
	var spec sandbox.Spec
	var req sandbox.Request
	w.runner.does(func(_ context.Context, s sandbox.Spec, r sandbox.Request) (sandbox.Result, error) {
		spec, req = s, r
		return sandbox.Result{Payload: []byte("7")}, nil
	})
	got, err := w.Invoke(t.Context(), orders, function.Invocation{RequestID: "id", Qualifier: "$LATEST", Payload: []byte(`{"a":1}`), ClientContext: "{}", TraceHeader: "Root=1-2-3"})
	if err != nil || string(got.Payload) != "7" {
		t.Fatalf("got %s, %v", got.Payload, err)
	}
	if spec.Key == "" || spec.Code == nil {
		t.Errorf("a spec without a key or code: %+v", spec)
	}
	spec.Key, spec.Code = "", nil
	if d := cmp.Diff(sandbox.Spec{
		ARN: f.ARN(), Name: "orders", Version: "$LATEST", Account: f.Account, Region: f.Region, Runtime: "provided.al2023",
		Handler: "bootstrap", LogGroup: "/orders", LogFormat: "JSON", LogLevel: "WARN", Timeout: 9e9, MemoryMB: 128, Env: f.Env, MaxEnvironments: 7,
	}, spec); d != "" {
		t.Errorf("-want +got spec:\n%s", d)
	}
	if d := cmp.Diff(sandbox.Request{
		ID: "id", Payload: []byte(`{"a":1}`), ClientContext: "{}", TraceHeader: "Root=1-2-3", InvokedARN: f.ARN() + ":$LATEST",
	}, req); d != "" {
		t.Errorf("-want +got request:\n%s", d)
	}
}

func TestInvokeRefuses(t *testing.T) {
	w := open(t, t.TempDir())
	if _, err := w.Invoke(t.Context(), orders, function.Invocation{}); !errors.Is(err, fault.NotFound) {
		t.Errorf("no such function: got %v", err)
	}
	w.mustCreate(t, ordersFunction(), "#!one")
	none := 0
	if _, err := w.Update(t.Context(), orders, func(f *function.Function) error { f.Reserved = &none; return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Invoke(t.Context(), orders, function.Invocation{}); !errors.Is(err, fault.Throttled) {
		t.Errorf("no concurrency: got %v", err)
	}
	if n := len(w.runner.seen()); n != 0 {
		t.Errorf("%d events ran all the same", n)
	}
}

func TestConfigureRunsLaterEventsInNewEnvironments(t *testing.T) {
	w := open(t, t.TempDir())
	first := w.mustCreate(t, ordersFunction(), "#!one")
	longer := func(f *function.Function) error { f.Timeout = 10; return nil }
	second, err := w.Configure(t.Context(), orders, first.RevisionID, longer)
	if err != nil {
		t.Fatal(err)
	}
	if second.Timeout != 10 || second.RevisionID == first.RevisionID {
		t.Errorf("got %+v", second)
	}
	if _, err := w.Configure(t.Context(), orders, first.RevisionID, longer); !errors.Is(err, function.ErrRevision) {
		t.Errorf("a past revision: got %v, want %v", err, function.ErrRevision)
	}
	if len(w.runner.retired) != 1 {
		t.Errorf("retired %q, want the first revision's environments alone", w.runner.retired)
	}
	sentinel := errors.New("no")
	if _, err := w.Configure(t.Context(), orders, "", func(*function.Function) error { return sentinel }); !errors.Is(err, sentinel) {
		t.Errorf("an error of the change: got %v", err)
	}
	if now, _ := w.Get(orders); now.RevisionID != second.RevisionID {
		t.Error("a refused change gave a new revision")
	}
}

func TestUpdateCodeRunsTheNewCode(t *testing.T) {
	w := open(t, t.TempDir())
	first := w.mustCreate(t, ordersFunction(), "#!one")
	second, err := w.UpdateCode(t.Context(), orders, function.CodeUpdate{Zip: zipOf(t, "#!two"), Architectures: []string{"arm64"}})
	if err != nil {
		t.Fatal(err)
	}
	if second.CodeSha256 == first.CodeSha256 || second.RevisionID == first.RevisionID || second.Architectures[0] != "arm64" {
		t.Errorf("got %+v", second)
	}
	if got := w.bootstrapOf(t, orders); got != "#!two" {
		t.Errorf("runs %q", got)
	}
	if _, err := w.UpdateCode(t.Context(), orders, function.CodeUpdate{Zip: zipOf(t, "#!two"), Revision: first.RevisionID}); !errors.Is(err, function.ErrRevision) {
		t.Errorf("a past revision: got %v, want %v", err, function.ErrRevision)
	}
	if _, err := w.CheckCode(orders, function.CodeUpdate{Zip: []byte("?")}); !errors.Is(err, function.ErrInvalidZip) {
		t.Errorf("a dry run of a bad zip: got %v, want %v", err, function.ErrInvalidZip)
	}
}

func TestCodeStaysWhileAnyFunctionHasIt(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir)
	w.mustCreate(t, ordersFunction(), "#!one")
	twin := ordersFunction()
	twin.Name = "twin"
	w.mustCreate(t, twin, "#!one")
	if err := w.Delete(t.Context(), orders); err != nil {
		t.Fatal(err)
	}
	if err := w.Delete(t.Context(), orders); !errors.Is(err, fault.NotFound) {
		t.Errorf("a second delete: got %v, want %v", err, fault.NotFound)
	}
	if err := os.RemoveAll(w.dir); err != nil {
		t.Fatal(err)
	}
	if got := w.bootstrapOf(t, twin.ID()); got != "#!one" {
		t.Errorf("the twin runs %q", got)
	}
	if got := w.Blobs(t); got != 1 {
		t.Errorf("%d zip files are stored for one function", got)
	}
	if err := w.Delete(t.Context(), twin.ID()); err != nil {
		t.Fatal(err)
	}
	if got := w.Blobs(t); got != 0 {
		t.Errorf("%d zip files are stored for no function", got)
	}
}

func TestListIsPerAccountAndRegionByName(t *testing.T) {
	w := open(t, t.TempDir())
	for _, id := range []function.ID{
		{Account: "000000000000", Region: "us-east-1", Name: "b"},
		{Account: "000000000000", Region: "us-east-1", Name: "a"},
		{Account: "000000000000", Region: "eu-west-1", Name: "c"},
		{Account: "111111111111", Region: "us-east-1", Name: "d"},
	} {
		w.mustCreate(t, function.Function{Account: id.Account, Region: id.Region, Name: id.Name}, "#!one")
	}
	var names []string
	for _, f := range w.List("000000000000", "us-east-1") {
		names = append(names, f.Name)
	}
	if d := cmp.Diff([]string{"a", "b"}, names); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if err := w.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(w.List("111111111111", "us-east-1")); n != 0 {
		t.Errorf("a reset left %d functions", n)
	}
}

func TestRegisteredHandlersLiveAsLongAsTheProcess(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir)
	hello := lambda.NewHandler(func() error { return nil })
	if err := w.Register(t.Context(), function.Function{Account: orders.Account, Region: orders.Region, Name: "orders"}, hello); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Invoke(t.Context(), orders, function.Invocation{}); err != nil {
		t.Fatal(err)
	}
	w.down(t)
	w = open(t, dir)
	if _, err := w.Invoke(t.Context(), orders, function.Invocation{}); !errors.Is(err, fault.Unavailable) {
		t.Errorf("without its process: got %v, want %v", err, fault.Unavailable)
	}
	if err := w.Register(t.Context(), ordersFunction(), hello); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Invoke(t.Context(), orders, function.Invocation{}); err != nil {
		t.Errorf("registered again: %v", err)
	}
}
