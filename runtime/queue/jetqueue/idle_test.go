package jetqueue_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
	"millrace/runtime/queue/jetqueue"
	"millrace/runtime/store/loss"
)

// startLazy starts queues that are opened at their first use.
func startLazy(tb testing.TB, o jetqueue.Options) *env {
	tb.Helper()
	o.CheckpointFile = filepath.Join(tb.TempDir(), "checkpoints")
	e := &env{TB: tb, dir: tb.TempDir(), options: o, lazy: true}
	e.open()
	tb.Cleanup(e.close)
	return e
}

func lazyBubble(t *testing.T, o jetqueue.Options, f func(*env)) {
	synctest.Test(t, func(t *testing.T) { f(startLazy(t, o)) })
}

// wantClosedLogs wants that the server has all logs open but those of so many
// queues.
func (e *env) wantClosedLogs(want int) {
	e.Helper()
	if got := len(e.backbone.Asleep()); got != want {
		e.Fatalf("%d queues rest, want %d", got, want)
	}
}

// owners counts the goroutines of queues.
func owners() (n int) {
	all := make([]byte, 16<<20)
	for s := range bytes.SplitSeq(all[:runtime.Stack(all, true)], []byte("\n\n")) {
		if bytes.Contains(s, []byte("jetqueue.(*Queue).run")) {
			n++
		}
	}
	return n
}

// killed is what a process would find after a kill at this moment.
func (e *env) killed() *env {
	e.Helper()
	k := &env{TB: e.TB, dir: e.TempDir(), options: e.options, lazy: e.lazy}
	k.options.CheckpointFile = filepath.Join(e.TempDir(), "checkpoints")
	marks, err := os.ReadFile(e.options.CheckpointFile)
	if err := errors.Join(err, os.WriteFile(k.options.CheckpointFile, marks, 0o600), os.CopyFS(k.dir, os.DirFS(e.dir))); err != nil {
		e.Fatal(err)
	}
	k.open()
	e.Cleanup(k.close)
	return k
}

func TestQueuesStayClosedUntilUsed(t *testing.T) {
	const many = 30
	e := startLazy(t, jetqueue.Options{})
	name := func(i int) string { return fmt.Sprint("q", i) }
	for i := range many {
		e.send(e.create(name(i), nil), body(name(i)))
	}
	e.counts(e.create("empty", nil), 0, 0, 0) // its log was read, and it has a checkpoint
	e.reopen()
	e.wantClosedLogs(many + 1)
	if n := owners(); n > 0 {
		t.Errorf("%d queues have a goroutine", n)
	}
	e.counts(e.get("empty"), 0, 0, 0)
	for _, q := range e.queues.All() {
		if n, err := q.MessageCount(ctx); err != nil || n > 1 {
			t.Errorf("%s has %d messages, %v", q.ID().Name, n, err)
		}
	}
	if n, err := e.get(name(7)).MessageCount(ctx); err != nil || n != 1 {
		t.Errorf("one has %d messages, %v", n, err)
	}
	e.wantClosedLogs(many + 1)

	k := e.killed()
	k.wantClosedLogs(many + 1)
	for i, e := range []*env{e, k} {
		e.counts(e.get(name(i)), 1, 0, 0)
		e.wantClosedLogs(many)
		e.delete(e.get(name(i)), e.receive(e.get(name(i)), one, name(i))[0])
		if err := e.queues.Delete(ctx, id(name(2))); err != nil {
			t.Error(err)
		}
		e.wantClosedLogs(many - 1)
	}
	if n := owners(); n != 2 {
		t.Errorf("%d queues have a goroutine, want 2", n)
	}
	e.reopen()
	e.wantClosedLogs(many)
	e.counts(e.get(name(0)), 0, 0, 0)
	for i := 3; i < many; i++ {
		e.receive(e.get(name(i)), one, name(i))
	}
	e.wantClosedLogs(3) // two that are empty, and one that nobody used
}

