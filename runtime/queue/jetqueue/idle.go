package jetqueue

import (
	"context"
	"errors"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
)

// An idle queue has no owner: its log has not been read, and JetStream may not even
// have it open. What time changes is computed when the log is read. So only two
// things have to be known without reading it: that the log holds what was
// acknowledged, and that nothing is to be done before a caller comes. The checkpoint
// and the files of the log say both.

// canStayClosed reports whether a queue needs no owner before its first caller.
func (qs *Queues) canStayClosed(q *Queue) bool {
	if qs.intactRange == nil || qs.router != nil {
		return false
	}
	first, last, ok := qs.intactRange(q.reader.stream)
	at := qs.checkpoints.get(q.generation)
	return ok && at.idle && at.lastEntry == last && first <= max(at.firstLive, 1)
}

// start starts the owner, unless there is one.
func (q *Queue) start() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.startLocked()
}

// startLocked is start with mu held. It is false when the queue has no owner and
// gets none: it is closed, or about to be.
func (q *Queue) startLocked() bool {
	if !q.hasOwner && q.closed == nil {
		q.hasOwner = q.queues.run.Go(q.run)
	}
	return q.hasOwner
}

// isRunning reports whether there is an owner.
func (q *Queue) isRunning() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.hasOwner
}

// isEmptyUnopened reports whether the queue is idle and its checkpoint has no
// messages.
func (q *Queue) isEmptyUnopened() bool {
	if q.isRunning() {
		return false
	}
	at := q.queues.checkpoints.get(q.generation)
	return at.idle && at.messages == 0
}

// MessageCount is how many messages the queue holds. For an idle queue it is the
// number at its last use: messages whose retention has passed since are counted too.
func (q *Queue) MessageCount(ctx context.Context) (int, error) {
	if !q.isRunning() {
		if at := q.queues.checkpoints.get(q.generation); at.idle {
			return at.messages, nil
		}
	}
	n, err := q.Counts(ctx)
	return n.Visible + n.InFlight + n.Delayed, err
}

// maxIdleLogBytes is the largest log of a queue that may become idle: it can be read
// in some milliseconds.
const maxIdleLogBytes = 256 << 10

// closeIdleQueues looks at all queues at intervals, and closes those that were not
// used since the last look.
func (qs *Queues) closeIdleQueues(halted context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-halted.Done():
			return
		case <-ticker.C:
		}
		for _, q := range qs.All() {
			q.mu.Lock()
			idle := q.hasOwner && q.closed == nil && q.commandCount == q.commandsSeen
			q.commandsSeen = q.commandCount
			q.mu.Unlock()
			if idle {
				q.enqueueInternal(0, q.closeWhenSmall)
			}
		}
	}
}

// closeWhenSmall has the owner end when it has nothing more to do.
func (q *Queue) closeWhenSmall(m *queue.Machine) {
	if m.LogBytes() > maxIdleLogBytes {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closeWhenIdle = true
}

// closeIdle closes the log when the owner has nothing more to do. It is false when
// there is work again.
func (o *owner) closeIdle() bool {
	if o.queues.router != nil || o.mayArriveLate {
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
	o.log.close()
	o.contents.clear()
	if err := o.queues.store.Park(o.Queue.ctx, o.log.stream); err != nil && o.Queue.ctx.Err() == nil {
		o.queues.log.Debug("closing the log of an idle queue failed", "queue", o.id.Name, "err", err)
	}
	return idle(func() { o.hasOwner, o.pausedClock = false, o.clock })
}

// openLog has JetStream open the stream of the log.
func (q *Queue) openLog(ctx context.Context) error {
	q.queues.readSlots <- struct{}{}
	defer func() { <-q.queues.readSlots }()
	return q.queues.store.Wake(ctx, q.reader.stream)
}

// verifyLogs reads all logs. It fails when anything is missing, and names all of it.
func (qs *Queues) verifyLogs(ctx context.Context) error {
	var all error
	for _, q := range qs.All() {
		err := q.openLog(ctx)
		var r *logReplay
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

// WaitReady waits until the log of every queue has been read: then all losses are
// known. It fails when a log cannot be read.
func (qs *Queues) WaitReady(ctx context.Context) error {
	return qs.ready(ctx, func(string) bool { return true })
}

// WaitReadyOf is WaitReady for the queues whose logs are these streams.
func (qs *Queues) WaitReadyOf(ctx context.Context, streams map[string]bool) error {
	return qs.ready(ctx, func(stream string) bool { return streams[stream] })
}

func (qs *Queues) ready(ctx context.Context, which func(stream string) bool) (err error) {
	for _, q := range qs.All() {
		if !which(q.reader.stream) {
			continue
		}
		e := q.do(ctx, 0, func(*queue.Machine) {})
		if !errors.Is(e, fault.NotFound) && !errors.Is(e, errMoved) { // deleted by now, or read by another node
			err = errors.Join(err, e)
		}
	}
	return err
}
