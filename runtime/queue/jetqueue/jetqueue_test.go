package jetqueue_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
	"millrace/runtime/queue/jetqueue"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/record"
	"millrace/runtime/store/repair"
)

func TestMain(m *testing.M) { os.Exit(backbonetest.Main(m)) }

var ctx = context.Background()

// An env is queues on an embedded backbone, which can be closed and opened.
type env struct {
	testing.TB
	dir      string
	options  jetqueue.Options
	sync     backbone.Sync
	lazy     bool // queues are opened when they are used
	backbone *backbone.Backbone
	records  *record.Store
	queues   *jetqueue.Queues
}

func start(tb testing.TB, o jetqueue.Options) *env {
	tb.Helper()
	e := &env{TB: tb, dir: tb.TempDir(), options: o}
	e.open()
	tb.Cleanup(e.close)
	return e
}

func (e *env) open() {
	e.Helper()
	if e.lazy {
		_, whole, err := repair.Check(e.dir)
		if err != nil {
			e.Fatal(err)
		}
		e.options.IntactRange = func(stream string) (first, last uint64, ok bool) {
			w, ok := whole[stream]
			return w.First, w.Last, ok
		}
	}
	e.startParts()
	e.queues = jetqueue.New(e.backbone, e.records, e.options)
	if err := e.queues.Start(ctx); err != nil {
		e.Fatal(err)
	}
}

// startParts starts the parts that the queues need.
func (e *env) startParts() {
	e.Helper()
	var err error
	e.backbone = backbone.New(e.config())
	if err = e.backbone.Start(ctx); err != nil {
		e.Fatal(err)
	}
	e.records = record.New(e.backbone.JetStream(), nil)
	if err = e.records.Start(ctx); err != nil {
		e.Fatal(err)
	}
}

func (e *env) config() backbone.Config {
	c := backbone.Config{Dir: e.dir, Sync: e.sync}
	if e.lazy {
		c.IsParked = jetqueue.IsQueueLog
	}
	return c
}

func (e *env) close() {
	if err := errors.Join(e.queues.Stop(ctx), e.records.Stop(ctx), e.backbone.Stop(ctx)); err != nil {
		e.Errorf("closing: %v", err)
	}
}

// reopen closes everything and opens it again; Queues have to be looked up again.
func (e *env) reopen() {
	e.Helper()
	e.close()
	e.open()
}

func id(name string) queue.ID {
	return queue.ID{Account: "000000000000", Region: "us-east-1", Name: name}
}

func (e *env) create(name string, change func(*queue.Config)) *jetqueue.Queue {
	e.Helper()
	c := queue.Config{Visibility: 30 * time.Second, Retention: 4 * 24 * time.Hour, MaxBytes: 1 << 20}
	if change != nil {
		change(&c)
	}
	q, err := e.queues.Create(ctx, id(name), c)
	if err != nil {
		e.Fatal(err)
	}
	return q
}

func (e *env) get(name string) *jetqueue.Queue {
	e.Helper()
	q, err := e.queues.Get(id(name))
	if err != nil {
		e.Fatal(err)
	}
	return q
}

func (e *env) send(q *jetqueue.Queue, messages ...queue.Message) []queue.SendResult {
	e.Helper()
	sent, err := q.Send(ctx, messages...)
	if err != nil {
		e.Fatal(err)
	}
	return sent
}

// receive wants messages with these bodies.
func (e *env) receive(q *jetqueue.Queue, r queue.ReceiveRequest, want ...string) []queue.ReceivedMessage {
	e.Helper()
	got, err := q.Receive(ctx, r)
	if err != nil {
		e.Fatal(err)
	}
	var bodies []string
	for _, m := range got {
		bodies = append(bodies, m.Body)
	}
	if fmt.Sprint(bodies) != fmt.Sprint(want) {
		e.Fatalf("received %.100q, want %.100q", bodies, want)
	}
	return got
}

