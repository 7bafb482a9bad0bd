package jetqueue_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
	"millrace/runtime/queue/jetqueue"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/test/needs"
	"millrace/test/patience"
)

// TestTakeover runs two runtimes on three servers with shared queues, and senders
// and receivers at both. It kills the owner by cutting its connection. The other
// node serves, nothing acknowledged is lost, and every group stays in order.
func TestTakeover(t *testing.T) {
	needs.Time(t)
	servers := backbonetest.NewCluster(t, 3)
	a, b := join(t, servers.URL(0)), join(t, servers.URL(1))
	var stories []*workload
	for _, name := range []string{b.owned(a, ""), b.owned(a, ".fifo"), a.owned(b, ""), a.owned(b, ".fifo")} {
		stories = append(stories, newWorkload(t, name, a, b))
	}
	for _, s := range stories {
		s.await("both nodes serve", func() bool { return s.sentBy[a] >= 50 && s.sentBy[b] >= 50 })
	}
	killed := time.Now()
	a.kill()
	for _, s := range stories {
		before := s.count(b)
		s.await("the other node serves", func() bool { return s.sentBy[b] >= before+50 })
		s.mu.Lock()
		t.Logf("%s: 50 more sends were answered %v after the kill", s.name, s.again.Sub(killed))
		s.mu.Unlock()
	}
	for _, s := range stories {
		s.stop()
	}
	for _, s := range stories {
		s.end(b)
	}
}

// TestServerDies stops a server that a node is connected to and that leads some
// streams: nothing is lost, and all goes on once JetStream has elected other
// leaders.
func TestServerDies(t *testing.T) {
	needs.Time(t)
	servers := backbonetest.NewCluster(t, 3)
	a, b := join(t, servers.URL(0)), join(t, servers.URL(1))
	var stories []*workload
	for _, name := range []string{b.owned(a, ""), b.owned(a, ".fifo"), a.owned(b, ""), a.owned(b, ".fifo")} {
		stories = append(stories, newWorkload(t, name, a, b))
	}
	for _, s := range stories {
		s.await("both nodes serve", func() bool { return s.sentBy[a] >= 50 && s.sentBy[b] >= 50 })
	}
	servers.Servers[0].Shutdown()
	began := time.Now()
	for _, s := range stories {
		na, nb := s.count(a), s.count(b)
		s.await("both nodes serve again", func() bool { return s.sentBy[a] >= na+50 && s.sentBy[b] >= nb+50 })
		t.Logf("%s: 50 more sends at each node were answered after %v", s.name, time.Since(began))
	}
	for _, s := range stories {
		s.stop()
	}
	for _, s := range stories {
		s.end(b)
	}
}

// kill cuts a node off, as the end of its process does.
func (n *node) kill() {
	n.gone = true
	n.dead.Store(true)
	n.backbone.Conn().Close()
	n.Cleanup(func() {
		n.queues.Stop(ctx)
		n.records.Stop(ctx)
	})
}

// A workload records what happened to one queue: what was acknowledged, delivered,
// deleted.
type workload struct {
	testing.TB
	name string
	stop context.CancelFunc
	work sync.WaitGroup

	mu      sync.Mutex // guards the rest
	changed chan struct{}
	sentBy  map[*node]int
	again   time.Time       // when what was awaited last was so
	acked   map[string]bool // by body; a message whose send failed may be there as well
	seen    map[string]bool
	deleted map[string]time.Time // by message id, since a standard send that was tried again may be there twice
	next    map[string]int       // by group: the first that was not delivered yet
	last    map[string]deletion  // by group
}

// A deletion is the last message of a group that was surely deleted.
type deletion struct {
	number int
	at     time.Time
}

const groups = 3

// newWorkload sends to a queue and receives from it at each node, until the node
// dies or the story ends.
func newWorkload(tb testing.TB, name string, nodes ...*node) *workload {
	tb.Helper()
	s := &workload{TB: tb, name: name, changed: make(chan struct{}), sentBy: map[*node]int{},
		acked: map[string]bool{}, seen: map[string]bool{}, deleted: map[string]time.Time{}, next: map[string]int{}, last: map[string]deletion{}}
	sending, stop := context.WithCancel(ctx)
	s.stop = stop
	tb.Cleanup(func() { stop(); s.work.Wait() })
	for i, n := range nodes {
		q := n.get(name)
		if err := q.Configure(ctx, func(c *queue.Config) error { c.Visibility = 2 * time.Second; return nil }); err != nil {
			tb.Fatal(err)
		}
		for g := range groups {
			s.work.Go(func() { s.send(sending, n, q, fmt.Sprintf("g%d.%d", i, g)) })
		}
		s.work.Go(func() { s.receive(sending, n, q) })
	}
	return s
}

