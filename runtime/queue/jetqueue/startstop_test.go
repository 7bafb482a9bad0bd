package jetqueue_test

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
	"millrace/runtime/lifecycle/lifecycletest"
	"millrace/runtime/queue"
	"millrace/runtime/queue/jetqueue"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/cluster"
	"millrace/runtime/store/record"
)

// Queues keep the contract of a part: a single runtime's, and those of a cluster.
func TestStartStop(t *testing.T) {
	b := backbonetest.Start(t, t.TempDir())
	records := record.New(b.JetStream(), nil)
	if err := records.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { records.Stop(context.Background()) })
	o := jetqueue.Options{CheckpointFile: filepath.Join(t.TempDir(), "checkpoints"), IdleTimeout: time.Minute}
	first := jetqueue.New(b, records, o)
	if err := first.Start(ctx); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b", "c"} {
		q, err := first.Create(ctx, id(name), queue.Config{Visibility: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := q.Send(ctx, body("m")); err != nil {
			t.Fatal(err)
		}
	}
	if err := first.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	t.Run("alone", func(t *testing.T) {
		lifecycletest.Stress(t, func() lifecycle.Part { return jetqueue.New(b, records, o) })
	})
	t.Run("on a cluster", func(t *testing.T) {
		lifecycletest.Stress(t, func() lifecycle.Part {
			return jetqueue.New(b, records, jetqueue.Options{Cluster: cluster.New(b.Conn(), nil)})
		})
	})
}

// A Stop that cannot wait gives up an entry that JetStream does not acknowledge.
func TestStopGivesUp(t *testing.T) {
	direct := backbonetest.Listen(t, 0)
	at, err := url.Parse(direct)
	if err != nil {
		t.Fatal(err)
	}
	i := &interceptor{server: at.Host, text: []byte("Nats-Expected-Last-Sequence")}
	b := backbone.New(backbone.Config{URL: i.listen(t)})
	if err := b.Start(ctx); err != nil {
		t.Fatal(err)
	}
	records := record.New(b.JetStream(), nil)
	if err := records.Start(ctx); err != nil {
		t.Fatal(err)
	}
	queues := jetqueue.New(b, records, jetqueue.Options{})
	if err := queues.Start(ctx); err != nil {
		t.Fatal(err)
	}
	q, err := queues.Create(ctx, id("q"), queue.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := q.Send(ctx, body("stored")); err != nil {
		t.Fatal(err)
	}
	held, release := make(chan struct{}), make(chan struct{})
	i.arm(func() { close(held); <-release })
	sent := make(chan error, 1)
	go func() {
		_, err := q.Send(ctx, body("held"))
		sent <- err
	}()
	<-held
	limited, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	if err := queues.Stop(limited); !errors.Is(err, fault.Timeout) {
		t.Errorf("Stop: %v, want fault.Timeout", err)
	}
	if err := <-sent; !errors.Is(err, fault.Unavailable) {
		t.Errorf("the send: %v, want fault.Unavailable", err)
	}
	close(release)
	if err := errors.Join(records.Stop(ctx), b.Stop(ctx)); err != nil {
		t.Error(err)
	}
}
