package function_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"

	"millrace/runtime/function"
	"millrace/runtime/sandbox"
	"millrace/runtime/sandbox/gobuild"
	"millrace/test/needs"
)

// withPool runs events for real.
func withPool(t testing.TB, w *world) {
	pool := sandbox.New(sandbox.Config{})
	w.config.Runner = pool
	if err := w.parts.Start(t.Context(), "pool", pool); err != nil {
		t.Fatal(err)
	}
}

func TestDeployedZipRuns(t *testing.T) {
	needs.Time(t)
	bootstrap := filepath.Join(t.TempDir(), "bootstrap")
	if err := gobuild.Build(t.Context(), "../../functions/hello", bootstrap); err != nil {
		t.Fatal(err)
	}
	zip, err := gobuild.Zip(bootstrap)
	if err != nil {
		t.Fatal(err)
	}
	w := open(t, t.TempDir(), withPool)
	f, err := w.Create(t.Context(), ordersFunction(), zip)
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.Invoke(t.Context(), orders, function.Invocation{Payload: []byte(`{"name":"Ada"}`)})
	if err != nil || got.FunctionError != "" || !strings.Contains(string(got.Payload), "Ada") {
		t.Fatalf("got %s (%s), %v", got.Payload, got.FunctionError, err)
	}

	// A zip takes the place of a handler, and the other way round.
	here := lambda.NewHandler(func() (string, error) { return "here", nil })
	if err := w.Register(t.Context(), f, here); err != nil {
		t.Fatal(err)
	}
	if got, err := w.Invoke(t.Context(), orders, function.Invocation{Payload: []byte(`{}`)}); err != nil || string(got.Payload) != `"here"` {
		t.Fatalf("registered: got %s, %v", got.Payload, err)
	}
	if _, err := w.UpdateCode(t.Context(), orders, function.CodeUpdate{Zip: zip}); err != nil {
		t.Fatal(err)
	}
	if got, err := w.Invoke(t.Context(), orders, function.Invocation{Payload: []byte(`{"name":"Eve"}`)}); err != nil || !strings.Contains(string(got.Payload), "Eve") {
		t.Fatalf("deployed again: got %s (%s), %v", got.Payload, got.FunctionError, err)
	}
}
