package target_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"millrace/esm"
	"millrace/esm/target"
	"millrace/runtime/fault"
	"millrace/runtime/function"
	"millrace/runtime/sandbox"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/record"
)

// An echo answers with the event.
type echo struct{}

func (echo) Invoke(_ context.Context, _ sandbox.Spec, req sandbox.Request) (sandbox.Result, error) {
	return sandbox.Result{Payload: req.Payload}, nil
}
func (echo) Retire(string)                 {}
func (echo) Handle(string, lambda.Handler) {}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestBatchesRunInFunctions(t *testing.T) {
	ctx, dir := context.WithoutCancel(t.Context()), t.TempDir()
	b := backbone.New(backbone.Config{Dir: filepath.Join(dir, "jetstream")})
	must(t, b.Start(ctx))
	records := record.New(b.JetStream(), nil)
	must(t, records.Start(ctx))
	functions, err := function.Open(ctx, function.Config{
		Records: records, JetStream: b.JetStream(), Dir: filepath.Join(dir, "functions"), Runner: echo{},
	})
	must(t, err)
	t.Cleanup(func() { must(t, errors.Join(records.Stop(context.Background()), b.Stop(ctx))) })
	must(t, functions.Register(ctx, function.Function{Account: "000000000000", Region: "us-east-1", Name: "orders", Timeout: 3}, nil))

	const orders = "arn:aws:lambda:us-east-1:000000000000:function:orders"
	f := target.Functions{Functions: functions}
	got, err := f.InvokeBatch(ctx, orders, []byte(`{"Records":[]}`))
	must(t, err)
	if d := cmp.Diff(esm.Outcome{Payload: []byte(`{"Records":[]}`)}, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if _, err := f.InvokeBatch(ctx, orders+":1", nil); fault.Of(err) != fault.NotFound {
		t.Errorf("a version that is not: %v", err)
	}
	if timeout, ok := f.Timeout(orders + ":$LATEST"); !ok || timeout != 3e9 {
		t.Errorf("timeout %v, %v", timeout, ok)
	}
	if _, ok := f.Timeout("arn:aws:lambda:us-east-1:000000000000:function:none"); ok {
		t.Error("a function that is not has a timeout")
	}
}
