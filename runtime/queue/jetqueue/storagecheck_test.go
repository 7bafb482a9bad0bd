package jetqueue_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
	"millrace/runtime/queue/jetqueue"
)

// Entries that the next start would not find are not acknowledged, and nothing more
// is written until a check passes.
func TestUnverifiedEntriesAreNotAcknowledged(t *testing.T) {
	gone := fault.New(fault.Unavailable, "the folder is gone")
	var broken atomic.Bool
	var asked atomic.Int32
	e := start(t, jetqueue.Options{VerifyStored: func() error {
		asked.Add(1)
		if broken.Load() {
			return gone
		}
		return nil
	}})
	q := e.create("jobs", nil)
	e.send(q, queue.Message{Body: "before"})
	if asked.Load() == 0 {
		t.Error("an entry was acknowledged unasked")
	}

	broken.Store(true)
	if _, err := q.Send(ctx, queue.Message{Body: "in between"}); !errors.Is(err, gone) {
		t.Errorf("the send under way: %v", err)
	}
	counts := func() int {
		t.Helper()
		c, err := q.Counts(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return c.Visible
	}
	before := counts()
	for range 3 {
		if _, err := q.Send(ctx, queue.Message{Body: "after"}); !errors.Is(err, gone) {
			t.Errorf("a later send: %v", err)
		}
	}
	if _, err := q.Receive(ctx, queue.ReceiveRequest{Max: 1}); !errors.Is(err, gone) {
		t.Errorf("a receive: %v", err)
	}
	if after := counts(); after != before {
		t.Errorf("%d messages, and then %d: something was written", before, after)
	}

	broken.Store(false)
	e.send(q, queue.Message{Body: "again"})
	if n := counts(); n != before+1 {
		t.Errorf("%d messages, want %d", n, before+1)
	}
}
