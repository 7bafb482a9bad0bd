package jetqueue_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/capacity"
	"millrace/runtime/fault"
	"millrace/runtime/queue"
	"millrace/runtime/queue/jetqueue"
)

// The store fails and is reopened several times under load. Acknowledged messages
// are there once, no caller waits for ever, and receives that wait are answered.
func TestStoreReopensUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := start(t, jetqueue.Options{})
		q := e.create("q", nil)
		idle := e.create("idle", nil)
		waiting := make(chan error, 1)
		go func() {
			_, err := idle.Receive(ctx, queue.ReceiveRequest{Max: 1, Wait: time.Hour})
			waiting <- err
		}()
		began := time.Now()
		var mu sync.Mutex
		owed := map[string]bool{}
		var senders sync.WaitGroup
		for i := range 4 {
			senders.Go(func() {
				for n := range 300 {
					body := fmt.Sprint(i, "-", n)
					_, err := q.Send(ctx, queue.Message{Body: body})
					if err == nil {
						mu.Lock()
						owed[body] = true
						mu.Unlock()
						continue
					}
					if _, told := fault.Told(err); !told {
						t.Errorf("a send failed with %v", err)
					}
					time.Sleep(time.Millisecond)
				}
			})
		}
		for range 3 {
			time.Sleep(20 * time.Millisecond)
			e.backbone.Report(errors.New("a write failed"))
		}
		senders.Wait()
		if _, told := fault.Told(<-waiting); !told {
			t.Error("a receive waited on")
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("all of it took %v", took)
		}
		time.Sleep(2 * time.Second)
		if len(owed) == 0 {
			t.Fatal("nothing was acknowledged")
		}
		seen := map[string]bool{}
		for {
			got, err := q.Receive(ctx, queue.ReceiveRequest{Max: 10})
			if err != nil {
				t.Fatal(err)
			}
			if len(got) == 0 {
				break
			}
			for _, m := range got {
				if seen[m.Body] {
					t.Errorf("%s is there twice", m.Body)
				}
				seen[m.Body] = true
				delete(owed, m.Body)
			}
		}
		if len(owed) > 0 {
			t.Errorf("%d acknowledged messages are lost", len(owed))
		}
		if _, err := idle.Send(ctx, queue.Message{Body: "m"}); err != nil {
			t.Error(err)
		}
	})
}

// A gate that can be shut.
type shut struct {
	mu  sync.Mutex
	err error
}

func (s *shut) Admit(int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *shut) set(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// When the store is full, logs are trimmed that would be kept otherwise, also those
// of queues without callers.
func TestFullStoreTrimsLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var gate shut
		e := start(t, jetqueue.Options{Gate: capacity.Gate{&gate}})
		q, idle := e.create("q", nil), e.create("idle", nil)
		fill := func(q *jetqueue.Queue) {
			for range 30 {
				e.send(q, queue.Message{Body: string(make([]byte, 100_000))})
			}
		}
		drain := func(q *jetqueue.Queue) {
			t.Helper()
			for n := 0; n < 30; {
				got, err := q.Receive(ctx, queue.ReceiveRequest{Max: 10, Visibility: new(time.Hour)})
				if err != nil || len(got) == 0 {
					t.Fatal(len(got), err)
				}
				for _, m := range got {
					if err := errors.Join(q.Delete(ctx, m.ReceiptHandle)...); err != nil {
						t.Fatal(err)
					}
				}
				n += len(got)
			}
			time.Sleep(time.Second)
		}
		fill(idle)
		drain(idle)
		fill(q)
		before := e.backbone.Stored()
		if before < 6_000_000 {
			t.Fatalf("%d bytes are stored, want those of both queues", before)
		}
		full := fault.State(nil, "full")
		gate.set(full)
		if _, err := q.Send(ctx, queue.Message{Body: "m"}); !errors.Is(err, fault.Unavailable) {
			t.Fatalf("the send says %v", err)
		}
		if _, err := e.queues.Create(ctx, id("another"), queue.Config{}); !errors.Is(err, fault.Unavailable) {
			t.Errorf("a new queue says %v", err)
		}
		time.Sleep(time.Second)
		if after := e.backbone.Stored(); after > before-2_500_000 {
			t.Errorf("%d bytes are stored, before it was tight %d: the idle queue gave nothing back", after, before)
		}
		drain(q)
		if after := e.backbone.Stored(); after > 500_000 {
			t.Errorf("%d bytes are stored in two queues without a message", after)
		}
		gate.set(nil)
		e.send(q, queue.Message{Body: "m"})
		e.reopen()
		e.receive(e.get("q"), queue.ReceiveRequest{Max: 10}, "m")
	})
}
