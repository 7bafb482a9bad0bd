package jetqueue_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/queue"
	"millrace/runtime/queue/jetqueue"
)

// When more commands wait than one entry can hold, each is carried out once, all are
// answered, and no entry is too large for the log.
func TestMoreCommandsThanAnEntryHolds(t *testing.T) {
	l := startLossyEnv(t)
	l.numbered(l.create("q", nil), 1, 3)
	l.lose(2) // so that opening has something to tell, and waits for it
	const senders, size = 60, 100 << 10
	l.whileLossUnreported(func() {
		q := l.get("q")
		var all sync.WaitGroup
		for i := range senders {
			all.Go(func() {
				if _, err := q.Send(ctx, body(fmt.Sprint(i, " ", strings.Repeat("x", size)))); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	})
	s, err := l.backbone.JetStream().Stream(ctx, logs(t, l.backbone.JetStream())[0])
	if err != nil {
		t.Fatal(err)
	}
	state := s.CachedInfo().State
	together := 0
	for seq := state.FirstSeq; seq <= state.LastSeq; seq++ {
		m, err := s.GetMsg(ctx, seq)
		if err != nil {
			continue // the lost one
		}
		if n := len(m.Data); n > 1<<20+size+64<<10 {
			t.Errorf("entry %d has %d bytes", seq, n)
		} else {
			together = max(together, n/size)
		}
	}
	if together < 5 {
		t.Errorf("no more than %d commands shared an entry: nothing was put to the test", together)
	}
	l.reopen()
	var got, want []string
	for _, b := range l.bodies(l.get("q")) {
		name, _, _ := strings.Cut(b, " ")
		got = append(got, name)
	}
	for i := range senders {
		want = append(want, fmt.Sprint(i))
	}
	want = append(want, "1", "3") // of before
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("received %v, want %v", got, want)
	}
}

// A message whose body is in the log alone is found there, also when it was copied
// to the end and its entry purged since it was looked up.
func TestReadBackFromTheLog(t *testing.T) {
	e := start(t, jetqueue.Options{BodyBudget: 1})
	q := e.create("q", nil)
	if _, err := q.Counts(ctx); err != nil {
		t.Fatal(err)
	}
	s, err := e.backbone.JetStream().Stream(ctx, logs(t, e.backbone.JetStream())[0])
	if err != nil {
		t.Fatal(err)
	}
	entry := s.CachedInfo().State.LastSeq + 1
	e.send(q, body("first"))
	long := 12 * time.Hour
	kept := e.receive(q, queue.ReceiveRequest{Max: 1, Visibility: &long}, "first")[0]
	read := func(when string) {
		t.Helper()
		if got, err := q.ContentOf(ctx, entry, 1); err != nil || !strings.Contains(got, "first") {
			t.Errorf("%s: %q, %v", when, got, err)
		}
	}
	read("in its entry")
	big := strings.Repeat("x", 512<<10)
	state := func() jetstream.StreamState {
		t.Helper()
		info, err := s.Info(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return info.State
	}
	purge := func(upTo uint64) {
		t.Helper()
		for n := 0; state().FirstSeq <= upTo; n++ {
			if n == 200 {
				t.Fatalf("entry %d was not purged behind 100 MB that are over", upTo)
			}
			e.send(q, body(big))
			e.delete(q, e.receive(q, one, big)[0])
		}
	}
	purge(entry)
	read("copied")
	if err := q.ChangeVisibility(ctx, queue.VisibilityChange{ReceiptHandle: kept.ReceiptHandle})[0]; err != nil {
		t.Fatal(err)
	}
	e.receive(q, one, "first")
	e.delete(q, kept)
	purge(state().LastSeq) // its copy, wherever that is
	if got, err := q.ContentOf(ctx, entry, 1); err == nil {
		t.Errorf("what is deleted and purged was read: %q", got)
	}
}

// A FIFO queue's delay is applied when messages are received: after it is shortened,
// waiting messages and receives that wait for them meet at once.
func TestShorterDelayOfAFIFOQueue(t *testing.T) {
	for _, c := range []struct {
		delay, wakes time.Duration
	}{{0, 10 * time.Second}, {15 * time.Second, 15 * time.Second}, {10 * time.Minute, 10 * time.Minute}} {
		bubble(t, jetqueue.Options{}, func(e *env) {
			q := e.create("q.fifo", func(c *queue.Config) { c.Delay = time.Minute })
			sent := time.Now()
			for _, group := range []string{"a", "b"} {
				e.send(q, queue.Message{Body: group, GroupID: group, DedupID: group})
			}
			e.receive(q, ten)
			woken := make(chan time.Duration)
			go func() {
				e.receive(q, queue.ReceiveRequest{Max: 10, Wait: queue.Forever}, "a", "b")
				woken <- time.Since(sent)
			}()
			time.Sleep(10 * time.Second)
			if err := q.Configure(ctx, func(to *queue.Config) error { to.Delay = c.delay; return nil }); err != nil {
				e.Fatal(err)
			}
			if got := <-woken; got != c.wakes {
				e.Errorf("with a delay of %v after 10 s, a receive wakes after %v, want %v", c.delay, got, c.wakes)
			}
		})
	}
}

// A longer delay holds back messages that could have been received before.
func TestLongerDelayOfAFIFOQueue(t *testing.T) {
	bubble(t, jetqueue.Options{}, func(e *env) {
		q := e.create("q.fifo", nil)
		for _, group := range []string{"a", "b"} {
			e.send(q, queue.Message{Body: group, GroupID: group, DedupID: group})
		}
		e.receive(q, one, "a")
		if err := q.Configure(ctx, func(to *queue.Config) error { to.Delay = 20 * time.Second; return nil }); err != nil {
			e.Fatal(err)
		}
		e.receive(q, ten)
		time.Sleep(20 * time.Second)
		e.receive(q, ten, "b")
	})
}
