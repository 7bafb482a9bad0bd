package jetqueue

import (
	"context"
	"errors"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
)

func (q *Queue) moveHere(ctx context.Context, n int, to *queue.ID) (moved int, err error) {
	var some []queue.Delivery
	if err := q.do(ctx, 0, func(m *queue.Machine) { some = m.OldestVisible(n) }); err != nil {
		return 0, err
	}
	moving, failed := q.destinations(ctx, some, to)
	if len(moving) == 0 {
		return 0, failed
	}
	var gone []uint64
	if err := q.do(ctx, len(moving)*recordRoom, func(m *queue.Machine) { gone = m.Move(moving...) }); err != nil {
		return 0, err
	}
	back, err := q.arrival(ctx, gone)
	if back > 0 {
		err = fault.New(fault.NotFound, "the queue that messages of %s were to go to is gone", q.id.Name)
	}
	return len(gone) - back, errors.Join(failed, err)
}

// destinations says where each message is to go, up to the first that cannot.
func (q *Queue) destinations(ctx context.Context, some []queue.Delivery, to *queue.ID) ([]queue.MoveRequest, error) {
	var all []queue.MoveRequest
	if to == nil {
		if err := q.contents(ctx, some); err != nil {
			return nil, keyless(q, err)
		}
	}
	for _, d := range some {
		target := to
		if target == nil {
			_, from, err := d.Content.Unpack()
			if err != nil {
				return all, fault.Wrap(fault.Internal, err, "message %d of %s", d.Number, q.id.Name)
			}
			id, ok := queue.IDFromARN(from)
			if !ok {
				return all, queue.ErrNoDeadLetterSource
			}
			target = &id
		}
		t, err := q.set.Get(*target)
		if err != nil {
			return all, err
		}
		if err := t.safe.prepare(t.config.Load()); err != nil {
			return all, keyless(t, err)
		}
		all = append(all, queue.MoveRequest{Number: d.Number, Target: target.ARN().String()})
	}
	return all, nil
}

// keyless makes an error of a queue's key one that passes, whatever it is: it is
// no queue that is not there.
func keyless(q *Queue, err error) error {
	return fault.New(fault.Unavailable, "the key of queue %s does not work: %v", q.id.Name, err)
}

// arrival waits until messages on their way have arrived, or came back.
func (q *Queue) arrival(ctx context.Context, numbers []uint64) (back int, err error) {
	for {
		progress := q.progress()
		var left int
		if err := q.do(ctx, 0, func(m *queue.Machine) { left, back = m.TransferProgress(numbers) }); err != nil || left == 0 {
			return back, err
		}
		select {
		case <-progress:
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-q.ctx.Done(): // closing: they go on after the next start
			return 0, errClosed
		}
	}
}

// progress returns a channel that is closed when messages have arrived elsewhere.
func (q *Queue) progress() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.arrived == nil {
		q.arrived = make(chan struct{})
	}
	return q.arrived
}

// tellProgress wakes those who wait for it.
func (q *Queue) tellProgress() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.arrived != nil {
		close(q.arrived)
		q.arrived = nil
	}
}
