package fifo_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
	"millrace/runtime/lifecycle/lifecycletest"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/cluster"
	"millrace/runtime/store/record"
	"millrace/runtime/topic/fifo"
)

// Logs keep the contract of a part: a single runtime's, and those of a cluster.
func TestStartStop(t *testing.T) {
	b := backbonetest.Start(t, t.TempDir())
	records := record.New(b.JetStream(), nil)
	if err := records.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { records.Stop(context.Background()) })
	first := fifo.New(fifo.Config{Backbone: b, Records: records})
	if err := first.Start(ctx); err != nil {
		t.Fatal(err)
	}
	publish(t, first, "1", "2")
	if err := first.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Publish(ctx, topic, fifo.Entry{DedupKey: "3"}); !errors.Is(err, fault.Unavailable) {
		t.Errorf("publishing after the stop: %v", err)
	}
	t.Run("alone", func(t *testing.T) {
		lifecycletest.Stress(t, func() lifecycle.Part { return &following{Logs: fifo.New(fifo.Config{Backbone: b, Records: records})} })
	})
	t.Run("on a cluster", func(t *testing.T) {
		others := cluster.New(b.Conn(), nil)
		if err := others.Start(ctx); err != nil {
			t.Fatal(err)
		}
		defer others.Stop(ctx)
		lifecycletest.Stress(t, func() lifecycle.Part {
			return &following{Logs: fifo.New(fifo.Config{Backbone: b, Records: records, Cluster: others})}
		})
	})
}

// A following is logs with a reader that never succeeds.
type following struct{ *fifo.Logs }

func (f *following) Start(ctx context.Context) error {
	if err := f.Logs.Start(ctx); err != nil {
		return err
	}
	f.Follow(ctx, fifo.Reader{Log: topic, ID: "a", From: time.Unix(0, 0), Deliver: func(context.Context, []fifo.Item) (int, error) {
		return 0, errors.New("no")
	}})
	return nil
}

// A Stop that cannot wait cuts a delivery off; so does forgetting its reader.
func TestDeliveryIsCutOff(t *testing.T) {
	bubble(t, func(e *env) {
		hangs := func(ctx context.Context, items []fifo.Item) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		}
		for _, id := range []string{"a", "b"} {
			if err := e.logs.Follow(ctx, fifo.Reader{Log: topic, ID: id, Deliver: hangs}); err != nil {
				t.Fatal(err)
			}
		}
		e.publish("1")
		synctest.Wait()
		if err := e.logs.Forget(ctx, topic, "a"); err != nil {
			t.Error(err)
		}
		limited, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if err := e.logs.Stop(limited); !errors.Is(err, fault.Timeout) {
			t.Errorf("Stop: %v, want fault.Timeout", err)
		}
		e.reopen()
		s := &sink{TB: t}
		e.again("b", s)
		settle()
		s.want("1")
	})
}
