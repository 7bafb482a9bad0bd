package jetqueue_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/backbone"
	"millrace/runtime/backbone/backbonetest"
	"millrace/runtime/fault"
	"millrace/runtime/queue"
	"millrace/runtime/queue/jetqueue"
	"millrace/runtime/record"
)

func TestMain(m *testing.M) { os.Exit(backbonetest.Main(m)) }

// An env is queues on an embedded backbone, which can be stopped and started.
type env struct {
	testing.TB
	dir      string
	options  jetqueue.Options
	backbone *backbone.Backbone
	records  *record.Store
	queues   *jetqueue.Queues
}

func start(tb testing.TB, o jetqueue.Options) *env {
	tb.Helper()
	e := &env{TB: tb, dir: tb.TempDir(), options: o}
	e.open()
	tb.Cleanup(e.close)
	return e
}

func (e *env) open() {
	e.Helper()
	ctx := context.Background()
	var err error
	if e.backbone, err = backbone.Start(ctx, backbone.Config{Dir: e.dir}); err != nil {
		e.Fatal(err)
	}
	if e.records, err = record.Open(ctx, e.backbone.JetStream()); err != nil {
		e.Fatal(err)
	}
	if e.queues, err = jetqueue.Open(ctx, e.backbone, e.records, e.options); err != nil {
		e.Fatal(err)
	}
}

func (e *env) close() {
	ctx := context.Background()
	if err := errors.Join(e.queues.Close(ctx), e.records.Close(), e.backbone.Stop(ctx)); err != nil {
		e.Errorf("closing: %v", err)
	}
}

func (e *env) reopen() {
	e.Helper()
	e.close()
	e.open()
}

func id(name string) queue.ID {
	return queue.ID{Account: "000000000000", Region: "us-east-1", Name: name}
}

var defaults = queue.Config{Visibility: 30 * time.Second, Retention: 4 * 24 * time.Hour, MaxBytes: 1 << 20}


func (e *env) create(name string, change func(*queue.Config)) *jetqueue.Queue {
	e.Helper()
	c := defaults
	if change != nil {
		change(&c)
	}
	q, err := e.queues.Create(context.Background(), id(name), c)
	if err != nil {
		e.Fatal(err)
	}
	return q
}

func TestSmoke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := start(t, jetqueue.Options{})
		ctx := context.Background()
		q, err := e.queues.Create(ctx, id("orders"), defaults)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if _, err := q.Send(ctx, queue.Message{Body: fmt.Sprint("m", i)}); err != nil {
				t.Fatal(err)
			}
		}
		got, err := q.Receive(ctx, queue.ReceiveRequest{Max: 2})
		if err != nil || len(got) != 2 || got[0].Body != "m0" {
			t.Fatalf("%v %v", got, err)
		}
		fmt.Println(q.Counts(ctx))
		e.reopen()
		q, _ = e.queues.Get(id("orders"))
		fmt.Println(q.Counts(ctx))
		fmt.Println(q.Delete(ctx, got[0].ReceiptHandle, "abc"))
		start := time.Now()
		got, err = q.Receive(ctx, queue.ReceiveRequest{Max: 2, Wait: 20 * time.Second})
		fmt.Println(got, err, time.Since(start))
		got, err = q.Receive(ctx, queue.ReceiveRequest{Max: 2, Wait: 20 * time.Second})
		fmt.Println(got, err, time.Since(start))
		got, err = q.Receive(ctx, queue.ReceiveRequest{Max: 2, Wait: 20 * time.Second})
		fmt.Println(got, err, time.Since(start))
		_ = fault.NotFound
	})
}