// Time has its effect on messages whether their queue is open or not.
func TestTimePassesForAClosedQueue(t *testing.T) {
	lazyBubble(t, jetqueue.Options{}, func(e *env) {
		hour := time.Hour
		short := func(c *queue.Config) { c.Retention = 10 * time.Minute }
		for _, name := range []string{"early", "late"} {
			q := e.create(name, nil)
			e.send(q, body("hidden"))
			e.receive(q, queue.ReceiveRequest{Max: 1, Visibility: &hour}, "hidden")
			e.send(q, queue.Message{Body: "delayed", Delay: new(15 * time.Minute)})
		}
		e.send(e.create("short", short), body("old"))
		e.send(e.create("ids.fifo", nil), queue.Message{Body: "a", GroupID: "g", DedupID: "1"})
		e.reopen()
		e.wantClosedLogs(4)
		time.Sleep(4 * time.Minute)
		if sent := e.send(e.get("ids.fifo"), queue.Message{Body: "a", GroupID: "g", DedupID: "1"}); !sent[0].Duplicate {
			t.Error("the deduplication id is forgotten")
		}
		time.Sleep(7 * time.Minute)
		e.counts(e.get("short"), 0, 0, 0)
		began := time.Now()
		e.receive(e.get("early"), queue.ReceiveRequest{Max: 1, Wait: hour}, "delayed")
		if waited := time.Since(began).Round(time.Second); waited != 4*time.Minute {
			t.Errorf("it was delayed for %v more, want 4m", waited)
		}
		time.Sleep(hour)
		e.wantClosedLogs(1)
		e.counts(e.get("late"), 2, 0, 0)
	})
}

// The wall clock counts for how long the process was not running, not for how long a
// queue was idle in it.
func TestWallClockSetBeforeAQueueIsOpened(t *testing.T) {
	for _, jump := range []time.Duration{time.Hour, -time.Hour} {
		w := &wall{}
		lazyBubble(t, jetqueue.Options{WallClock: w.now}, func(e *env) {
			q := e.create("q", nil)
			e.send(q, body("m"))
			e.receive(q, queue.ReceiveRequest{Max: 1, Visibility: new(10 * time.Minute)}, "m")
			e.reopen()
			w.jump(jump)
			time.Sleep(4 * time.Minute)
			e.wantClosedLogs(1)
			began := time.Now()
			e.receive(e.get("q"), queue.ReceiveRequest{Max: 1, Wait: time.Hour}, "m")
			if waited := time.Since(began).Round(time.Second); waited != 6*time.Minute {
				t.Errorf("the clock was set by %v: hidden for %v more, want 6m", jump, waited)
			}
		})
	}
}

// A barrier refuses to let messages move between queues while it is up.
type barrier struct{ up atomic.Bool }

func (b *barrier) Admit(int) error {
	if b.up.Load() {
		return fault.New(fault.Unavailable, "not now")
	}
	return nil
}

// A dead letter that was on its way arrives, and nobody has to ask for the queue that
// it comes from. Also when the process was killed before the checkpoint said so.
func TestPendingTransfersResumeAtStart(t *testing.T) {
	for _, stale := range []bool{false, true} {
		var b barrier
		lazyBubble(t, jetqueue.Options{MoveLimit: &b}, func(e *env) {
			dead := e.create("dead", nil)
			q := e.create("q", func(c *queue.Config) { c.DeadLetter = &queue.DeadLetter{Target: dead.ID(), MaxReceives: 1} })
			e.send(q, body("m"))
			e.receive(q, queue.ReceiveRequest{Max: 1, Visibility: new(time.Duration)}, "m")
			marks, err := os.ReadFile(e.options.CheckpointFile)
			if err != nil {
				e.Fatal(err)
			}
			b.up.Store(true)
			e.receive(q, one)
			synctest.Wait()
			e.close()
			if stale {
				if err := os.WriteFile(e.options.CheckpointFile, marks, 0o600); err != nil {
					e.Fatal(err)
				}
			}
			b.up.Store(false)
			e.open()
			e.receive(e.get("dead"), poll, "m")
			time.Sleep(time.Minute)
			e.reopen()
			e.wantClosedLogs(2) // it has gone
		})
	}
}

