package jetqueue_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
	"millrace/runtime/queue/jetqueue"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/cluster"
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
	queues   *jetqueue.Queues
	gone     bool
	dead     atomic.Bool // killed
}

func join(tb testing.TB, url string) *node {
	tb.Helper()
	return joinAt(tb, url, nil)
}

// joinAt is join for a node with a wall clock of its own.
func joinAt(tb testing.TB, url string, wall func() time.Time) *node {
	tb.Helper()
	return joinWith(tb, url, jetqueue.Options{WallClock: wall})
}

func joinWith(tb testing.TB, url string, o jetqueue.Options) *node {
	tb.Helper()
	needs.Time(tb)
	n := &node{TB: tb}
	var err error
	n.backbone = backbone.New(backbone.Config{URL: url})
	if err = n.backbone.Start(ctx); err != nil {
		tb.Fatal(err)
	}
	n.records = record.New(n.backbone.JetStream(), nil)
	if err = n.records.Start(ctx); err != nil {
		tb.Fatal(err)
	}
	n.cluster = cluster.New(n.backbone.Conn(), nil)
	o.Cluster = n.cluster
	n.queues = jetqueue.New(n.backbone, n.records, o)
	if err := n.queues.Start(ctx); err != nil {
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
	if err := errors.Join(n.queues.Stop(ctx), n.records.Stop(ctx), n.backbone.Stop(ctx)); err != nil {
		n.Errorf("leaving: %v", err)
	}
}

func (n *node) get(name string) *jetqueue.Queue {
	n.Helper()
	q, err := n.queues.Get(id(name))
	if err != nil {
		n.Fatal(err)
	}
	return q
}

func bodies(got []queue.ReceivedMessage) (all []string) {
	for _, m := range got {
		all = append(all, m.Body)
	}
	return all
}

// owned makes a queue through n that the node owner owns.
func (n *node) owned(owner *node, kind string) string {
	n.Helper()
	for i := range 1000 {
		name := fmt.Sprint("q", i, kind)
		if _, err := n.queues.Get(id(name)); err == nil {
			continue
		}
		q, err := n.queues.Create(ctx, id(name), queue.Config{Visibility: 30 * time.Second, MaxBytes: 1 << 20})
		if err != nil {
			n.Fatal(err)
		}
		if n.cluster.View().Owner(q.Generation()) == owner.cluster.Self() {
			return name
		}
	}
	n.Fatal("one node owns everything")
	return ""
}

// Whoever owns a queue, every method means the same on every node.
func TestNodesShareQueues(t *testing.T) {
	url := backbonetest.Listen(t, 0)
	one, two := join(t, url), join(t, url)
	for _, owner := range []*node{one, two} {
		name := one.owned(owner, "")
		for _, n := range []*node{one, two} {
			other := map[*node]*node{one: two, two: one}[n]
			q, p := n.get(name), other.get(name)
			msg := queue.Message{Body: "a\x00\xff", SenderID: "AIDA", Attributes: []queue.Attribute{{Name: "a", DataType: "Binary", Value: []byte{0, 255}}}}
			later := time.Hour
			sent, err := q.Send(ctx, msg, queue.Message{Body: "later", Delay: &later})
			if err != nil || len(sent) != 2 {
				t.Fatal(sent, err)
			}
			if seen, err := p.Peek(ctx, queue.PeekRequest{Delayed: true}); err != nil || len(seen) != 2 || seen[0].Body != msg.Body || seen[1].State != "delayed" {
				t.Errorf("peeked %+v, %v", seen, err)
			}
			got, err := p.Receive(ctx, poll)
			if err != nil || len(got) != 1 || got[0].Body != msg.Body || got[0].MessageID != sent[0].MessageID || string(got[0].Attributes[0].Value) != "\x00\xff" {
				t.Fatalf("received %+v, %v", got, err)
			}
			if errs := q.ChangeVisibility(ctx, queue.VisibilityChange{ReceiptHandle: got[0].ReceiptHandle}, queue.VisibilityChange{ReceiptHandle: "none"}); errs[0] != nil || errs[1] != queue.ErrInvalidHandle {
				t.Errorf("changing: %v", errs)
			}
			zero := time.Duration(0) // a visibility of nothing is not the queue's own
			if got, err = p.Receive(ctx, queue.ReceiveRequest{Max: 1, Visibility: &zero}); err != nil || len(got) != 1 {
				t.Errorf("received %+v, %v", got, err)
			}
			if c, err := q.Counts(ctx); err != nil || c.Visible != 1 || c.Delayed != 1 {
				t.Errorf("counts %+v, %v", c, err)
			}
			if errs := p.Delete(ctx, got[0].ReceiptHandle, "none"); errs[0] != nil || errs[1] != queue.ErrInvalidHandle {
				t.Errorf("deleting: %v", errs)
			}
			if m, err := p.Metrics(ctx); err != nil || m.Sent < 2 {
				t.Errorf("metrics %+v, %v", m, err)
			}
			if err := p.Purge(ctx); err != nil {
				t.Error(err)
			}
			if c, err := q.Counts(ctx); err != nil || c.Delayed != 0 {
				t.Errorf("counts %+v, %v", c, err)
			}
			// A poll of one node wakes for a send through the other.
			woken := make(chan []queue.ReceivedMessage)
			go func() {
				got, _ := q.Receive(ctx, queue.ReceiveRequest{Max: 1, Wait: queue.Forever})
				woken <- got
			}()
			if _, err := p.Send(ctx, body("wake")); err != nil {
				t.Error(err)
			}
			got = <-woken
			if fmt.Sprint(bodies(got)) != "[wake]" {
				t.Errorf("woken by %+v", got)
			}
			if errs := q.Delete(ctx, got[0].ReceiptHandle); errs[0] != nil {
				t.Error(errs)
			}
		}
	}
}

// A queue that one node made, changed or deleted is so on the other.
func TestNodesShareRecords(t *testing.T) {
	url := backbonetest.Listen(t, 0)
	one, two := join(t, url), join(t, url)
	for _, owner := range []*node{one, two} {
		name := one.owned(owner, "")
		q := two.get(name) // at once
		if err := q.Configure(ctx, func(c *queue.Config) error { c.Visibility = 0; return nil }); err != nil {
			t.Fatal(err)
		}
		if _, err := q.Send(ctx, body("m")); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the new visibility applies at the owner at once
			if got, err := one.get(name).Receive(ctx, just1); err != nil || len(got) != 1 {
				t.Fatalf("received %v, %v", got, err)
			}
		}
		if _, err := two.queues.Create(ctx, id(name), queue.Config{}); !errors.Is(err, fault.Exists) {
			t.Errorf("creating again: %v", err)
		}
		if err := q.Purge(ctx); err != nil {
			t.Fatal(err)
		}
		waits := make(chan error, 1)
		same := one.get(name)
		go func() {
			_, err := same.Receive(ctx, queue.ReceiveRequest{Max: 1, Wait: queue.Forever})
			waits <- err
		}()
		if err := two.queues.Delete(ctx, id(name)); err != nil {
			t.Fatal(err)
		}
		if _, err := two.queues.Get(id(name)); !errors.Is(err, fault.NotFound) {
			t.Errorf("after the delete: %v", err)
		}
		if err := patience.For(t, "a receive at a deleted queue", waits, nil); !errors.Is(err, fault.NotFound) {
			t.Errorf("a receive at a deleted queue: %v", err)
		}
	}
}

