package moves_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
	"millrace/runtime/lifecycle/lifecycletest"
	"millrace/runtime/queue"
	"millrace/runtime/queue/moves"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/record"
)

func TestMain(m *testing.M) { os.Exit(backbonetest.Main(m)) }

var (
	dead   = queue.ID{Account: "000000000000", Region: "us-east-1", Name: "dead"}
	orders = queue.ID{Account: "000000000000", Region: "us-east-1", Name: "orders"}
)

// A world is some queues that exist, and the records of their tasks.
type world struct {
	*testing.T
	js      jetstream.JetStream
	records *record.Store
	tasks   *moves.Tasks

	mu     sync.Mutex
	queues map[queue.ID]*fake
}

// A fake is a queue that holds a number of messages, all alike.
type fake struct {
	w          *world
	generation uint64

	mu        sync.Mutex
	visible   int
	elsewhere bool          // another runtime owns it
	takes     time.Duration // that a batch takes
	err       error         // what comes of the next moves, after moving nothing
	at        []time.Time   // when each message went
}

func (f *fake) Generation() uint64 { return f.generation }

func (f *fake) OwnedHere() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.elsewhere
}

func (f *fake) Counts(context.Context) (queue.Counts, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return queue.Counts{Visible: f.visible}, nil
}

func (f *fake) Move(ctx context.Context, n int, to *queue.ID) (int, error) {
	if to != nil {
		if _, err := f.w.find(*to); err != nil {
			return 0, err
		}
	}
	n, takes, err := f.take(n)
	time.Sleep(takes)
	return n, err
}

func (f *fake) take(n int) (int, time.Duration, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return 0, 0, f.err
	}
	n = min(n, f.visible)
	f.visible -= n
	for range n {
		f.at = append(f.at, time.Now())
	}
	return n, f.takes, nil
}

func (f *fake) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *fake) moved() []time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.at
}

func (w *world) find(id queue.ID) (moves.Queue, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if q := w.queues[id]; q != nil {
		return q, nil
	}
	return nil, fault.New(fault.NotFound, "no queue %s", id.Name)
}

// create makes a queue, in the place of one that was there.
func (w *world) create(id queue.ID, visible int) *fake {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := &fake{w: w, visible: visible, generation: 1}
	if was := w.queues[id]; was != nil {
		f.generation = was.generation + 1
	}
	w.queues[id] = f
	return f
}

func (w *world) remove(id queue.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.queues, id)
}

// in runs a test in a bubble, with tasks over an embedded server.
func in(t *testing.T, test func(*world)) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := backbonetest.Start(t, dir)
		records := record.New(b.JetStream(), nil)
		if err := records.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer records.Stop(t.Context())
		w := &world{T: t, js: b.JetStream(), records: records, queues: map[queue.ID]*fake{}}
		w.open()
		defer w.stop()
		test(w)
	})
}

// second is the view of another runtime on the records.
func (w *world) second() *record.Store {
	w.Helper()
	records := record.New(w.js, nil)
	if err := records.Start(w.Context()); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { records.Stop(context.Background()) })
	return records
}

func (w *world) open() {
	w.Helper()
	w.tasks = moves.New(moves.Config{Records: w.records, Queue: w.find})
	if err := w.tasks.Start(w.Context()); err != nil {
		w.Fatal(err)
	}
}

func (w *world) stop() {
	w.Helper()
	if err := w.tasks.Stop(context.Background()); err != nil {
		w.Errorf("stopping: %v", err)
	}
}

func (w *world) start(s moves.Spec) moves.Task {
	w.Helper()
	t, err := w.tasks.Create(w.Context(), s)
	if err != nil {
		w.Fatal(err)
	}
	return t
}

// now is what a list shows of the newest task of the dead-letter queue, after a
// time has passed and all has been done that is due by then.
func (w *world) after(d time.Duration) moves.Task {
	w.Helper()
	time.Sleep(d)
	synctest.Wait()
	all := w.tasks.List(dead, 10)
	if len(all) == 0 {
		w.Fatal("no task is listed")
	}
	return all[0]
}

func (w *world) expect(t moves.Task, status moves.Status, moved int, reason string) {
	w.Helper()
	if t.Status != status || t.Moved != moved || t.Reason != reason {
		w.Errorf("%s, %d moved, reason %q; want %s, %d, %q", t.Status, t.Moved, t.Reason, status, moved, reason)
	}
}

func TestATaskMovesAllAndCompletes(t *testing.T) {
	in(t, func(w *world) {
		w.create(dead, 250)
		w.create(orders, 0)
		told := w.start(moves.Spec{Source: dead, Destination: &orders})
		if told.Status != moves.Running || told.ToMove != 250 || told.Moved != 0 || told.ID == "" || !told.Started.Equal(time.Now()) {
			w.Errorf("the answer: %+v", told)
		}
		done := w.after(time.Second)
		w.expect(done, moves.Completed, 250, "")
		if done.ID != told.ID || done.ToMove != 250 || *done.Destination != orders || done.Source != dead {
			w.Errorf("listed: %+v", done)
		}
	})
}

