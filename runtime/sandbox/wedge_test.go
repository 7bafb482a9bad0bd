//go:build unix

package sandbox_test

import (
	"bytes"
	"sync/atomic"
	"testing"

	"millrace/runtime/sandbox"
)

// What a function does to the runtime that runs it must not matter to others.

func TestConnectionsToTheRuntimeAPIAreBounded(t *testing.T) {
	p := newPool(t, sandbox.Config{})
	invoke(t, p, misbehaveSpec(), `{}`)
	before := openFiles(t)
	if r := invoke(t, p, misbehaveSpec(), `{"do":"connect","count":1000}`); r.FunctionError != "" {
		t.Fatalf("got %s", r.Payload)
	}
	if more := openFiles(t) - before; more > 100 {
		t.Errorf("%d more files are open", more)
	}
	if r := invoke(t, p, misbehaveSpec(), `{"do":"answer"}`); r.FunctionError != "" || r.Cold {
		t.Errorf("the next event: %s", r.Payload)
	}
}

func TestLineWithoutEnd(t *testing.T) {
	var longest, total atomic.Int64
	p := newPool(t, sandbox.Config{OnLog: func(l sandbox.Line) {
		if !l.Platform {
			longest.Store(max(longest.Load(), int64(len(l.Text))))
			total.Add(int64(len(l.Text)))
		}
	}})
	r := invoke(t, p, misbehaveSpec(), `{"do":"shout","bytes":20000000}`)
	if r.FunctionError != "" || !bytes.Contains(r.Log, []byte("xxx\nEND")) {
		t.Errorf("got %s, log %.100s", r.Payload, r.Log)
	}
	if longest.Load() > 300<<10 || total.Load() != 20_000_000 {
		t.Errorf("%d bytes in lines of up to %d", total.Load(), longest.Load())
	}
}

func TestFunctionThatClosesItsOutput(t *testing.T) {
	p := newPool(t, sandbox.Config{})
	for _, event := range []string{`{"do":"mute"}`, `{"do":"answer"}`, `{"do":"answer"}`} {
		if r := invoke(t, p, misbehaveSpec(), event); r.FunctionError != "" {
			t.Errorf("%s: got %s", event, r.Payload)
		}
	}
	if r := invoke(t, p, misbehaveSpec(), `{"do":"exit","code":2}`); !bytes.Contains(r.Payload, []byte("exit status 2")) {
		t.Errorf("got %s", r.Payload)
	}
}
