package jetqueue

import (
	"context"
	"errors"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
)

func (q *Queue) moveLocal(ctx context.Context, n int, to *queue.ID) (moved int, err error) {
	var candidates []queue.Delivery
	if err := q.do(ctx, 0, func(m *queue.Machine) { candidates = m.OldestVisible(n) }); err != nil {
		return 0, err
	}
	moving, destErr := q.moveRequests(ctx, candidates, to)
	if len(moving) == 0 {
		return 0, destErr
	}
	var gone []uint64
	if err := q.do(ctx, len(moving)*maxRecordBytes, func(m *queue.Machine) { gone = m.Move(moving...) }); err != nil {
		return 0, err
	}
	back, err := q.waitForTransfers(ctx, gone)
	if back > 0 {
		err = fault.New(fault.NotFound, "the target queue of messages moved from %s does not exist", q.id.Name)
	}
	return len(gone) - back, errors.Join(destErr, err)
}

// moveRequests finds the target of each message, up to the first that has none.
func (q *Queue) moveRequests(ctx context.Context, candidates []queue.Delivery, to *queue.ID) ([]queue.MoveRequest, error) {
	var all []queue.MoveRequest
	if to == nil {
		if err := q.loadContents(ctx, candidates); err != nil {
			return nil, asKeyUnavailable(q, err)
		}
	}
	for _, d := range candidates {
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
		t, err := q.queues.Get(*target)
		if err != nil {
			return all, err
		}
		if err := t.dataKeys.ensureKey(t.config.Load()); err != nil {
			return all, asKeyUnavailable(t, err)
		}
		all = append(all, queue.MoveRequest{Number: d.Number, Target: target.ARN().String()})
	}
	return all, nil
}

// asKeyUnavailable makes any error of a queue's key a temporary one: it must not
// look like a queue that does not exist.
func asKeyUnavailable(q *Queue, err error) error {
	return fault.New(fault.Unavailable, "the KMS key of queue %s is not available: %v", q.id.Name, err)
}

// waitForTransfers waits until the transfers of messages have completed or were
// reverted.
func (q *Queue) waitForTransfers(ctx context.Context, numbers []uint64) (back int, err error) {
	for {
		progress := q.transferProgress()
		var left int
		if err := q.do(ctx, 0, func(m *queue.Machine) { left, back = m.TransferProgress(numbers) }); err != nil || left == 0 {
			return back, err
		}
		select {
		case <-progress:
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-q.ctx.Done(): // closing: the transfers go on after the next start
			return 0, errClosed
		}
	}
}

// transferProgress returns a channel that is closed when transfers complete.
func (q *Queue) transferProgress() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.progressed == nil {
		q.progressed = make(chan struct{})
	}
	return q.progressed
}

// notifyTransferProgress closes the channel of transferProgress.
func (q *Queue) notifyTransferProgress() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.progressed != nil {
		close(q.progressed)
		q.progressed = nil
	}
}
