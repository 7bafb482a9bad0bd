package brokertest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
)

// logged waits until the log says that the node has started so many times.
func (b *bench) logged(times int) {
	b.Helper()
	var got int
	b.Until(b, "the log", func() bool {
		r, err := b.driver.Log(b.Context(), node, false)
		if err != nil {
			b.Fatalf("reading the log: %v", err)
		}
		text, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil {
			b.Fatalf("reading the log: %v", err)
		}
		got = bytes.Count(text, []byte(b.Engine.Says))
		return got >= times
	})
	if got != times {
		b.Errorf("the log tells of %d starts, want %d", got, times)
	}
}

// A followed log is one that is being read.
type followed struct {
	b    *bench
	over chan error

	mu   sync.Mutex
	text strings.Builder
}

// follow reads the log of the node until that is removed.
func (b *bench) follow() *followed {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	r, err := b.driver.Log(ctx, node, true)
	if err != nil {
		b.Fatalf("following the log: %v", err)
	}
	f := &followed{b: b, over: make(chan error, 1)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, err := io.Copy(f, r)
		f.over <- errors.Join(err, r.Close())
	}()
	b.Cleanup(func() { cancel(); <-done })
	return f
}

// Write implements io.Writer.
func (f *followed) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.text.Write(p)
}

// sees waits until the log has told so many times that the node has started.
func (f *followed) sees(times int) {
	f.b.Helper()
	f.b.Until(f.b, "what is said comes", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		got := strings.Count(f.text.String(), f.b.Engine.Says)
		if got > times {
			f.b.Fatalf("the log tells of %d starts, want %d", got, times)
		}
		return got == times
	})
}

// ends waits until there is nothing more to follow.
func (f *followed) ends() {
	f.b.Helper()
	var err error
	f.b.Until(f.b, "the log ends with the node", func() bool {
		select {
		case err = <-f.over:
			return true
		default:
			return false
		}
	})
	if err != nil {
		f.b.Errorf("following the log: %v", err)
	}
}
