package jetqueue_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
	"millrace/runtime/queue/jetqueue"
)

// While AdmitWrite refuses, a queue that was written to lately is served, and of the
// others all that needs no write.
func TestAdmitWrite(t *testing.T) {
	var none error // may be woken
	var asked []time.Duration
	bubble(t, jetqueue.Options{AdmitWrite: func(rested time.Duration, bytes int) error {
		asked = append(asked, rested)
		if rested < 30*time.Second {
			return nil
		}
		return none
	}}, func(e *env) {
		full, empty := e.create("full", nil), e.create("empty", nil)
		synctest.Wait() // until their first entries are written
		e.send(full, body("a"), body("b"))
		if len(asked) != 3 || asked[2] > time.Second {
			e.Errorf("asked for two new queues and a send, after %v", asked)
		}
		none = fault.New(fault.Unavailable, "no descriptors")
		e.send(full, body("c")) // is awake
		if _, err := e.queues.Create(ctx, id("new"), full.Config()); !errors.Is(err, none) {
			e.Errorf("a new queue: %v", err)
		}

		time.Sleep(31 * time.Second)
		if _, err := full.Send(ctx, body("d")); !errors.Is(err, none) {
			e.Errorf("a send to a queue that rests: %v", err)
		}
		if _, err := full.Receive(ctx, one); !errors.Is(err, none) {
			e.Errorf("a receive from it: %v", err)
		}
		if n, err := full.Counts(ctx); err != nil || n.Visible != 3 {
			e.Errorf("its counts: %+v, %v", n, err)
		}
		if got, err := empty.Receive(ctx, one); err != nil || len(got) != 0 {
			e.Errorf("a receive from an empty queue that rests: %v, %v", got, err)
		}
		leaving, leave := context.WithTimeout(ctx, time.Second)
		defer leave()
		if _, err := empty.Receive(leaving, queue.ReceiveRequest{Max: 1, Wait: 20 * time.Second}); !errors.Is(err, context.DeadlineExceeded) {
			e.Errorf("one that is given up: %v", err)
		}

		none = nil
		e.send(empty, body("not for who has left"))
		if n, err := empty.Counts(ctx); err != nil || n.Visible != 1 {
			e.Errorf("counts after it: %+v, %v", n, err)
		}
	})
}

// A start writes to no log: each would open a file, and there may be more queues
// than files. Nor does JetStream, when there is an entry.
func TestStartWritesNothing(t *testing.T) {
	e := start(t, jetqueue.Options{})
	e.create("unused", nil)
	e.send(e.create("used", nil), body("a"))
	if err := e.queues.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	entries := func() (all []uint64) {
		for s := range e.backbone.JetStream().ListStreams(ctx, jetstream.WithStreamListSubject("millrace.queue.*")).Info() {
			all = append(all, s.State.LastSeq)
			if s.State.LastSeq == 0 {
				t.Error("a log has no entry")
			}
		}
		return all
	}
	before := entries()
	e.reopen()
	if err := e.queues.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	after := entries()
	if len(before) != 2 || len(after) != 2 || before[0] != after[0] || before[1] != after[1] {
		t.Errorf("there were %d entries, and are %d", before, after)
	}
}
