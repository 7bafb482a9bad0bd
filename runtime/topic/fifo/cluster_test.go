package fifo_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"millrace/runtime/fault"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/cluster"
	"millrace/runtime/store/record"
	"millrace/runtime/topic/fifo"
	"millrace/test/needs"
	"millrace/test/patience"
)

// A node is one of several runtimes on a cluster.
type node struct {
	testing.TB
	backbone *backbone.Backbone
	records  *record.Store
	cluster  *cluster.Cluster
	logs     *fifo.Logs
	gone     bool
}

func join(tb testing.TB, url string) *node {
	tb.Helper()
	needs.Time(tb)
	n := &node{TB: tb, backbone: backbone.New(backbone.Config{URL: url})}
	if err := n.backbone.Start(ctx); err != nil {
		tb.Fatal(err)
	}
	n.records = record.New(n.backbone.JetStream(), nil)
	if err := n.records.Start(ctx); err != nil {
		tb.Fatal(err)
	}
	n.cluster = cluster.New(n.backbone.Conn(), nil)
	if err := n.cluster.Start(ctx); err != nil {
		tb.Fatal(err)
	}
	n.logs = fifo.New(fifo.Config{Backbone: n.backbone, Records: n.records, Cluster: n.cluster})
	if err := n.logs.Start(ctx); err != nil {
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
	if err := errors.Join(n.logs.Stop(ctx), n.cluster.Stop(ctx), n.records.Stop(ctx), n.backbone.Stop(ctx)); err != nil {
		n.Errorf("leaving: %v", err)
	}
}

// kill cuts the node off for good.
func (n *node) kill() {
	n.gone = true
	n.backbone.Conn().Close()
	n.Cleanup(func() {
		n.logs.Stop(ctx)
		n.cluster.Stop(ctx)
		n.records.Stop(ctx)
		n.backbone.Stop(ctx)
	})
}

func (n *node) follow(s *sink) {
	n.Helper()
	if err := n.logs.Follow(ctx, s.reader("a")); err != nil {
		n.Fatal(err)
	}
}

func (s *sink) await(contents ...string) {
	s.Helper()
	patience.Until(s, fmt.Sprint(len(contents), " entries"), func() bool { return s.count() >= len(contents) }, func() any { return s.count() })
	s.want(contents...)
}

// Whichever runtime publishes, one of them hands all over, in one order.
func TestNodesShareALog(t *testing.T) {
	t.Parallel() // it waits more than it works
	url := backbonetest.Listen(t, 0)
	one, two := join(t, url), join(t, url)
	s := &sink{TB: t}
	one.follow(s)
	two.follow(s)
	var want []string
	for i := range 50 {
		for k, n := range []*node{one, two} {
			content := fmt.Sprint(i, "-", k)
			publish(t, n.logs, content)
			want = append(want, content)
		}
	}
	s.await(want...)
	first := publish(t, one.logs, "same")[0]
	again := publish(t, two.logs, "same")[0]
	if first.Duplicate || !again.Duplicate || again.Seq != first.Seq || string(again.Content) != "same" {
		t.Errorf("published %+v, and on the other %+v", first, again)
	}
	want = append(want, "same")
	s.await(want...)
	if s.handed != len(want) {
		t.Errorf("%d items were handed over of %d", s.handed, len(want))
	}
	three := join(t, url)
	three.follow(s)
	publish(t, three.logs, "of three")
	want = append(want, "of three")
	s.await(want...)

	if err := two.logs.Delete(ctx, topic); err != nil {
		t.Fatal(err)
	}
	patience.Until(t, "the deletion", func() bool { return len(one.logs.Names()) == 0 }, nil)
}

// Runtimes come, leave and are cut off while others publish: nothing is lost, and the order
// holds.
func TestTakeover(t *testing.T) {
	t.Parallel() // it waits more than it works
	url := backbonetest.Listen(t, 0)
	s := &sink{TB: t}
	publisher := join(t, url)
	publisher.follow(s)
	stop := make(chan struct{})
	var mu sync.Mutex
	published := map[uint64]string{}
	var work sync.WaitGroup
	for p := range 4 {
		work.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				content := fmt.Sprint(p, "-", i)
				stored := publish(t, publisher.logs, content)[0]
				mu.Lock()
				published[stored.Seq] = content
				mu.Unlock()
			}
		})
	}
	more := func() {
		n := s.count()
		patience.Until(t, "more entries", func() bool { return s.count() > n+20 }, func() any { return s.count() })
	}
	for range 2 {
		n := join(t, url)
		n.follow(s)
		more()
		n.leave()
		more()
		n = join(t, url)
		n.follow(s)
		more()
		n.kill()
		more()
	}
	close(stop)
	work.Wait()
	var want []string
	for _, seq := range sorted(published) {
		want = append(want, published[seq])
	}
	s.await(want...)
}

func sorted(m map[uint64]string) (keys []uint64) {
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// On three servers with three replicas, publishers at two runtimes publish the same keys at
// once: each entry is stored and handed over once, and all are told the same of it.
func TestReplicated(t *testing.T) {
	t.Parallel() // it waits more than it works
	servers := backbonetest.NewCluster(t, 3)
	nodes := []*node{join(t, servers.URL(0)), join(t, servers.URL(1))}
	s := &sink{TB: t}
	for _, n := range nodes {
		n.follow(s)
	}
	const publishers, each = 6, 20
	var mu sync.Mutex
	told := map[string]uint64{}
	originals := 0
	var work sync.WaitGroup
	for p := range publishers {
		work.Go(func() {
			for i := range each {
				content := fmt.Sprint(i)
				stored := publish(t, nodes[p%2].logs, content)[0]
				mu.Lock()
				if was, ok := told[content]; ok && was != stored.Seq {
					t.Errorf("%s has the numbers %d and %d", content, was, stored.Seq)
				}
				told[content] = stored.Seq
				if !stored.Duplicate {
					originals++
				} else if string(stored.Content) != content {
					t.Errorf("the original of %s is %q", content, stored.Content)
				}
				mu.Unlock()
			}
		})
	}
	work.Wait()
	if originals != each {
		t.Errorf("%d originals of %d entries", originals, each)
	}
	byNumber := map[uint64]string{}
	for content, seq := range told {
		byNumber[seq] = content
	}
	var want []string
	for _, seq := range sorted(byNumber) {
		want = append(want, byNumber[seq])
	}
	s.await(want...)
}

// Somebody removes the stream: the publish that finds that out fails, in time; the next one
// makes another.
func TestStreamIsRemoved(t *testing.T) {
	t.Parallel() // it waits more than it works
	n := join(t, backbonetest.Listen(t, 0))
	s := &sink{TB: t}
	n.follow(s)
	publish(t, n.logs, "1")
	s.await("1")
	e := &env{TB: t, backbone: n.backbone}
	if err := n.backbone.JetStream().DeleteStream(ctx, e.stream().CachedInfo().Config.Name); err != nil {
		t.Fatal(err)
	}
	stored, err := n.logs.Publish(ctx, topic, fifo.Entry{DedupKey: "2"})
	if err != nil || !errors.Is(stored[0].Err, fault.Unavailable) {
		t.Errorf("published %+v, %v", stored, err)
	}
	publish(t, n.logs, "3", "4")
	s.await("1", "3", "4")
}
