package moves

import (
	"context"
	"errors"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
)

// A batch that failed for a reason that may pass is tried again after a second,
// then after two, and so on up to a minute.
const (
	firstBackoff   = time.Second
	longestBackoff = time.Minute
)

// A run carries out one task, from its start or from a restart on. Its goroutine
// ends with the task, or when it is halted. When several runtimes share the
// queue, each has a run, and those of all but the queue's owner look on.
type run struct {
	tasks      *Tasks
	id         string
	spec       Spec
	generation uint64 // of the source
	pace       pace
	wake       chan struct{} // the task was changed by others
	deadline   time.Time     // when the task has taken too long
	backoff    time.Duration // the pause after the latest failure; 0 while all is well
	notBefore  time.Time     // nothing is tried before, unless the task was changed
}

// deadline says when a task has taken too long, in the process's time: what the wall
// clock does from now on does not count. A task that it says begins later begins
// now.
func deadline(started, now time.Time) time.Time {
	return now.Add(MaxTime - max(0, now.Sub(started)))
}

// newRun builds the run of the active task of a history; ok is false when there is
// none.
func (s *Tasks) newRun(_ string, h history) (r *run, ok bool) {
	if !h.active() {
		return nil, false
	}
	t := h.Tasks[0]
	return &run{
		tasks: s, id: t.ID, spec: t.Spec, generation: h.Generation, pace: pace{rate: t.Rate},
		wake: make(chan struct{}, 1), deadline: deadline(t.Started, time.Now()),
	}, true
}

// Keep implements workers.Worker: the run looks at its task at once, as long as
// that is the active one.
func (r *run) Keep(h history) bool {
	if !h.active() || h.Tasks[0].ID != r.id {
		return false
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
	return true
}

// Run implements workers.Worker: it moves batch after batch.
func (r *run) Run(halted, work context.Context) {
	for halted.Err() == nil {
		t, ok := r.task()
		if !ok {
			return
		}
		now := time.Now()
		wait := r.notBefore.Sub(now)
		if t.Status == Running {
			wait = max(wait, r.pace.wait(now))
		}
		if wait > 0 {
			r.sleep(halted, wait)
			continue
		}
		moved, end, err := r.step(work, t, now)
		if errors.Is(err, errSourceGone) {
			r.forget(work)
			return
		}
		r.backOff(err)
		if !r.report(halted, work, moved, end) {
			return
		}
	}
}

// task is the run's task, if it is still active.
func (r *run) task() (Task, bool) {
	h, _ := r.tasks.table.Get(key(r.spec.Source))
	t, err := h.find(r.id)
	return t, err == nil && t.Status.Active()
}

// sleep waits, unless something happens before.
func (r *run) sleep(halted context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.wake:
		r.notBefore = time.Time{}
	case <-halted.Done():
	}
}

var errSourceGone = errors.New("the source queue was deleted")

// step moves one batch, and says how the task ends if that was the last. An
// error may pass, except errSourceGone.
func (r *run) step(ctx context.Context, t Task, now time.Time) (moved int, end outcome, err error) {
	q, err := r.queue()
	switch {
	case err != nil:
		return 0, outcome{}, err
	case !q.OwnedHere():
		r.notBefore = now.Add(firstBackoff)
		return 0, outcome{}, nil
	case t.Status == Cancelling:
		return 0, outcome{status: Cancelled}, nil
	case !now.Before(r.deadline):
		return 0, outcome{Failed, TimedOut}, nil
	}
	n := r.pace.batch()
	moved, err = q.Move(ctx, n, t.Destination)
	r.pace.began(n, now)
	switch {
	case errors.Is(err, queue.ErrNoDeadLetterSource):
		return moved, outcome{Failed, NoOrigin}, nil
	case errors.Is(err, fault.NotFound):
		if _, err := r.queue(); err != nil {
			return moved, outcome{}, err
		}
		return moved, outcome{Failed, NoDestination}, nil
	case err == nil && moved == 0:
		// Others may have received the batch that Move had chosen.
		counts, err := q.Counts(ctx)
		if err == nil && counts.Visible == 0 {
			return 0, outcome{status: Completed}, nil
		}
		r.notBefore = now.Add(firstBackoff)
		return 0, outcome{}, err
	}
	return moved, outcome{}, err
}

// queue finds the source, if it is still the queue that the task began with.
func (r *run) queue() (Queue, error) {
	q, err := r.tasks.config.Queue(r.spec.Source)
	if errors.Is(err, fault.NotFound) || err == nil && q.Generation() != r.generation {
		return nil, errSourceGone
	}
	return q, err
}

// report stores what a batch came to, and reports whether the task goes on. It
// tries until it succeeds: the count is all that others see of the task.
func (r *run) report(halted, work context.Context, moved int, end outcome) bool {
	if moved == 0 && end.status == "" {
		return true
	}
	for {
		h, err := r.tasks.change(work, r.spec.Source, r.generation, func(h history) (history, error) {
			return h.report(r.id, moved, end)
		})
		switch fault.Of(err) {
		case "":
			return h.active()
		case fault.Unavailable:
			r.backOff(err)
		default: // forgotten, with its queue or by a reset
			return false
		}
		if halted.Err() != nil {
			return false
		}
		r.sleep(halted, r.backoff)
	}
}

// forget removes the tasks of a queue that is gone.
func (r *run) forget(ctx context.Context) {
	s := r.tasks
	s.mu.Lock()
	defer s.mu.Unlock()
	if h, ok := s.table.Get(key(r.spec.Source)); ok && h.Generation == r.generation {
		r.backOff(s.table.Delete(ctx, key(r.spec.Source)))
	}
}

// backOff puts the next batch off when one failed, and tells the operator of the
// first of several failures in a row.
func (r *run) backOff(err error) {
	if err == nil {
		r.backoff = 0
		return
	}
	if r.backoff == 0 && !errors.Is(err, context.Canceled) {
		r.tasks.config.Log.Warn("message move task is delayed", "queue", r.spec.Source.Name, "task", r.id, "err", err)
	}
	r.backoff = min(max(firstBackoff, 2*r.backoff), longestBackoff)
	r.notBefore = time.Now().Add(r.backoff)
}