func (e *env) delete(q *jetqueue.Queue, m queue.ReceivedMessage) {
	e.Helper()
	if err := q.Delete(ctx, m.ReceiptHandle)[0]; err != nil {
		e.Fatal(err)
	}
}

func (e *env) counts(q *jetqueue.Queue, visible, inFlight, delayed int) {
	e.Helper()
	c, err := q.Counts(ctx)
	c.Oldest = time.Time{}
	if want := (queue.Counts{Visible: visible, InFlight: inFlight, Delayed: delayed}); err != nil || c != want {
		e.Fatalf("counts %+v, %v, want %+v", c, err, want)
	}
}

func body(s string) queue.Message { return queue.Message{Body: s} }

var (
	one  = queue.ReceiveRequest{Max: 1}
	ten  = queue.ReceiveRequest{Max: 10}
	poll = queue.ReceiveRequest{Max: 10, Wait: 20 * time.Second}
)

// bubble runs a test inside a synctest bubble, server and all.
func bubble(t *testing.T, o jetqueue.Options, f func(*env)) {
	synctest.Test(t, func(t *testing.T) { f(start(t, o)) })
}

func TestStateSurvivesARestart(t *testing.T) {
	bubble(t, jetqueue.Options{}, func(e *env) {
		q := e.create("orders", nil)
		msg := queue.Message{
			Body: "in flight", SenderID: "AIDA", TraceHeader: "Root=1", TraceParent: "00-1",
			Attributes: []queue.Attribute{{Name: "a", DataType: "Number", Value: []byte("1")}},
		}
		e.send(q, msg)
		hidden := e.receive(q, one, "in flight")
		e.send(q, body("deleted"))
		e.delete(q, e.receive(q, one, "deleted")[0])
		later := time.Minute
		e.send(q, body("visible"), queue.Message{Body: "delayed", Delay: &later})
		time.Sleep(10 * time.Second)
		e.reopen()
		q = e.get("orders")
		e.counts(q, 1, 1, 1)
		if err := q.ChangeVisibility(ctx, queue.VisibilityChange{ReceiptHandle: hidden[0].ReceiptHandle, Timeout: 5 * time.Second})[0]; err != nil {
			e.Fatalf("the handle of before: %v", err)
		}
		e.reopen()
		q = e.get("orders")
		e.receive(q, ten, "visible")
		began := time.Now()
		again := e.receive(q, poll, "in flight")[0]
		if waited := time.Since(began); waited != 5*time.Second {
			e.Errorf("it came back after %v", waited)
		}
		if again.Receives != 2 || again.MessageID != hidden[0].MessageID || !again.FirstReceived.Equal(hidden[0].FirstReceived) {
			e.Errorf("it changed: %+v, before %+v", again, hidden[0])
		}
		if string(again.Attributes[0].Value) != "1" || again.TraceHeader != msg.TraceHeader || again.SenderID != msg.SenderID {
			e.Errorf("it lost something: %+v", again)
		}
	})
}

