package moves

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
	"millrace/runtime/store/record"
	"millrace/runtime/workers"
)

// A Queue is what tasks need of one: jetqueue.Queue.
type Queue interface {
	Generation() uint64 // tells queues of one name apart
	OwnedHere() bool    // of the runtimes that share the queue, this one is to run its tasks
	Counts(context.Context) (queue.Counts, error)

	// Move takes up to n of the oldest visible messages to the queue to or, when
	// to is nil, each to where it came from. They arrive exactly once, and are
	// counted once they are sure to. fault.NotFound is for a destination or the
	// queue itself, queue.ErrNoDeadLetterSource for a message that came from nowhere.
	Move(ctx context.Context, n int, to *queue.ID) (moved int, err error)
}

// A Config is what tasks rest on. All but Log is required.
type Config struct {
	Records *record.Store
	Queue   func(queue.ID) (Queue, error) // fault.NotFound when there is none
	Log     *slog.Logger                  // nil for none
}

// Tasks are the message move tasks of all queues, and what runs them. They are a
// lifecycle.Part.
type Tasks struct {
	config  Config
	table   *record.Table[history]
	workers *workers.Set[history, *run]

	mu sync.Mutex // serialises changes to tasks, with the start and end of their runs
}

var errStopped = fault.New(fault.Unavailable, "message move tasks are stopped")

// New builds the tasks, and runs none.
func New(c Config) *Tasks {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Tasks{config: c, table: record.NewTable[history](c.Records, "move")}
	s.workers = workers.New(workers.Config[history, *run]{Table: s.table, New: s.newRun, Mu: &s.mu, What: "message moves"})
	return s
}

// Start goes on with the tasks that are active.
func (s *Tasks) Start(ctx context.Context) error { return s.workers.Start(ctx) }

// Stop ends what runs here, after the batches under way; Start goes on with it.
// When ctx ends first it cuts them off: their messages arrive all the same.
func (s *Tasks) Stop(ctx context.Context) error { return s.workers.Stop(ctx) }

// Reset forgets all tasks, after a Stop in the same manner. Others can be created
// then.
func (s *Tasks) Reset(ctx context.Context) error { return s.workers.Reset(ctx) }

// Create begins a task: ErrSpec, ErrSource, ErrDestination, ErrActive or
// ErrTooMany when it may not.
func (s *Tasks) Create(ctx context.Context, spec Spec) (Task, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.workers.Running() {
		return Task{}, errStopped
	}
	if err := spec.check(); err != nil {
		return Task{}, err
	}
	q, err := s.config.Queue(spec.Source)
	if err != nil {
		return Task{}, missing(err, ErrSource)
	}
	if spec.Destination != nil {
		if _, err := s.config.Queue(*spec.Destination); err != nil {
			return Task{}, missing(err, ErrDestination)
		}
	}
	if s.active(spec.Source.Account) >= maxTasks {
		return Task{}, ErrTooMany
	}
	counts, err := q.Counts(ctx)
	if err != nil {
		return Task{}, missing(err, ErrSource)
	}
	t := Task{
		Spec: spec, ID: uuid.NewString(), Status: Running,
		Started: time.Now().UTC().Truncate(time.Millisecond), ToMove: counts.Visible,
	}
	_, err = s.change(ctx, spec.Source, q.Generation(), func(h history) (history, error) { return h.begin(t) })
	s.workers.SyncLocked(key(spec.Source), nil) // also when one is active already: a failed write may have left it to nobody
	if err != nil {
		return Task{}, err
	}
	return t, nil
}

// Cancel asks a running task to end: ErrSource, ErrTask or ErrNotRunning when it
// cannot. What has moved stays moved, and so does the batch under way.
func (s *Tasks) Cancel(ctx context.Context, source queue.ID, id string) (Task, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.workers.Running() {
		return Task{}, errStopped
	}
	q, err := s.config.Queue(source)
	if err != nil {
		return Task{}, missing(err, ErrSource)
	}
	h, err := s.change(ctx, source, q.Generation(), func(h history) (history, error) { return h.cancel(id) })
	if err != nil {
		return Task{}, err
	}
	s.workers.SyncLocked(key(source), nil)
	return h.find(id)
}

// List returns up to max tasks of a queue, the newest first. Older ones than the
// last Kept are forgotten, and with a queue its tasks.
func (s *Tasks) List(source queue.ID, max int) []Task {
	h, ok := s.table.Get(key(source))
	q, err := s.config.Queue(source)
	if !ok || err != nil || h.Generation != q.Generation() {
		return nil
	}
	return h.Tasks[:min(max, len(h.Tasks))]
}

// active counts the active tasks of an account. It is called with mu held.
func (s *Tasks) active(account string) (n int) {
	for _, h := range s.table.List(account + "/") {
		if h.active() {
			n++
		}
	}
	return n
}

// change stores what change makes of a queue's history, and returns what is
// stored then: what was there before when change fails. It needs no lock.
func (s *Tasks) change(ctx context.Context, source queue.ID, generation uint64, change func(history) (history, error)) (history, error) {
	for {
		var seen history
		_, err := s.table.Update(ctx, key(source), func(h history) (history, error) {
			if h.Generation != generation {
				h = history{Generation: generation} // those were the tasks of an earlier queue of this name
			}
			changed, err := change(h)
			seen = changed
			return changed, err
		})
		if fault.Of(err) != fault.NotFound || errors.Is(err, ErrTask) {
			return seen, err
		}
		h, err := change(history{Generation: generation})
		if err == nil {
			err = s.table.Create(ctx, key(source), h)
		}
		if fault.Of(err) != fault.Exists {
			return h, err
		}
	}
}

func key(id queue.ID) string { return id.Account + "/" + id.Region + "/" + id.Name }

// missing says what is not there, and leaves other errors as they are.
func missing(err, what error) error {
	if errors.Is(err, fault.NotFound) {
		return what
	}
	return err
}