var just1 = queue.ReceiveRequest{Max: 1}

// A canceled receive takes no messages.
func TestCancelReachesTheOwner(t *testing.T) {
	url := backbonetest.Listen(t, 0)
	one, two := join(t, url), join(t, url)
	q := two.get(one.owned(one, ""))
	for range 50 {
		some, cancel := context.WithCancel(ctx)
		done := make(chan error)
		go func() {
			_, err := q.Receive(some, queue.ReceiveRequest{Max: 1, Wait: queue.Forever})
			done <- err
		}()
		if _, err := q.Counts(ctx); err != nil { // the receive may be there by now, or on its way
			t.Fatal(err)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if _, err := q.Send(ctx, body("m")); err != nil {
			t.Fatal(err)
		}
		got, err := q.Receive(ctx, just1)
		if err != nil || len(got) != 1 {
			t.Fatalf("received %v, %v", got, err)
		}
		if err := q.Delete(ctx, got[0].ReceiptHandle)[0]; err != nil {
			t.Fatal(err)
		}
	}
}

// A node that is suspected for a moment gets its responses: a result, or an unknown
// outcome. It did not cancel the call, and gets no such error.
func TestSuspectedNodeGetsNoCancelError(t *testing.T) {
	url := backbonetest.Listen(t, 0)
	one, two := join(t, url), join(t, url)
	q := one.get(one.owned(two, ""))
	stop := make(chan struct{})
	var work sync.WaitGroup
	defer work.Wait()
	defer close(stop)
	for what, call := range map[string]func() error{
		"a poll": func() error {
			_, err := q.Receive(ctx, queue.ReceiveRequest{Max: 1, Wait: time.Minute})
			return err
		},
		"a send":   func() error { _, err := q.Send(ctx, body("m")); return err },
		"a delete": func() error { return q.Delete(ctx, "none", "nothing")[0] },
		"a purge":  func() error { return q.Purge(ctx) },
		"a move":   func() error { _, err := q.Move(ctx, 10, new(id("nowhere"))); return err },
	} {
		work.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				switch err := call(); fault.Of(err) {
				case "", fault.Unavailable, fault.NotFound, fault.Of(queue.ErrInvalidHandle):
				default:
					t.Errorf("%s: %v", what, err)
					return
				}
			}
		})
	}
	for range 300 {
		two.cluster.Suspect(ctx, one.cluster.Self())
		two.cluster.Seen(ctx, one.cluster.Self())
		time.Sleep(time.Millisecond)
	}
	if err := two.queues.Delete(ctx, q.ID()); err != nil { // ends the poll
		t.Fatal(err)
	}
}