// A task with a rate keeps to it, and moves in the first moment.
func TestRate(t *testing.T) {
	for _, test := range []struct{ rate, messages int }{{1, 4}, {7, 30}, {25, 100}, {500, 1200}} {
		t.Run(fmt.Sprint(test.rate), func(t *testing.T) {
			in(t, func(w *world) {
				q := w.create(dead, test.messages)
				began := time.Now()
				w.start(moves.Spec{Source: dead, Rate: test.rate})
				w.expect(w.after(time.Minute), moves.Completed, test.messages, "")
				at := q.moved()
				if !at[0].Equal(began) {
					w.Errorf("the first message left after %v", at[0].Sub(began))
				}
				for i := test.rate; i < len(at); i++ {
					if gap := at[i].Sub(at[i-test.rate]); gap < 900*time.Millisecond {
						w.Errorf("messages %d and %d left within %v", i-test.rate, i, gap)
					}
				}
				most := time.Duration(test.messages) * time.Second / time.Duration(test.rate)
				if took := at[len(at)-1].Sub(began); took > most {
					w.Errorf("it took %v, want %v at most", took, most)
				}
			})
		})
	}
}

func TestCancel(t *testing.T) {
	in(t, func(w *world) {
		w.create(dead, 100)
		told := w.start(moves.Spec{Source: dead, Rate: 1})
		w.expect(w.after(10*time.Second+time.Millisecond), moves.Running, 11, "")
		c, err := w.tasks.Cancel(w.Context(), dead, told.ID)
		if err != nil {
			w.Fatal(err)
		}
		w.expect(c, moves.Cancelling, 11, "")
		w.expect(w.after(0), moves.Cancelled, 11, "")
		w.expect(w.after(time.Minute), moves.Cancelled, 11, "")
		if _, err := w.tasks.Cancel(w.Context(), dead, told.ID); !errors.Is(err, moves.ErrNotRunning) {
			w.Errorf("cancelling again: %v", err)
		}
		again := w.start(moves.Spec{Source: dead})
		if again.ToMove != 89 {
			w.Errorf("another task is to move %d", again.ToMove)
		}
	})
}

// The batch under way is counted before a cancelled task ends.
func TestCancelDuringABatch(t *testing.T) {
	in(t, func(w *world) {
		w.create(dead, 300).takes = 10 * time.Second
		told := w.start(moves.Spec{Source: dead})
		w.expect(w.after(11*time.Second), moves.Running, 100, "")
		if _, err := w.tasks.Cancel(w.Context(), dead, told.ID); err != nil {
			w.Fatal(err)
		}
		w.expect(w.after(0), moves.Cancelling, 100, "")
		w.expect(w.after(10*time.Second), moves.Cancelled, 200, "")
	})
}

func TestRefusals(t *testing.T) {
	in(t, func(w *world) {
		w.create(dead, 1000)
		w.create(orders, 0)
		fifo := orders
		fifo.Name = "orders.fifo"
		w.create(fifo, 0)
		none := orders
		none.Name = "none"
		running := w.start(moves.Spec{Source: dead, Rate: 1})

		for _, test := range []struct {
			rule string
			spec moves.Spec
			want error
		}{
			{"a rate below 0", moves.Spec{Source: dead, Rate: -1}, moves.ErrSpec},
			{"a rate above 500", moves.Spec{Source: dead, Rate: 501}, moves.ErrSpec},
			{"a destination of another type", moves.Spec{Source: dead, Destination: &fifo}, moves.ErrSpec},
			{"from a queue to itself", moves.Spec{Source: dead, Destination: &dead}, moves.ErrSpec},
			{"no source", moves.Spec{Source: none}, moves.ErrSource},
			{"no destination", moves.Spec{Source: dead, Destination: &none}, moves.ErrDestination},
			{"a second task", moves.Spec{Source: dead}, moves.ErrActive},
		} {
			if _, err := w.tasks.Create(w.Context(), test.spec); !errors.Is(err, test.want) {
				w.Errorf("%s: %v, want %v", test.rule, err, test.want)
			}
		}
		if all := w.tasks.List(dead, 10); len(all) != 1 || all[0].ID != running.ID || all[0].Status != moves.Running {
			w.Errorf("after the refusals: %+v", all)
		}
		if _, err := w.tasks.Cancel(w.Context(), dead, "none"); !errors.Is(err, moves.ErrTask) {
			w.Errorf("cancelling a task that never was: %v", err)
		}
		if _, err := w.tasks.Cancel(w.Context(), orders, running.ID); !errors.Is(err, moves.ErrTask) {
			w.Errorf("cancelling a task of another queue: %v", err)
		}
		if _, err := w.tasks.Cancel(w.Context(), none, running.ID); !errors.Is(err, moves.ErrSource) {
			w.Errorf("cancelling a task of no queue: %v", err)
		}
		if all := w.tasks.List(none, 10); all != nil {
			w.Errorf("tasks of no queue: %v", all)
		}
	})
}

