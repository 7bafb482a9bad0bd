package bridge

import (
	"context"
	"errors"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
	"millrace/runtime/lifecycle/lifecycletest"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/cluster"
)

func TestBridgesStartAndStopAsAllPartsDo(t *testing.T) {
	conn := backbonetest.Start(t, t.TempDir()).Conn()
	if _, err := conn.RequestWithContext(t.Context(), "$JS.API.INFO", nil); err != nil { // the connection keeps a goroutine from its first request on
		t.Fatal(err)
	}
	lifecycletest.Stress(t, func() lifecycle.Part { return New(Config{Conn: conn}) })
}

// A killed runtime leaves streams, which the next start removes: those of live ones and
// those of others stay.
func TestStreamsThatAreLeftAreRemoved(t *testing.T) {
	conn := backbonetest.Start(t, t.TempDir()).Conn()
	nodes := []*cluster.Cluster{cluster.New(conn, nil), cluster.New(conn, nil)}
	for _, n := range nodes {
		if err := n.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer n.Stop(context.Background())
	}
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	for name, member := range map[string]string{"dead": "0123456789abcdef", "alone": "", "live": nodes[1].Self()} {
		s := newStream(js, Queue{"b-1", "/", name}, member)
		if _, err := js.CreateStream(t.Context(), s.config()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "archive", Subjects: []string{"mq.b-2.>"}, Storage: jetstream.MemoryStorage}); err != nil {
		t.Fatal(err)
	}
	b := New(Config{Conn: conn, Cluster: nodes[0]})
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer b.Stop(context.Background())
	left := map[string]bool{}
	names := js.StreamNames(t.Context())
	for name := range names.Name() {
		left[name] = true
	}
	if len(left) != 2 || !left["archive"] || !left[Queue{"b-1", "/", "live"}.stream()] {
		t.Errorf("left are %v", left)
	}
}

func TestConsumersOfBridgesThatDoNotRunAreClosed(t *testing.T) {
	b := New(Config{Conn: backbonetest.Start(t, t.TempDir()).Conn()})
	spec := Spec{Address: func(context.Context) (Address, error) { t.Error("an address is asked for"); return Address{}, nil }}
	before := b.Open(spec)
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	during := b.Open(spec)
	if err := b.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*Consumer{"before": before, "during": during, "after": b.Open(spec)} {
		_, err := c.Receive(t.Context(), 1, -1)
		var e *Error
		if !errors.As(err, &e) || e.Reason != Closed || !errors.Is(err, fault.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
		c.Close()
		c.Close()
	}
	if len(b.consumers) > 0 {
		t.Errorf("%d consumers are left", len(b.consumers))
	}
}