func TestLongPollWakes(t *testing.T) {
	tests := []struct {
		cause  string
		fifo   bool
		before func(*env, *jetqueue.Queue) func() // and what to do while the poll waits
		after  time.Duration
	}{
		{cause: "a send", after: time.Second, before: func(e *env, q *jetqueue.Queue) func() {
			return func() { e.send(q, body("m")) }
		}},
		{cause: "the end of a delay", after: 7 * time.Second, before: func(e *env, q *jetqueue.Queue) func() {
			d := 7 * time.Second
			e.send(q, queue.Message{Body: "m", Delay: &d})
			return nil
		}},
		{cause: "the end of a visibility", after: 9 * time.Second, before: func(e *env, q *jetqueue.Queue) func() {
			e.send(q, body("m"))
			hide := 9 * time.Second
			e.receive(q, queue.ReceiveRequest{Max: 1, Visibility: &hide}, "m")
			return nil
		}},
		{cause: "a visibility changed to nothing", after: time.Second, before: func(e *env, q *jetqueue.Queue) func() {
			e.send(q, body("m"))
			h := e.receive(q, one, "m")[0].ReceiptHandle
			return func() { q.ChangeVisibility(ctx, queue.VisibilityChange{ReceiptHandle: h}) }
		}},
		{cause: "a group freed by a delete", fifo: true, after: time.Second, before: func(e *env, q *jetqueue.Queue) func() {
			e.send(q, queue.Message{Body: "first", GroupID: "g", DedupID: "1"}, queue.Message{Body: "m", GroupID: "g", DedupID: "2"})
			first := e.receive(q, one, "first")[0]
			return func() { e.delete(q, first) }
		}},
		{cause: "the end of a FIFO queue's delay, made shorter", fifo: true, after: 3 * time.Second, before: func(e *env, q *jetqueue.Queue) func() {
			q.Configure(ctx, func(c *queue.Config) error { c.Delay = time.Minute; return nil })
			e.send(q, queue.Message{Body: "m", GroupID: "g", DedupID: "1"})
			return func() {
				q.Configure(ctx, func(c *queue.Config) error { c.Delay = 3 * time.Second; return nil })
			}
		}},
	}
	for _, test := range tests {
		t.Run(test.cause, func(t *testing.T) {
			bubble(t, jetqueue.Options{}, func(e *env) {
				name := "orders"
				if test.fifo {
					name += ".fifo"
				}
				q := e.create(name, nil)
				then := test.before(e, q)
				began := time.Now()
				if then != nil {
					go func() {
						time.Sleep(time.Second)
						then()
					}()
				}
				e.receive(q, poll, "m")
				if waited := time.Since(began); waited != test.after {
					e.Errorf("woken after %v, want %v", waited, test.after)
				}
			})
		})
	}
}

func TestReceiveEnds(t *testing.T) {
	bubble(t, jetqueue.Options{}, func(e *env) {
		q := e.create("orders", nil)
		began := time.Now()
		e.receive(q, poll)
		if waited := time.Since(began); waited != 20*time.Second {
			e.Errorf("an empty long poll took %v", waited)
		}
		forever := queue.ReceiveRequest{Max: 1, Wait: queue.Forever}
		for want, end := range map[error]func(){
			context.DeadlineExceeded: func() {},
			fault.NotFound:           func() { e.queues.Delete(ctx, q.ID()) },
		} {
			q = e.get("orders")
			ctx, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			if want == fault.NotFound {
				go end()
			}
			if _, err := q.Receive(ctx, forever); !errors.Is(err, want) {
				e.Errorf("got %v, want %v", err, want)
			}
			if want == fault.NotFound {
				e.create("orders", nil)
			}
		}
		q = e.get("orders")
		go func() {
			time.Sleep(time.Second)
			e.queues.Stop(ctx)
		}()
		if _, err := q.Receive(ctx, forever); !errors.Is(err, fault.Unavailable) {
			e.Errorf("closed: %v", err)
		}
		if _, err := q.Send(ctx, body("m")); !errors.Is(err, fault.Unavailable) {
			e.Errorf("after closing: %v", err)
		}
	})
}

func TestDedupLastsFiveMinutesAcrossRestarts(t *testing.T) {
	bubble(t, jetqueue.Options{}, func(e *env) {
		q := e.create("orders.fifo", func(c *queue.Config) { c.ContentDedup = true })
		m := queue.Message{Body: "m", GroupID: "g"}
		first := e.send(q, m)[0]
		e.delete(q, e.receive(q, one, "m")[0])
		time.Sleep(5*time.Minute - time.Second)
		e.reopen()
		q = e.get("orders.fifo")
		if again := e.send(q, m)[0]; !again.Duplicate || again.MessageID != first.MessageID || again.SequenceNumber != first.SequenceNumber {
			e.Errorf("got %+v, want a duplicate of %+v", again, first)
		}
		e.counts(q, 0, 0, 0)
		time.Sleep(time.Second)
		if again := e.send(q, m)[0]; again.Duplicate || again.SequenceNumber <= first.SequenceNumber || len(again.SequenceNumber) != 20 {
			e.Errorf("after five minutes: %+v", again)
		}
		q.Purge(ctx)
		if again := e.send(q, m)[0]; again.Duplicate {
			e.Error("a purge clears the memory")
		}
	})
}