// A node that leaves in order hands its queues over, and one that joins gets its
// share, without a failed call.
func TestOwnershipHandover(t *testing.T) {
	url := backbonetest.Listen(t, 0)
	one, two := join(t, url), join(t, url)
	name := one.owned(two, ".fifo")
	q := one.get(name)
	stop := make(chan struct{})
	var sent int
	var longest time.Duration
	failed := make(chan error, 1)
	go func() {
		defer close(failed)
		for {
			select {
			case <-stop:
				return
			default:
			}
			began := time.Now()
			if _, err := q.Send(ctx, queue.Message{Body: fmt.Sprint(sent), GroupID: "g", DedupID: fmt.Sprint(sent)}); err != nil {
				failed <- err
				return
			}
			longest = max(longest, time.Since(began))
			sent++
		}
	}()
	two.leave()
	three := join(t, url)
	three.leave()
	close(stop)
	if err := <-failed; err != nil {
		t.Fatalf("a send failed: %v", err)
	}
	for i := 0; i < sent; {
		got, err := q.Receive(ctx, poll)
		if err != nil || len(got) == 0 {
			t.Fatalf("received %v, %v; want message %d of %d", got, err, i, sent)
		}
		for _, m := range got {
			if m.Body != fmt.Sprint(i) {
				t.Fatalf("received %s, want %d", m.Body, i)
			}
			if err := q.Delete(ctx, m.ReceiptHandle)[0]; err != nil {
				t.Fatal(err)
			}
			i++
		}
	}
	t.Logf("%d messages, the longest send took %v", sent, longest)
}

// What it costs to be asked at the wrong node: the same sends at the node that
// owns the queue, and at the other.
func BenchmarkNodes(b *testing.B) {
	url := backbonetest.Listen(b, 0)
	one, two := join(b, url), join(b, url)
	name := one.owned(one, "")
	for where, n := range map[string]*node{"owner": one, "other": two} {
		q := n.get(name)
		for _, callers := range []int{1, 16} {
			b.Run(fmt.Sprintf("at=%s/callers=%d", where, callers), func(b *testing.B) {
				share(b, callers, b.N, func(int) error {
					_, err := q.Send(ctx, body("0123456789abcdef"))
					return err
				})
				perSecond(b, b.N)
			})
		}
	}
}
