package jetqueue

import (
	"context"
	"errors"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/queue"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/record"
)

// A silent JetStream responds late, as while a cluster elects a stream's leader.
type silent struct {
	jetstream.JetStream
	asked, answer chan struct{} // closed when it is asked, and when it may answer
}

func (s silent) Stream(context.Context, string) (jetstream.Stream, error) {
	close(s.asked)
	<-s.answer
	return nil, errors.New("there is no leader")
}

// A log that does not respond takes no read slot, so that others are read.
func TestUnresponsiveLogTakesNoReadSlot(t *testing.T) {
	b := backbonetest.Start(t, t.TempDir())
	records := record.New(b.JetStream(), nil)
	if err := records.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer records.Stop(t.Context())
	qs := New(b, records, Options{ConcurrentReads: 1})
	if err := qs.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer qs.Stop(context.Background())
	q, err := qs.Create(t.Context(), queue.ID{Account: "000000000000", Region: "us-east-1", Name: "q"}, queue.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := q.Send(t.Context(), queue.Message{Body: "a"}); err != nil {
		t.Fatal(err)
	}

	stuck := owner{Queue: q, log: qs.newLog(q.generation)}
	js := silent{qs.js, make(chan struct{}), make(chan struct{})}
	stuck.log.js = js
	over := make(chan error, 1)
	go func() { over <- stuck.load() }()
	<-js.asked

	other := owner{Queue: q, log: qs.newLog(q.generation)}
	if err := other.load(); err != nil { // would wait for ever behind one that has its turn
		t.Error(err)
	}
	other.machine.Discard()
	other.log.close()
	close(js.answer)
	if err := <-over; err == nil {
		t.Error("a log was read that does not answer")
	}
	stuck.log.close()
}

// A command that comes while its idle queue is closed waits for the next owner; one
// that comes while the queues are closed gets an error.
func TestCommandsDuringClose(t *testing.T) {
	for _, closed := range []error{nil, errClosed} {
		q := &Queue{closed: closed, wake: make(chan struct{}, 1)}
		c := &command{done: make(chan error, 1)}
		q.inbox = []*command{c}
		q.lease = make(chan struct{})
		(&owner{Queue: q, cancel: func() {}}).endLease()
		switch {
		case closed == nil && (len(q.inbox) != 1 || len(c.done) != 0):
			t.Error("it is lost")
		case closed != nil && (len(c.done) != 1 || <-c.done != closed):
			t.Error("it is not told that the queue is closed")
		}
	}
}