func TestDeadLetters(t *testing.T) {
	var log bytes.Buffer
	debug := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	bubble(t, jetqueue.Options{Log: debug}, func(e *env) {
		e.create("dead", nil)
		q := e.create("orders", func(c *queue.Config) { c.DeadLetter = &queue.DeadLetter{Target: id("dead"), MaxReceives: 2} })
		sent := e.send(q, body("m"))[0]
		first := e.receive(q, one, "m")[0]
		time.Sleep(30 * time.Second)
		e.receive(q, one, "m")
		time.Sleep(30 * time.Second)
		e.receive(q, one)
		got := e.receive(e.get("dead"), poll, "m")[0]
		if got.MessageID != sent.MessageID || got.Receives != 3 || !got.Sent.Equal(first.Sent) || got.DeadLetterSource != q.ID().ARN().String() {
			e.Errorf("got %+v", got)
		}
		e.counts(q, 0, 0, 0)
		synctest.Wait()
		want := `level=DEBUG msg="a message moved to its dead-letter queue" queue=orders target=dead message=` + sent.MessageID + " receives=2\n"
		if !strings.Contains(log.String(), want) {
			e.Errorf("no line of %s in\n%s", want, log.String())
		}
		e.reopen()
		e.counts(e.get("orders"), 0, 0, 0)
		e.counts(e.get("dead"), 0, 1, 0)

		e.queues.Delete(ctx, id("dead")) // now there is nowhere to go
		q = e.get("orders")
		e.send(q, body("stays"))
		for range 5 {
			e.receive(q, poll, "stays")
			time.Sleep(30 * time.Second)
		}
	})
}

func TestDeadLettersOfAGroupReleaseIt(t *testing.T) {
	bubble(t, jetqueue.Options{}, func(e *env) {
		dead := e.create("dead.fifo", nil)
		q := e.create("orders.fifo", func(c *queue.Config) { c.DeadLetter = &queue.DeadLetter{Target: dead.ID(), MaxReceives: 1} })
		e.send(q, queue.Message{Body: "head", GroupID: "g", DedupID: "1"}, queue.Message{Body: "next", GroupID: "g", DedupID: "2"})
		head := e.receive(q, one, "head")[0]
		time.Sleep(30 * time.Second)
		e.receive(q, one, "next")
		if got := e.receive(dead, poll, "head")[0]; got.DedupID != head.MessageID || got.GroupID != "g" {
			e.Errorf("got %+v", got)
		}
	})
}

// intrude writes to the log of the only queue as another owner would.
func (e *env) intrude() {
	e.Helper()
	names := e.backbone.JetStream().StreamNames(ctx)
	for name := range names.Name() {
		if !strings.HasPrefix(name, "MILLRACE_QUEUE_") {
			continue
		}
		m := queue.New(queue.Config{}, queue.Options{Random: rand.NewPCG(1, 2)})
		m.Begin(time.Now(), time.Now())
		m.WriteTakeover()
		s, err := e.backbone.JetStream().Stream(ctx, name)
		if err != nil {
			e.Fatal(err)
		}
		if _, err := e.backbone.JetStream().Publish(ctx, s.CachedInfo().Config.Subjects[0], m.Commit(queue.ContentKey{}).Entry); err != nil {
			e.Fatal(err)
		}
	}
}