func TestAHundredActiveTasks(t *testing.T) {
	in(t, func(w *world) {
		id := func(account string, i int) queue.ID {
			return queue.ID{Account: account, Region: "us-east-1", Name: fmt.Sprintf("dead-%d", i)}
		}
		for i := range 101 {
			w.create(id("000000000000", i), 1000)
		}
		w.create(id("000000000001", 0), 1000)
		for i := range 100 {
			w.start(moves.Spec{Source: id("000000000000", i), Rate: 1})
		}
		if _, err := w.tasks.Create(w.Context(), moves.Spec{Source: id("000000000000", 100)}); !errors.Is(err, moves.ErrTooMany) {
			w.Errorf("the 101st task: %v", err)
		}
		w.start(moves.Spec{Source: id("000000000001", 0), Rate: 1}) // accounts count apart
		one := w.tasks.List(id("000000000000", 7), 1)[0]
		if _, err := w.tasks.Cancel(w.Context(), id("000000000000", 7), one.ID); err != nil {
			w.Fatal(err)
		}
		synctest.Wait()
		w.start(moves.Spec{Source: id("000000000000", 100), Rate: 1})
	})
}

func TestFailures(t *testing.T) {
	in(t, func(w *world) {
		q := w.create(dead, 100)
		w.create(orders, 0)
		w.start(moves.Spec{Source: dead, Destination: &orders, Rate: 1})
		w.after(9*time.Second + time.Millisecond)
		w.remove(orders)
		w.expect(w.after(time.Second), moves.Failed, 10, "AWS.SimpleQueueService.NonExistentQueue")

		q.fail(queue.ErrNoDeadLetterSource)
		w.start(moves.Spec{Source: dead})
		w.expect(w.after(time.Second), moves.Failed, 0, "CouldNotDetermineMessageSource")
		if n := len(w.tasks.List(dead, 10)); n != 2 {
			w.Errorf("%d tasks are listed", n)
		}
	})
}

// What may pass is waited for, a minute at most at a time.
func TestUnavailable(t *testing.T) {
	in(t, func(w *world) {
		q := w.create(dead, 100)
		q.fail(fault.New(fault.Unavailable, "the log is full"))
		w.start(moves.Spec{Source: dead})
		w.expect(w.after(time.Minute), moves.Running, 0, "")
		q.fail(nil)
		w.expect(w.after(time.Minute), moves.Completed, 100, "")
	})
}

// A task ends with its source, and a new queue of the name knows nothing of it.
func TestSourceDeleted(t *testing.T) {
	in(t, func(w *world) {
		q := w.create(dead, 100)
		w.start(moves.Spec{Source: dead, Rate: 1})
		w.after(time.Second)
		fresh := w.create(dead, 50)
		if all := w.tasks.List(dead, 10); len(all) != 0 {
			w.Errorf("the new queue has %d tasks", len(all))
		}
		before := len(q.moved())
		time.Sleep(time.Minute)
		if n := len(fresh.moved()) + len(q.moved()) - before; n != 0 {
			w.Errorf("%d messages moved", n)
		}
		w.start(moves.Spec{Source: dead})
		w.expect(w.after(time.Second), moves.Completed, 50, "")
		if all := w.tasks.List(dead, 10); len(all) != 1 {
			w.Errorf("the new queue has %d tasks", len(all))
		}
	})
}

// A stop waits for the batch under way; the next start goes on.
func TestRestart(t *testing.T) {
	in(t, func(w *world) {
		q := w.create(dead, 100)
		q.takes = 200 * time.Millisecond
		told := w.start(moves.Spec{Source: dead, Rate: 10})
		time.Sleep(10*time.Second + 100*time.Millisecond)
		w.stop()
		n := len(q.moved())
		if listed := w.tasks.List(dead, 1); listed[0].Moved != n || listed[0].Status != moves.Running {
			w.Errorf("%d messages moved, listed is %+v", n, listed[0])
		}
		if _, err := w.tasks.Create(w.Context(), moves.Spec{Source: dead}); fault.Of(err) != fault.Unavailable {
			w.Errorf("a start after the stop: %v", err)
		}
		time.Sleep(time.Minute)
		if len(q.moved()) != n {
			w.Error("messages move after the stop")
		}
		w.open()
		done := w.after(time.Minute)
		w.expect(done, moves.Completed, 100, "")
		if done.ID != told.ID || !done.Started.Equal(told.Started) {
			w.Errorf("%+v went on as %+v", told, done)
		}
	})
}

