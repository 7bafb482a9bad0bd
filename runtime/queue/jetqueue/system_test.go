package jetqueue_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
	"millrace/runtime/queue/jetqueue"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/record"
)

// These tests run outside of a bubble: on sockets, or with real parallelism.

func TestExternalServer(t *testing.T) {
	b := backbone.New(backbone.Config{URL: backbonetest.Listen(t, 0)})
	if err := b.Start(ctx); err != nil {
		t.Fatal(err)
	}
	defer b.Stop(ctx)
	records := record.New(b.JetStream(), nil)
	if err := records.Start(ctx); err != nil {
		t.Fatal(err)
	}
	defer records.Stop(t.Context())
	for round := range 2 {
		queues := jetqueue.New(b, records, jetqueue.Options{})
		if err := queues.Start(ctx); err != nil {
			t.Fatal(err)
		}
		q, err := queues.Get(id("orders"))
		if errors.Is(err, fault.NotFound) {
			q, err = queues.Create(ctx, id("orders"), queue.Config{Visibility: time.Minute})
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := q.Send(ctx, body(fmt.Sprint(round))); err != nil {
			t.Fatal(err)
		}
		got, err := q.Receive(ctx, ten)
		if err != nil || len(got) != 1 || got[0].Body != fmt.Sprint(round) {
			t.Errorf("received %v, %v", got, err)
		}
		if _, err := q.Send(ctx, body(strings.Repeat("x", 1<<20))); !errors.Is(err, fault.TooLarge) {
			t.Errorf("more than the server's max_payload: %v", err)
		}
		if err := queues.Stop(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// TestManyAtOnce has senders and receivers work in parallel: every message is
// received once and deleted, whoever gets it.
func TestManyAtOnce(t *testing.T) {
	for _, name := range []string{"orders", "orders.fifo"} {
		e := start(t, jetqueue.Options{BodyBudget: 20_000})
		q := e.create(name, nil)
		const senders, each = 8, 200
		var mu sync.Mutex
		seen := map[string]int{}
		done, stop := context.WithCancel(ctx)
		var wg sync.WaitGroup
		for s := range senders {
			wg.Go(func() {
				for i := range each {
					m := queue.Message{Body: fmt.Sprint(s, "-", i), GroupID: fmt.Sprint(s), DedupID: fmt.Sprint(s, "-", i)}
					if _, err := q.Send(ctx, m); err != nil {
						t.Error(err)
					}
				}
			})
			wg.Go(func() {
				for {
					got, err := q.Receive(done, queue.ReceiveRequest{Max: 7, Wait: queue.Forever})
					if err != nil {
						return
					}
					for _, m := range got {
						if err := q.Delete(ctx, m.ReceiptHandle)[0]; err != nil {
							t.Error(err)
						}
						mu.Lock()
						seen[m.Body]++
						if len(seen) == senders*each {
							stop()
						}
						mu.Unlock()
					}
				}
			})
		}
		wg.Wait()
		stop()
		for m, n := range seen {
			if n != 1 {
				t.Errorf("%s: message %s was received %d times", name, m, n)
			}
		}
		e.counts(q, 0, 0, 0)
		e.reopen()
		e.counts(e.get(name), 0, 0, 0)
	}
}

// TestUncleanStop opens a copy of the files of a server that is running:
// what a killed process leaves behind.
func TestUncleanStop(t *testing.T) {
	e := start(t, jetqueue.Options{})
	q := e.create("orders", nil)
	for i := range 100 {
		e.send(q, body(fmt.Sprint(i)))
	}
	for range 3 {
		e.delete(q, e.some(q, one)[0])
	}
	got := e.some(q, ten)
	killed := &env{TB: t, dir: t.TempDir()}
	if err := os.CopyFS(killed.dir, os.DirFS(e.dir)); err != nil {
		t.Fatal(err)
	}
	killed.open()
	defer killed.close()
	q = killed.get("orders")
	killed.counts(q, 87, 10, 0)
	killed.delete(q, got[0])
	killed.counts(q, 87, 9, 0)
	killed.receive(q, one, "13")
}