// Receives keep waiting while the log fails: each gets a message, and canceled ones
// get none.
func TestReceivesKeepWaitingWhenTheLogFails(t *testing.T) {
	bubble(t, jetqueue.Options{}, func(e *env) {
		const receivers = 20
		q := e.create("orders", nil)
		e.send(q, queue.Message{Body: "before", Delay: &aWhile})
		e.intrude()
		e.intrude() // for each of the entries under way at once
		var all sync.WaitGroup
		for range receivers {
			all.Go(func() {
				q.Send(ctx, queue.Message{Body: "lost", Delay: &aWhile})
			})
			all.Go(func() {
				if got, err := q.Receive(ctx, queue.ReceiveRequest{Max: 1, Wait: 20 * time.Second}); err != nil || len(got) != 1 {
					e.Errorf("received %d, %v", len(got), err)
				}
			})
		}
		time.Sleep(time.Second)
		for range receivers {
			e.send(q, body("after"))
		}
		all.Wait()
	})
}

func TestOwnerRereadsTheLogAfterAnotherWrote(t *testing.T) {
	bubble(t, jetqueue.Options{}, func(e *env) {
		q := e.create("orders", nil)
		e.send(q, body("before"))
		e.intrude()
		if _, err := q.Send(ctx, body("lost")); !errors.Is(err, fault.Unavailable) {
			e.Fatalf("got %v, want fault.Unavailable", err)
		}
		e.send(q, body("after"))
		e.receive(q, ten, "before", "after")
		waited := make(chan []queue.ReceivedMessage)
		go func() {
			got, _ := q.Receive(ctx, poll)
			waited <- got
		}()
		synctest.Wait()
		e.intrude()
		if err := q.Purge(ctx); !errors.Is(err, fault.Unavailable) {
			e.Fatalf("got %v, want fault.Unavailable", err)
		}
		e.send(q, body("for the one who waits"))
		if got := <-waited; len(got) != 1 {
			e.Errorf("a receive that waited got %v", got)
		}
	})
}

// TestFullLog fills a stream, as a full disk would.
func TestFullLog(t *testing.T) {
	bubble(t, jetqueue.Options{}, func(e *env) {
		q := e.create("orders", nil)
		e.send(q, body("before"))
		limit := func(n int64) {
			infos := e.backbone.JetStream().ListStreams(ctx)
			for info := range infos.Info() {
				if c := info.Config; strings.HasPrefix(c.Name, "MILLRACE_QUEUE_") {
					c.MaxMsgs, c.Discard = n, jetstream.DiscardNew
					if _, err := e.backbone.JetStream().UpdateStream(ctx, c); err != nil {
						e.Fatal(err)
					}
				}
			}
		}
		limit(1)
		for range 3 {
			if _, err := q.Send(ctx, body("refused")); !errors.Is(err, fault.Unavailable) {
				e.Fatalf("got %v, want fault.Unavailable", err)
			}
		}
		limit(-1)
		e.send(q, body("after"))
		e.receive(q, ten, "before", "after")
	})
}

func TestContentsBeyondTheBudgetAreReadBack(t *testing.T) {
	bubble(t, jetqueue.Options{BodyBudget: 10_000}, func(e *env) {
		q := e.create("orders", nil)
		var want []string
		for i := range 50 {
			want = append(want, fmt.Sprint(i, strings.Repeat("x", 1000)))
			e.send(q, body(want[i]))
		}
		for i := 0; i < 50; i += 10 {
			e.receive(q, ten, want[i:i+10]...)
		}
	})
}

// streamSize is what the log of the only queue takes, in bytes.
func (e *env) streamSize() (size uint64) {
	infos := e.backbone.JetStream().ListStreams(ctx)
	for info := range infos.Info() {
		if strings.HasPrefix(info.Config.Name, "MILLRACE_QUEUE_") {
			size += info.State.Bytes
		}
	}
	return size
}

