package jetobject_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/object"
	"millrace/runtime/object/blob"
	"millrace/runtime/object/jetobject"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/cluster"
	"millrace/runtime/store/keys"
	"millrace/runtime/store/loss"
	"millrace/runtime/store/record"
	"millrace/test/needs"
	"millrace/test/patience"
)

// A node is one of several runtimes on a cluster.
type node struct {
	testing.TB
	backbone *backbone.Backbone
	records  *record.Store
	cluster  *cluster.Cluster
	buckets  *jetobject.Buckets
	outbox   *outbox
	gone     bool
}

func join(tb testing.TB, url string) *node {
	tb.Helper()
	n := &node{TB: tb, backbone: backbone.New(backbone.Config{URL: url}), outbox: &outbox{}}
	if err := n.backbone.Start(ctx); err != nil {
		tb.Fatal(err)
	}
	n.records = record.New(n.backbone.JetStream(), nil)
	if err := n.records.Start(ctx); err != nil {
		tb.Fatal(err)
	}
	ring, err := keys.Open(n.records, keys.SharedRoot(), time.Now)
	if err != nil {
		tb.Fatal(err)
	}
	n.cluster = cluster.New(n.backbone.Conn(), nil)
	if err := n.cluster.Start(ctx); err != nil {
		tb.Fatal(err)
	}
	n.buckets = jetobject.New(jetobject.Config{
		Backbone: n.backbone, Records: n.records, Cluster: n.cluster, Keys: ring, Blobs: blob.NewChunks(n.backbone.JetStream()), Outbox: n.outbox,
		OnLoss: func(l loss.Loss) error {
			tb.Errorf("a loss: %v", l)
			return nil
		},
	})
	if err := n.buckets.Start(ctx); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(n.leave)
	return n
}

func (n *node) leave() {
	if n.gone {
		return
	}
	n.gone = true
	if err := errors.Join(n.buckets.Stop(ctx), n.cluster.Stop(ctx), n.records.Stop(ctx), n.backbone.Stop(ctx)); err != nil {
		n.Errorf("leaving: %v", err)
	}
}

// kill cuts the node off for good.
func (n *node) kill() {
	n.gone = true
	n.backbone.Conn().Close()
	n.Cleanup(func() {
		n.buckets.Stop(ctx)
		n.cluster.Stop(ctx)
		n.records.Stop(ctx)
		n.backbone.Stop(ctx)
	})
}

// What one runtime has stored the other one's next read sees; they overtake each other, and
// conditions hold over both.
func TestTwoRuntimesShareABucket(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := backbonetest.Listen(t, 0)
	nodes := []*node{join(t, url), join(t, url)}
	buckets := []*jetobject.Bucket{create(t, nodes[0].buckets, object.Settings{}), find(t, nodes[1].buckets)}
	for i := range 20 {
		size := short
		if i%5 == 0 {
			size = long
		}
		put(t, buckets[i%2], "same", text(i, size))
		want(t, buckets[(i+1)%2], "same", text(i, size))
	}
	remove(t, buckets[0], "same")
	wantNone(t, buckets[1], "same")

	var won sync.Map
	var callers sync.WaitGroup
	for c := range 8 {
		callers.Go(func() {
			for i := range 25 {
				key := fmt.Sprint(i)
				p, err := tryPut(buckets[c%2], key, text(c, short), object.Condition{IfNoneMatch: true})
				if err != nil {
					t.Errorf("putting: %v", err)
				} else if p.Err == nil {
					if was, twice := won.LoadOrStore(key, c); twice {
						t.Errorf("%s was put by %v and %d", key, was, c)
					}
				}
			}
		})
	}
	callers.Wait()
	for i := range 25 {
		key := fmt.Sprint(i)
		c, _ := won.Load(key)
		want(t, buckets[0], key, text(c.(int), short))
		want(t, buckets[1], key, text(c.(int), short))
		remove(t, buckets[i%2], key)
	}
	if err := nodes[0].buckets.Delete(ctx, name); err != nil {
		t.Fatal(err)
	}
	if _, err := tryPut(buckets[1], "late", text(1, short), object.Condition{}); !errors.Is(err, fault.NotFound) {
		t.Errorf("putting into a bucket that another runtime deleted: %v", err)
	}
	patience.Until(t, "the bucket is gone at the other runtime", func() bool {
		_, err := nodes[1].buckets.Find(ctx, name)
		return errors.Is(err, fault.NotFound)
	}, nil)
}

// Events of all runtimes are handed over by one, in their order; after its end by another.
func TestOneRuntimeHandsEventsOver(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := backbonetest.Listen(t, 0)
	nodes := []*node{join(t, url), join(t, url)}
	buckets := []*jetobject.Bucket{create(t, nodes[0].buckets, announced), find(t, nodes[1].buckets)}
	var wanted []string
	for i := range 20 {
		put(t, buckets[i%2], fmt.Sprint(i), text(i, short))
		wanted = append(wanted, fmt.Sprint(i))
	}
	patience.Until(t, "all events are handed over", func() bool { return nodes[0].outbox.count()+nodes[1].outbox.count() >= 20 }, nil)
	owner := 0
	if nodes[1].outbox.count() > 0 {
		owner = 1
	}
	if got := nodes[owner].outbox.keys(t); !slices.Equal(got, wanted) {
		t.Errorf("got %q", got)
	}
	nodes[owner].outbox.setFail(unavailable)
	put(t, buckets[1-owner], "rest", text(1, short))
	nodes[owner].kill()
	patience.Until(t, "the rest is handed over by the other", func() bool { return slices.Contains(nodes[1-owner].outbox.keys(t), "rest") }, nil)
}

// Three servers, one of which dies under load: callers are answered, and what they were told
// of is there.
func TestServerDies(t *testing.T) {
	needs.Time(t)
	servers := backbonetest.NewCluster(t, 3)
	nodes := []*node{join(t, servers.URL(0)), join(t, servers.URL(1))}
	buckets := []*jetobject.Bucket{create(t, nodes[0].buckets, object.Settings{}), find(t, nodes[1].buckets)}
	put(t, buckets[0], "first", text(1, short))
	stored := make([]map[string]bool, 4)
	var callers sync.WaitGroup
	for c := range stored {
		stored[c] = map[string]bool{}
		callers.Go(func() {
			for i := range 100 {
				key := fmt.Sprintf("%d/%d", c, i)
				p, err := tryPut(buckets[c%2], key, text(i, short), object.Condition{})
				if err == nil && p.Err == nil {
					stored[c][key] = true
				} else if err == nil || !errors.Is(err, fault.Unavailable) {
					t.Errorf("a put failed with %v", err)
				}
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
	time.Sleep(300 * time.Millisecond)
	servers.Servers[2].Shutdown()
	callers.Wait()
	total := 0
	for c := range stored {
		for key := range stored[c] {
			total++
			if _, err := read(buckets[1-c%2], key); err != nil {
				t.Errorf("%s was stored: %v", key, err)
			}
		}
	}
	t.Logf("%d of 400 were stored", total)
	if total < 200 {
		t.Errorf("only %d of 400 were stored", total)
	}
}
