package cluster_test

import (
	"context"
	"os"
	"testing"
	"time"

	"millrace/runtime/lifecycle"
	"millrace/runtime/lifecycle/lifecycletest"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/cluster"
)

func TestMain(m *testing.M) { os.Exit(backbonetest.Main(m)) }

func TestClusterStartsAndStopsAsAllPartsDo(t *testing.T) {
	b := backbonetest.Start(t, t.TempDir())
	t.Cleanup(func() { b.Stop(context.Background()) })
	lifecycletest.Stress(t, func() lifecycle.Part { return cluster.New(b.Conn(), nil) })
}

// Two nodes know of each other when the second has started, and the first forgets the
// second when it has stopped.
func TestNodesComeAndGo(t *testing.T) {
	b := backbonetest.Start(t, t.TempDir())
	t.Cleanup(func() { b.Stop(context.Background()) })
	first, second := cluster.New(b.Conn(), nil), cluster.New(b.Conn(), nil)
	for _, c := range []*cluster.Cluster{first, second} {
		if err := c.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Stop(context.Background()) })
	}
	if v := second.View(); len(v.Live) != 2 || !v.Has(first.Self()) {
		t.Errorf("the second node sees %v", v.Live)
	}
	if err := second.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if v := second.View(); len(v.Live) != 0 {
		t.Errorf("having left, it sees %v", v.Live)
	}
	deadline := time.After(10 * time.Second)
	for v := first.View(); v.Has(second.Self()); v = first.View() {
		select {
		case <-v.Changed():
		case <-deadline:
			t.Fatalf("the first node still sees %v", v.Live)
		}
	}
}
