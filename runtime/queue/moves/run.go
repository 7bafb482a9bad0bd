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
	firstRest   = time.Second
	longestRest = time.Minute
)

// A run carries out one task, from its start or from a restart on. Its goroutine
// ends with the task, or when it is halted. When several runtimes share the
// queue, each has a run, and those of all but the queue's owner look on.
type run struct {
	tasks  *Tasks
	id     string
	spec   Spec
	source uint64 // the incarnation of the queue
	pace   pace
	wake   chan struct{} // the task was changed by others
	halted context.Context
	ends   time.Time     // when the task has taken too long
	again  time.Duration // the rest after the latest failure; 0 while all is well
	idle   time.Time     // nothing is tried before, unless the task was changed
}

// ends says when a task has taken too long, in the process's time: what the wall
// clock does from now on does not count. A task that it says begins later begins
// now.
func ends(started, now time.Time) time.Time {
	return now.Add(MaxTime - max(0, now.Sub(started)))
}

// nudge has a run look at its task now.
func (r *run) nudge() {
	if r == nil {
		return
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// run moves batch after batch. work bounds a batch under way.
func (r *run) run(work context.Context) {
	for r.halted.Err() == nil {
		t, ok := r.task()
		if !ok {
			return
		}
		now := time.Now()
		wait := r.idle.Sub(now)
		if t.Status == Running {
			wait = max(wait, r.pace.wait(now))
		}
		if wait > 0 {
			r.rest(wait)
			continue
		}
		moved, end, err := r.step(work, t, now)
		if errors.Is(err, errSourceGone) {
			r.forget(work)
			return
		}
		r.settle(err)
		if !r.report(work, moved, end) {
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

// rest waits, unless something happens before.
func (r *run) rest(wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.wake:
		r.idle = time.Time{}
	case <-r.halted.Done():
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
	case !q.Here():
		r.idle = now.Add(firstRest)
		return 0, outcome{}, nil
	case t.Status == Cancelling:
		return 0, outcome{status: Cancelled}, nil
	case !now.Before(r.ends):
		return 0, outcome{Failed, TimedOut}, nil
	}
	n := r.pace.batch()
	moved, err = q.Move(ctx, n, t.Destination)
	r.pace.took(n, now)
	switch {
	case errors.Is(err, queue.ErrNoSource):
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
		r.idle = now.Add(firstRest)
		return 0, outcome{}, err
	}
	return moved, outcome{}, err
}

// queue finds the source, if it is still the queue that the task began with.
func (r *run) queue() (Queue, error) {
	q, err := r.tasks.config.Queue(r.spec.Source)
	if errors.Is(err, fault.NotFound) || err == nil && q.Incarnation() != r.source {
		return nil, errSourceGone
	}
	return q, err
}

// report stores what a batch came to, and tells whether the task goes on. It
// tries until it succeeds: the count is all that others see of the task.
func (r *run) report(ctx context.Context, moved int, end outcome) bool {
	if moved == 0 && end.status == "" {
		return true
	}
	for {
		h, err := r.tasks.change(ctx, r.spec.Source, r.source, func(h history) (history, error) {
			return h.report(r.id, moved, end)
		})
		switch fault.Of(err) {
		case "":
			return h.active()
		case fault.Unavailable:
			r.settle(err)
		default: // forgotten, with its queue or by a reset
			return false
		}
		if r.halted.Err() != nil {
			return false
		}
		r.rest(r.again)
	}
}

// forget removes the tasks of a queue that is gone.
func (r *run) forget(ctx context.Context) {
	s := r.tasks
	s.mu.Lock()
	defer s.mu.Unlock()
	if h, ok := s.table.Get(key(r.spec.Source)); ok && h.Source == r.source {
		r.settle(s.table.Delete(ctx, key(r.spec.Source)))
	}
}

// settle puts the next batch off when one failed, and tells the operator of the
// first of several failures in a row.
func (r *run) settle(err error) {
	if err == nil {
		r.again = 0
		return
	}
	if r.again == 0 && r.halted.Err() == nil {
		r.tasks.config.Log.Warn("a message move task is held up", "queue", r.spec.Source.Name, "task", r.id, "err", err)
	}
	r.again = min(max(firstRest, 2*r.again), longestRest)
	r.idle = time.Now().Add(r.again)
}