// send sends 0, 1, 2 ... of a group, each until it is acknowledged.
func (s *workload) send(ctx context.Context, n *node, q *jetqueue.Queue, group string) {
	for i := 0; ctx.Err() == nil; i++ {
		m := queue.Message{Body: fmt.Sprint(group, "-", i)}
		if q.ID().FIFO() {
			m.GroupID, m.DedupID = group, m.Body
		}
		for {
			_, err := q.Send(context.WithoutCancel(ctx), m)
			if n.dead.Load() {
				return // it died with its node, acknowledged or not
			}
			if err == nil {
				break
			}
			if !errors.Is(err, fault.Unavailable) {
				s.Errorf("%s: sending: %v", s.name, err)
				return
			}
		}
		s.note(func() {
			s.sentBy[n]++
			s.acked[m.Body] = true
		})
		s.room(ctx)
	}
}

// room waits while too much waits to be received.
func (s *workload) room(ctx context.Context) {
	for {
		s.mu.Lock()
		full := len(s.acked)-len(s.seen) > 100
		changed := s.changed
		s.mu.Unlock()
		if !full {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// receive receives and deletes.
func (s *workload) receive(ctx context.Context, n *node, q *jetqueue.Queue) {
	for ctx.Err() == nil && !n.dead.Load() {
		began := time.Now()
		got, err := q.Receive(ctx, queue.ReceiveRequest{Max: 10, Wait: time.Second})
		if err == nil {
			s.delivered(q, began, got)
		}
	}
}

// delivered checks what a receive that began then has delivered against what was
// delivered before, and deletes it. The answer may have been long on its way:
// what others did in that time is no reason not to give it.
func (s *workload) delivered(q *jetqueue.Queue, began time.Time, got []queue.ReceivedMessage) {
	for _, m := range got {
		s.note(func() {
			if at, ok := s.deleted[m.MessageID]; ok && at.Before(began) {
				s.Errorf("%s: %s was delivered after it had been deleted", s.name, m.Body)
			}
			s.seen[m.Body] = true
			if !q.ID().FIFO() {
				return
			}
			var i int
			fmt.Sscanf(m.Body, m.GroupID+"-%d", &i)
			if i > s.next[m.GroupID] {
				s.Errorf("%s: %s was delivered, and %d of its group was not", s.name, m.Body, s.next[m.GroupID])
			}
			if last, ok := s.last[m.GroupID]; ok && i < last.number && last.at.Before(began) {
				s.Errorf("%s: %s was delivered after %d of its group had been deleted", s.name, m.Body, last.number)
			}
			s.next[m.GroupID] = max(s.next[m.GroupID], i+1)
		})
	}
	handles := make([]string, len(got))
	for i, m := range got {
		handles[i] = m.ReceiptHandle
	}
	errs := q.Delete(ctx, handles...)
	s.note(func() {
		for i, m := range got {
			if errs[i] == nil {
				s.deleted[m.MessageID] = time.Now()
				var n int
				fmt.Sscanf(m.Body, m.GroupID+"-%d", &n)
				if n >= s.last[m.GroupID].number {
					s.last[m.GroupID] = deletion{n, time.Now()}
				}
			}
		}
	})
}

func (s *workload) note(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *workload) count(n *node) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sentBy[n]
}

// progress is how far the story is.
func (s *workload) progress() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("%d acknowledged, %d seen, %d deleted", len(s.acked), len(s.seen), len(s.deleted))
}

// await waits until something is so.
func (s *workload) await(what string, so func() bool) {
	s.Helper()
	limit := patience.New(s.name+": "+what, s.progress)
	for {
		s.mu.Lock()
		if so() {
			s.again = time.Now()
			s.mu.Unlock()
			return
		}
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-limit.Turn():
			if err := limit.Struck(); err != nil {
				s.Fatal(err)
			}
		}
	}
}

// end drains the queue at a node that is alive, and checks the result.
func (s *workload) end(n *node) {
	s.Helper()
	s.stop()
	s.work.Wait()
	q := n.get(s.name)
	for {
		c, err := q.Counts(ctx)
		if err != nil {
			s.Fatal(err)
		}
		if c.Visible+c.InFlight == 0 {
			break
		}
		began := time.Now()
		got, err := q.Receive(ctx, queue.ReceiveRequest{Max: 10, Wait: 5 * time.Second})
		if err != nil {
			s.Fatal(err)
		}
		s.delivered(q, began, got)
	}
	for m := range s.acked {
		if !s.seen[m] {
			s.Errorf("%s: %s was acknowledged and never delivered", s.name, m)
		}
	}
}
