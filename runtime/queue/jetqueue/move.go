package jetqueue

import (
	"context"
	"errors"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
)

func (q *Queue) moveHere(ctx context.Context, n int, to *queue.ID) (moved int, err error) {
	var some []queue.Delivery
	if err := q.do(ctx, 0, func(m *queue.Machine) { some = m.Oldest(n) }); err != nil {
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
	return len(gone), errors.Join(failed, q.arrival(ctx, gone))
}

// destinations says where each message is to go, up to the first that cannot.
func (q *Queue) destinations(ctx context.Context, some []queue.Delivery, to *queue.ID) ([]queue.Moving, error) {
	var all []queue.Moving
	if to == nil {
		if err := q.contents(ctx, some); err != nil {
			return nil, err
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
				return all, queue.ErrNoSource
			}
			target = &id
		}
		if _, err := q.set.Get(*target); err != nil {
			return all, err
		}
		all = append(all, queue.Moving{Number: d.Number, Target: target.ARN().String()})
	}
	return all, nil
}

// arrival waits until messages on their way have arrived.
func (q *Queue) arrival(ctx context.Context, numbers []uint64) error {
	for {
		progress := q.progress()
		var left int
		if err := q.do(ctx, 0, func(m *queue.Machine) { left = m.Leaving(numbers) }); err != nil || left == 0 {
			return err
		}
		select {
		case <-progress:
		case <-ctx.Done():
			return ctx.Err()
		case <-q.ctx.Done(): // closing: they go on after the next start
			return errClosed
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
