package jetqueue

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/queue"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/record"
)

func alone(t *testing.T, do func(t *testing.T, q *Queue)) {
	synctest.Test(t, func(t *testing.T) {
		b := backbone.New(backbone.Config{Dir: t.TempDir()})
		if err := b.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer b.Stop(context.Background())
		records := record.New(b.JetStream(), nil)
		if err := records.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer records.Stop(t.Context())
		qs := New(b, records, Options{})
		if err := qs.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer qs.Stop(context.Background())
		q, err := qs.Create(t.Context(), queue.ID{Account: "1", Region: "r", Name: "q"}, queue.Config{})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // its owner serves, and rests
		do(t, q)
	})
}

// A command that comes while another caller runs a round is carried out after it, by
// whoever is there.
func TestCommandDuringARound(t *testing.T) {
	alone(t, func(t *testing.T, q *Queue) {
		gate := make(chan struct{})
		answers := make(chan error, 2)
		go func() { answers <- q.do(t.Context(), 0, func(*queue.Machine) { <-gate }) }()
		synctest.Wait()
		go func() { _, err := q.Send(t.Context(), queue.Message{Body: "x"}); answers <- err }()
		synctest.Wait()
		if len(answers) > 0 {
			t.Error("there were two turns at once")
		}
		close(gate)
		for range 2 {
			if err := <-answers; err != nil {
				t.Error(err)
			}
		}
	})
}

// An acknowledgement that comes while a caller runs a round is processed after it.
func TestAckDuringARound(t *testing.T) {
	alone(t, func(t *testing.T, q *Queue) {
		gate := make(chan struct{})
		sent := &command{size: maxRecordBytes, done: make(chan error, 1), do: func(m *queue.Machine) {
			m.Send(queue.NewDraft(&queue.Message{Body: "x"}))
		}}
		next := &command{size: maxBatchBytes, done: make(chan error, 1), do: func(*queue.Machine) { <-gate }} // a turn of its own
		q.enqueue(sent)
		o, _ := q.enqueue(next)
		go o.tryStep()
		synctest.Wait()
		if !o.log.acks.isWaiting() || len(sent.done) > 0 {
			t.Error("the entry was not acknowledged during the turn")
		}
		close(gate)
		for _, c := range []*command{sent, next} {
			if err := <-c.done; err != nil {
				t.Error(err)
			}
		}
	})
}

// A receive that began while the window was full ends in time, although only
// acknowledgements come after it.
func TestReceiveThatBeginsWhileTheWindowIsFull(t *testing.T) {
	alone(t, func(t *testing.T, q *Queue) {
		later := time.Hour
		send := func(m *queue.Machine) { m.Send(queue.NewDraft(&queue.Message{Body: "x", Delay: &later})) }
		w := &queue.Waiter{Token: make(chan error, 1)}
		q.enqueue(&command{size: maxRecordBytes, done: make(chan error, 1), do: send})
		o, _ := q.enqueue(&command{size: maxBatchBytes, done: make(chan error, 1), waiter: w, do: func(m *queue.Machine) {
			send(m)
			m.Receive(w, queue.ReceiveRequest{Max: 1, Wait: time.Second})
		}})
		began := time.Now()
		o.tryStep()
		if err := <-w.Token.(chan error); err != nil || time.Since(began) != time.Second {
			t.Errorf("answered %v after %v", err, time.Since(began))
		}
	})
}