// What is missing is told though nobody asks for the queue.
func TestLossOfAnUnusedQueueIsReported(t *testing.T) {
	losses := make(chan loss.Loss, 10)
	lazyBubble(t, jetqueue.Options{OnLoss: func(l loss.Loss) error {
		losses <- l
		return nil
	}}, func(e *env) {
		e.create("other", nil)
		q := e.create("q", nil)
		for i := range 5 {
			e.send(q, body(fmt.Sprint(i)))
		}
		e.close()
		blocks, err := filepath.Glob(filepath.Join(e.dir, "streams", "*", "msgs", "1.blk"))
		if err != nil || len(blocks) == 0 {
			t.Fatal(blocks, err)
		}
		for _, path := range blocks {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if i := bytes.LastIndex(data, []byte("millrace.queue.")) - 22; i > 0 { // the whole of the last record
				if err := errors.Join(os.WriteFile(path, data[:i], 0o600), os.Remove(filepath.Join(filepath.Dir(path), "index.db"))); err != nil {
					t.Fatal(err)
				}
			}
		}
		e.open()
		time.Sleep(time.Second)
		if len(losses) != 1 {
			t.Fatalf("%d losses were told, want 1", len(losses))
		}
		if l := <-losses; !strings.HasSuffix(l.Name, ":q") || l.Messages != 1 {
			t.Errorf("what is lost: %+v", l)
		}
		e.counts(e.get("q"), 4, 0, 0)
		e.wantClosedLogs(1)
	})
}

// A queue that nobody uses rests again, and nobody notices.
func TestIdleQueuesAreClosed(t *testing.T) {
	lazyBubble(t, jetqueue.Options{IdleTimeout: 5 * time.Minute}, func(e *env) {
		q, waiting, large := e.create("q", nil), e.create("waiting", nil), e.create("large", nil)
		for range 3 {
			e.send(large, body(strings.Repeat("x", 100_000)))
		}
		e.send(q, body("hidden"))
		handle := e.receive(q, queue.ReceiveRequest{Max: 1, Visibility: new(20 * time.Minute)}, "hidden")[0].ReceiptHandle
		e.send(q, body("visible"))
		arrived := make(chan []queue.ReceivedMessage, 1)
		go func() {
			got, err := waiting.Receive(ctx, queue.ReceiveRequest{Max: 1, Wait: queue.Forever})
			if err != nil {
				t.Error(err)
			}
			arrived <- got
		}()
		time.Sleep(11 * time.Minute)
		e.wantClosedLogs(1)
		if n, err := q.MessageCount(ctx); err != nil || n != 2 {
			t.Errorf("it has %d messages, %v", n, err)
		}
		e.wantClosedLogs(1)
		e.counts(q, 1, 1, 0)
		e.delete(q, e.receive(q, one, "visible")[0])
		e.wantClosedLogs(0)
		began := time.Now()
		e.receive(q, queue.ReceiveRequest{Max: 1, Wait: time.Hour, Visibility: new(time.Hour)}, "hidden")
		if waited := time.Since(began).Round(time.Second); waited != 9*time.Minute {
			t.Errorf("it was hidden for %v more, want 9m", waited)
		}
		time.Sleep(11 * time.Minute)
		e.wantClosedLogs(1)
		if err := q.ChangeVisibility(ctx, queue.VisibilityChange{ReceiptHandle: handle})[0]; err != nil {
			t.Errorf("the handle of before: %v", err)
		}
		e.counts(q, 1, 0, 0)
		e.send(waiting, body("m"))
		if got := <-arrived; len(got) != 1 {
			t.Errorf("who waited all the time got %v", got)
		}
	})
}

// Commands that come while an idle queue is closed are carried out.
func TestIdleQueuesCloseUnderLoad(t *testing.T) {
	e := startLazy(t, jetqueue.Options{IdleTimeout: time.Millisecond})
	q := e.create("q", nil)
	const senders, each = 4, 50
	done, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for i := range each {
				if _, err := q.Send(ctx, body(fmt.Sprint(s, "-", i))); err != nil {
					t.Error(err)
				}
				for range i % 3 { // it may rest by now
					runtime.Gosched()
					time.Sleep(time.Duration(i) * 100 * time.Microsecond)
				}
			}
		})
	}
	seen := map[string]int{}
	for len(seen) < senders*each {
		got, err := q.Receive(done, queue.ReceiveRequest{Max: 10, Wait: 3 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range got {
			seen[m.Body]++
			e.delete(q, m)
		}
	}
	wg.Wait()
	for m, n := range seen {
		if n != 1 {
			t.Errorf("message %s was received %d times", m, n)
		}
	}
	e.counts(q, 0, 0, 0)
}
