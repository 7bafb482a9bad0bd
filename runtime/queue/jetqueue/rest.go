package jetqueue

import (
	"context"
	"errors"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
)

// A queue at rest has no owner: its log was not read, and JetStream may not even have
// it open. What time does to its messages is found out when the log is read, so only
// two things have to be known without reading it: that the log holds what was
// acknowledged, and that nothing is to be done before somebody asks. Its mark and the
// files of its log tell both.

// rests tells whether a queue can wait until somebody asks for it.
func (qs *Queues) rests(q *Queue) bool {
	if qs.whole == nil || qs.peers != nil {
		return false
	}
	first, last, ok := qs.whole(q.reader.stream)
	at := qs.marks.get(q.source)
	return ok && at.rests && at.last == last && first <= max(at.base, 1)
}

// start runs the owner, if it does not run yet.
func (q *Queue) start() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.startLocked()
}

func (q *Queue) startLocked() {
	if !q.runs && q.closed == nil {
		q.runs = true
		q.set.owners.Go(q.run)
	}
}

// running tells whether there is an owner.
func (q *Queue) running() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.runs
}

// empty tells of a queue at rest that it has no messages, without opening it.
func (q *Queue) empty() bool {
	if q.running() {
		return false
	}
	at := q.set.marks.get(q.source)
	return at.rests && at.alive == 0
}

// MessageCount is how many messages the queue holds. Of a queue at rest it is what the queue
// held when it was last used: those whose retention has passed are still there.
func (q *Queue) MessageCount(ctx context.Context) (int, error) {
	if !q.running() {
		if at := q.set.marks.get(q.source); at.rests {
			return at.alive, nil
		}
	}
	n, err := q.Counts(ctx)
	return n.Visible + n.InFlight + n.Delayed, err
}

// restMost is how much may be in the log of a queue that rests: it takes some
// milliseconds to read.
const restMost = 256 << 10

// restAll looks at all queues once in a while, and has those rest that were not used
// since it looked last.
func (qs *Queues) restAll(every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-qs.ending:
			return
		case <-ticker.C:
		}
		for _, q := range qs.All() {
			q.mu.Lock()
			idle := q.runs && q.closed == nil && q.used == q.seen
			q.seen = q.used
			q.mu.Unlock()
			if idle {
				q.internal(0, q.tire)
			}
		}
	}
}

// tire ends the owner if it still has nothing to do when it looks.
func (q *Queue) tire(m *queue.Machine) {
	if m.LogBytes() > restMost {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.tired = true
}

// rest has the log closed when the owner has nothing more to do. It is false when
// there is something by now.
func (o *owner) rest() bool {
	if o.set.peers != nil || o.unsure {
		return false
	}
	idle := func(then func()) bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.closed != nil || len(o.inbox) > 0 {
			return false
		}
		then()
		return true
	}
	if !idle(func() {}) {
		return false
	}
	o.log.end()
	o.pages.forget()
	if err := o.set.store.Park(o.Queue.ctx, o.log.stream); err != nil && o.Queue.ctx.Err() == nil {
		o.set.log.Debug("the log of a queue could not be closed; it is opened when it is used", "queue", o.id.Name, "err", err)
	}
	return idle(func() { o.runs, o.paused = false, o.clock })
}

// wakeLog has JetStream open the log.
func (q *Queue) wakeLog(ctx context.Context) error {
	q.set.loads <- struct{}{}
	defer func() { <-q.set.loads }()
	return q.set.store.Wake(ctx, q.reader.stream)
}

// check reads all logs and fails when anything is missing, naming it all.
func (qs *Queues) check(ctx context.Context) error {
	var all error
	for _, q := range qs.All() {
		err := q.wakeLog(ctx)
		var r *replay
		if err == nil {
			r, err = q.replay(ctx, q.reader)
		}
		if err != nil {
			return fault.Wrap(fault.Unavailable, err, "reading the log of queue %s", q.id.Name)
		}
		r.machine.Discard()
		if r.loss != nil {
			all = errors.Join(all, errors.New(r.loss.String()))
		}
	}
	return all
}

// WaitReady returns once the log of every queue has been read: what is missing is
// known then. It fails when one cannot be read.
func (qs *Queues) WaitReady(ctx context.Context) error {
	return qs.ready(ctx, func(string) bool { return true })
}

// WaitReadyOf is Ready for those queues whose logs are these streams.
func (qs *Queues) WaitReadyOf(ctx context.Context, streams map[string]bool) error {
	return qs.ready(ctx, func(stream string) bool { return streams[stream] })
}

func (qs *Queues) ready(ctx context.Context, which func(stream string) bool) (err error) {
	for _, q := range qs.All() {
		if !which(q.reader.stream) {
			continue
		}
		e := q.do(ctx, 0, func(*queue.Machine) {})
		if !errors.Is(e, fault.NotFound) && !errors.Is(e, errMoved) { // deleted by now, or another node's to read
			err = errors.Join(err, e)
		}
	}
	return err
}