// A task that was being cancelled at the kill is cancelled.
func TestRestartWhileCancelling(t *testing.T) {
	in(t, func(w *world) {
		w.create(dead, 300).takes = time.Minute
		told := w.start(moves.Spec{Source: dead})
		time.Sleep(time.Second)
		if _, err := w.tasks.Cancel(w.Context(), dead, told.ID); err != nil {
			w.Fatal(err)
		}
		// As a kill does, the second runner starts without the first one's last report.
		first := w.tasks
		w.open()
		w.expect(w.after(time.Second), moves.Cancelled, 0, "")
		if err := first.Stop(w.Context()); err != nil {
			w.Error(err)
		}
		w.expect(w.after(0), moves.Cancelled, 0, "")
	})
}

func TestReset(t *testing.T) {
	in(t, func(w *world) {
		q := w.create(dead, 100)
		w.start(moves.Spec{Source: dead, Rate: 1})
		w.after(time.Second)
		if err := w.tasks.Reset(w.Context()); err != nil {
			w.Fatal(err)
		}
		n := len(q.moved())
		time.Sleep(time.Minute)
		if all := w.tasks.List(dead, 10); len(all) != 0 || len(q.moved()) != n {
			w.Errorf("after the reset: %v, and %d messages more", all, len(q.moved())-n)
		}
		w.start(moves.Spec{Source: dead})
		w.expect(w.after(time.Second), moves.Completed, 100-n, "")
	})
}

// While another runtime owns the queue, a task is left to that; and the task that
// it started goes on here when the queue is ours.
func TestTheOwnerRunsTheTask(t *testing.T) {
	in(t, func(w *world) {
		q := w.create(dead, 150)
		q.elsewhere = true
		other := moves.New(moves.Config{Records: w.second(), Queue: w.find})
		if err := other.Start(w.Context()); err != nil {
			w.Fatal(err)
		}
		defer other.Stop(context.Background())
		told, err := other.Create(w.Context(), moves.Spec{Source: dead})
		if err != nil {
			w.Fatal(err)
		}
		w.expect(w.after(time.Minute), moves.Running, 0, "")
		if _, err := w.tasks.Create(w.Context(), moves.Spec{Source: dead}); !errors.Is(err, moves.ErrActive) {
			w.Errorf("a second task through another runtime: %v", err)
		}
		if err := other.Stop(w.Context()); err != nil {
			w.Fatal(err)
		}
		q.mu.Lock()
		q.elsewhere = false
		q.mu.Unlock()
		if done := w.after(2 * time.Second); done.ID != told.ID || done.Status != moves.Completed || done.Moved != 150 {
			w.Errorf("%+v went on as %+v", told, done)
		}
	})
}

// A task that another runtime runs is cancelled through this one.
func TestCancelReachesTheOwner(t *testing.T) {
	in(t, func(w *world) {
		w.create(dead, 100)
		away := func(id queue.ID) (moves.Queue, error) {
			q, err := w.find(id)
			return lookOn{q}, err
		}
		other := moves.New(moves.Config{Records: w.second(), Queue: away})
		if err := other.Start(w.Context()); err != nil {
			w.Fatal(err)
		}
		defer other.Stop(context.Background())
		told := w.start(moves.Spec{Source: dead, Rate: 1})
		w.after(3*time.Second + time.Millisecond)
		if _, err := other.Cancel(w.Context(), dead, told.ID); err != nil {
			w.Fatal(err)
		}
		w.expect(w.after(100*time.Millisecond), moves.Cancelled, 4, "")
		if seen := other.List(dead, 1); seen[0].Status != moves.Cancelled || seen[0].Moved != 4 {
			w.Errorf("the other runtime lists %+v", seen[0])
		}
	})
}

// lookOn is a queue as a runtime sees it that does not own it.
type lookOn struct{ moves.Queue }

func (lookOn) OwnedHere() bool { return false }

func TestTasksAreAPart(t *testing.T) {
	b := backbonetest.Start(t, t.TempDir())
	records := record.New(b.JetStream(), nil)
	if err := records.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { records.Stop(context.Background()) })
	w := &world{T: t, queues: map[queue.ID]*fake{}}
	w.create(dead, 1<<40).takes = time.Millisecond
	w.create(orders, 0)
	config := moves.Config{Records: records, Queue: w.find}
	first := moves.New(config)
	if err := first.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Create(t.Context(), moves.Spec{Source: dead, Destination: &orders, Rate: 100}); err != nil {
		t.Fatal(err)
	}
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	lifecycletest.Stress(t, func() lifecycle.Part { return moves.New(config) })
}