func TestLogIsCompacted(t *testing.T) {
	for _, budget := range []int64{0, 1} {
		bubble(t, jetqueue.Options{BodyBudget: budget}, func(e *env) {
			q := e.create("orders.fifo", func(c *queue.Config) { c.Visibility = 12 * time.Hour })
			e.send(q, queue.Message{Body: "old", GroupID: "o", DedupID: "o"})
			old := e.receive(q, one, "old")[0]
			time.Sleep(queue.DedupWindow)
			e.send(q, queue.Message{Body: "waits", GroupID: "w", DedupID: "w"})
			big := strings.Repeat("x", 512<<10)
			for i := range 60 {
				e.send(q, queue.Message{Body: big, GroupID: "g", DedupID: fmt.Sprint(i)})
				hide := time.Hour
				for _, m := range e.some(q, queue.ReceiveRequest{Max: 10, Visibility: &hide}) {
					if m.Body == big {
						e.delete(q, m)
					}
				}
			}
			synctest.Wait()
			if size := e.streamSize(); size > 24<<20 {
				e.Errorf("budget %d: the log has %d bytes, for two small messages", budget, size)
			}
			if again := e.send(q, queue.Message{Body: big, GroupID: "g", DedupID: "0"})[0]; !again.Duplicate {
				e.Error("a deduplication id was purged with its message")
			}
			e.reopen()
			q = e.get("orders.fifo")
			e.counts(q, 0, 2, 0)
			if again := e.send(q, queue.Message{Body: big, GroupID: "g", DedupID: "59"})[0]; !again.Duplicate {
				e.Error("a deduplication id was lost by the restart")
			}
			e.delete(q, old)
			time.Sleep(time.Hour)
			e.receive(q, ten, "waits")
			if next := e.send(q, queue.Message{Body: "next", GroupID: "g", DedupID: "next"})[0]; next.SequenceNumber != "10000000000000000063" {
				e.Errorf("the counter was lost: %s", next.SequenceNumber)
			}
		})
	}
}

func (e *env) some(q *jetqueue.Queue, r queue.ReceiveRequest) []queue.ReceivedMessage {
	e.Helper()
	got, err := q.Receive(ctx, r)
	if err != nil {
		e.Fatal(err)
	}
	return got
}

func TestQueueLifecycle(t *testing.T) {
	bubble(t, jetqueue.Options{}, func(e *env) {
		q := e.create("b", nil)
		e.create("a", nil)
		e.create("other", nil)
		if _, err := e.queues.Create(ctx, id("a"), queue.Config{}); !errors.Is(err, fault.Exists) {
			e.Errorf("creating again: %v", err)
		}
		if got := e.queues.List("000000000000", "us-east-1", ""); fmt.Sprint(got) != fmt.Sprint([]queue.ID{id("a"), id("b"), id("other")}) {
			e.Errorf("listed %v", got)
		}
		e.send(q, body("m"))
		handle := e.receive(q, one, "m")[0].ReceiptHandle
		if err := e.queues.Delete(ctx, id("b")); err != nil {
			e.Fatal(err)
		}
		if _, err := q.Send(ctx, body("m")); !errors.Is(err, fault.NotFound) {
			e.Errorf("sending to a deleted queue: %v", err)
		}
		q = e.create("b", nil)
		if err := q.Delete(ctx, handle)[0]; err != queue.ErrInvalidHandle {
			e.Errorf("a handle of the queue's former life: %v", err)
		}
		e.reopen()
		e.counts(e.get("b"), 0, 0, 0)
		if err := e.queues.Reset(ctx); err != nil {
			e.Fatal(err)
		}
		if size := e.streamSize(); size != 0 || len(e.queues.List("000000000000", "us-east-1", "")) != 0 {
			e.Error("a reset leaves nothing")
		}
	})
}

func TestTooLargeMessageNamesTheSetting(t *testing.T) {
	e := start(t, jetqueue.Options{})
	q := e.create("orders", nil)
	_, err := q.Send(ctx, body(strings.Repeat("x", backbone.MaxPayload)))
	if !errors.Is(err, fault.TooLarge) || !strings.Contains(err.Error(), "max_payload") {
		t.Errorf("got %v", err)
	}
}
