package jetqueue

import (
	"errors"
	"testing"

	"millrace/runtime/queue"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/cluster"
	"millrace/runtime/store/record"
)

// A node that stops and does not know a new queue of its own yet redirects callers
// to the next owner: the queue exists, and nothing was begun.
func TestStoppingNodeRedirectsCalls(t *testing.T) {
	ctx := t.Context()
	b := backbone.New(backbone.Config{URL: backbonetest.Listen(t, 0)})
	if err := b.Start(ctx); err != nil {
		t.Fatal(err)
	}
	records := record.New(b.JetStream(), nil)
	if err := records.Start(ctx); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(records.Stop(ctx), b.Stop(ctx)); err != nil {
			t.Error(err)
		}
	}()
	qs := New(b, records, Options{Cluster: cluster.New(b.Conn(), nil)})
	if err := qs.Start(ctx); err != nil {
		t.Fatal(err)
	}
	p := qs.router
	if err := qs.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	made := &call{Method: methodSend, Queue: queue.ID{Account: "000000000000", Region: "us-east-1", Name: "new"}, From: "another"}
	if a := p.serveCall(p.base, made); !errors.Is(a.err, errMoved) {
		t.Errorf("a call to a queue it had not heard of: %v", a.err)
	}
}
