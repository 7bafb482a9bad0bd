package delivery_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/delivery"
	"millrace/runtime/fault"
	"millrace/runtime/queue"
	"millrace/runtime/queue/jetqueue"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/record"
)

func TestMain(m *testing.M) { os.Exit(backbonetest.Main(m)) }

var outboxID = queue.ID{Account: delivery.Reserved, Region: "local", Name: "lambda-events"}

// lambda is a sender with two kinds of pauses, as Lambda is one.
var lambda = delivery.Sender{
	Failed:  delivery.Backoff{{First: time.Minute, Last: 2 * time.Minute}},
	Refused: delivery.Backoff{{First: time.Second, Last: 5 * time.Minute}},
	DeadLetter: func(o delivery.Outcome) delivery.Event {
		e := o.Event
		e.Attributes = []queue.Attribute{{Name: "ErrorMessage", DataType: "String", Value: []byte(fmt.Sprint(o.Err, o.Reply.Failure))}}
		return e
	},
	Record: func(o delivery.Outcome) delivery.Event {
		return delivery.Event{ID: o.Event.ID, Body: fmt.Appendf(nil, "%s: %s after %d", o.Event.Body, o.Condition, o.Attempts)}
	},
}

// sns is a sender whose pauses end.
var sns = delivery.Sender{Failed: delivery.Backoff{{Times: 3}, {Times: 2, First: time.Second, Last: time.Second}, {Times: 3, First: time.Second, Last: 20 * time.Second}}}

// huge is a sender whose records no queue can keep.
var huge = delivery.Sender{
	Failed: sns.Failed,
	Record: func(delivery.Outcome) delivery.Event { return delivery.Event{Body: make([]byte, 10<<20)} },
}

// A world is an outbox over real queues, and targets that do as they are told.
type world struct {
	testing.TB
	dir    string
	queues *jetqueue.Queues
	outbox *delivery.Outbox
	down   func()
	log    bytes.Buffer

	mu      sync.Mutex
	began   time.Time
	targets map[string]*target
	told    []string // what happened
}

// A target answers as it is told to.
type target struct {
	world   *world
	name    string
	answers []string // in order; the last one stays
	denied  bool
	durable bool
}

func newWorld(t testing.TB, dir string) *world {
	w := &world{TB: t, dir: dir, began: time.Now(), targets: map[string]*target{}}
	w.start()
	return w
}

func (w *world) start() {
	w.Helper()
	ctx := context.Background()
	b := backbone.New(backbone.Config{Dir: w.dir})
	if err := b.Start(ctx); err != nil {
		w.Fatal(err)
	}
	records := record.New(b.JetStream(), nil)
	if err := records.Start(ctx); err != nil {
		w.Fatal(err)
	}
	w.queues = jetqueue.New(b, records, jetqueue.Options{Finish: func(string) string { return "finished" }}) // not the outbox's bodies
	if err := w.queues.Start(ctx); err != nil {
		w.Fatal(err)
	}
	w.outbox = delivery.New(delivery.Config{
		Queue:   func(ctx context.Context) (delivery.Queue, error) { return delivery.QueueIn(ctx, w.queues) },
		Resolve: delivery.Resolvers{"test": w.resolve}.Resolve,
		Senders: map[string]delivery.Sender{"lambda": lambda, "sns": sns, "huge": huge},
		Log:     slog.New(slog.NewTextHandler(&w.log, nil)),
	})
	if err := w.outbox.Start(ctx); err != nil {
		w.Fatal(err)
	}
	w.down = func() {
		if err := errors.Join(w.outbox.Reset(ctx), w.queues.Stop(ctx), records.Stop(ctx), b.Stop(ctx)); err != nil {
			w.Error(err)
		}
	}
}

func (w *world) resolve(name string) (delivery.Target, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.targets[strings.TrimPrefix(name, "test:")]
	switch {
	case t == nil:
		return nil, fault.New(fault.NotFound, "there is no target of this name")
	case t.durable:
		return durable{t}, nil
	}
	return t, nil
}

type durable struct{ *target }

func (durable) Durable() {}

func (t *target) Allows(s delivery.Source) error {
	if t.denied {
		return fault.New(fault.Denied, "its policy says no")
	}
	return nil
}

func (t *target) Deliver(ctx context.Context, e delivery.Event) (delivery.Reply, error) {
	answer := t.next()
	t.world.tell("%s got %s: %s", t.name, e.Body, answer)
	switch answer {
	case "ok":
		return delivery.Reply{Status: 200}, nil
	case "fail":
		return delivery.Reply{Status: 200, Failure: "Unhandled"}, nil
	case "gone":
		return delivery.Reply{}, fault.New(fault.NotFound, "it is gone")
	case "final":
		return delivery.Reply{}, delivery.Final(fault.New(fault.Throttled, "no concurrency at all"))
	case "later":
		return delivery.Reply{}, errPaced
	case "panic":
		panic("a bug")
	case "hang":
		<-ctx.Done()
		return delivery.Reply{}, ctx.Err()
	}
	return delivery.Reply{}, fault.New(fault.Throttled, "not now")
}

func (t *target) next() string {
	t.world.mu.Lock()
	defer t.world.mu.Unlock()
	answer := t.answers[0]
	if len(t.answers) > 1 {
		t.answers = t.answers[1:]
	}
	return answer
}

// tell notes what happened, with the time since the world began.
func (w *world) tell(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := time.Since(w.began).Truncate(time.Second)
	w.told = append(w.told, fmt.Sprintf("%02d:%02d:%02d ", int(at.Hours()), int(at.Minutes())%60, int(at.Seconds())%60)+fmt.Sprintf(format, args...))
}

// heard returns what happened since the last call.
func (w *world) heard() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	told := w.told
	w.told = nil
	return told
}

func (w *world) set(name string, answers ...string) *target {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.targets[name]
	if t == nil {
		t = &target{world: w, name: name}
		w.targets[name] = t
	}
	t.answers = answers
	return t
}

// inWorld runs f on a clock of its own.
func inWorld(t *testing.T, f func(*testing.T, *world)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dir)
		defer func() { w.down() }()
		f(t, w)
	})
}

// waiting counts the events in the outbox.
func (w *world) waiting() int {
	w.Helper()
	q, err := w.queues.Get(outboxID)
	if err != nil {
		w.Fatal(err)
	}
	c, err := q.Counts(context.Background())
	if err != nil {
		w.Fatal(err)
	}
	return c.Visible + c.InFlight + c.Delayed
}
