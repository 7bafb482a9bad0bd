package jetqueue

import (
	"context"
	"errors"
	"slices"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
)

// The operations of a queue. A single runtime carries them out itself; on a cluster
// the router has the node do it that owns the queue.

// Configure updates the configuration with change. The new configuration applies at
// once, also to messages in the queue and to receives that wait. An error of change
// is returned unchanged.
func (q *Queue) Configure(ctx context.Context, change func(*queue.Config) error) error {
	_, err := q.queues.table.Update(ctx, recordKey(q.id), func(r queueRecord) (queueRecord, error) {
		return r, change(&r.Config)
	})
	if err != nil {
		return err
	}
	q.reloadConfig()
	if p := q.queues.router; p != nil {
		return p.call(ctx, q, call{Method: methodConfigure}).err
	}
	return q.configureLocal(ctx)
}

// Send stores messages, in their order, all or none. Errors of keys.Ring say that
// the queue's KMS key does not work.
func (q *Queue) Send(ctx context.Context, messages ...queue.Message) ([]queue.SendResult, error) {
	if p := q.queues.router; p != nil {
		a := p.call(ctx, q, call{Method: methodSend, Messages: messages})
		return a.Sent, a.err
	}
	return q.sendLocal(ctx, messages...)
}

// Receive returns up to r.Max messages as soon as there are any, and none when
// r.Wait is over. When ctx ends first it returns ctx's error; messages that were
// just handed out then become visible again.
//
// Its own errors are queue.ErrAttemptNotRetryable and queue.ErrTooManyInFlight, and
// those of keys.Ring when the queue's KMS key does not work.
func (q *Queue) Receive(ctx context.Context, r queue.ReceiveRequest) ([]queue.ReceivedMessage, error) {
	if p := q.queues.router; p != nil {
		return p.callReceive(ctx, q, r)
	}
	return q.receiveLocal(ctx, r)
}

// Delete deletes messages. It returns an error for each handle: nil for success,
// also when the message is gone already; queue.ErrInvalidHandle; on FIFO queues
// queue.ErrHandleExpired.
func (q *Queue) Delete(ctx context.Context, handles ...string) []error {
	if p := q.queues.router; p != nil {
		return p.call(ctx, q, call{Method: methodDelete, Handles: handles}).perItem(len(handles))
	}
	return q.deleteLocal(ctx, handles...)
}

// ChangeVisibility hides delivered messages for a time from now on; 0 makes them
// visible. It returns an error for each change: nil, queue.ErrInvalidHandle,
// ErrMessageNotFound, ErrVisibilityTooLong, and on FIFO queues ErrHandleExpired.
func (q *Queue) ChangeVisibility(ctx context.Context, changes ...queue.VisibilityChange) []error {
	if p := q.queues.router; p != nil {
		return p.call(ctx, q, call{Method: methodChangeVisibility, Changes: changes}).perItem(len(changes))
	}
	return q.changeVisibilityLocal(ctx, changes...)
}

// Purge deletes all messages, and forgets deduplication ids and receive attempts.
func (q *Queue) Purge(ctx context.Context) error {
	if p := q.queues.router; p != nil {
		return p.call(ctx, q, call{Method: methodPurge}).err
	}
	return q.purgeLocal(ctx)
}

// Counts returns exact counts of the messages.
func (q *Queue) Counts(ctx context.Context) (queue.Counts, error) {
	if p := q.queues.router; p != nil {
		a := p.call(ctx, q, call{Method: methodCounts})
		return a.Counts, a.err
	}
	return q.countsLocal(ctx)
}

// Metrics returns the counts, and what was done since the node that owns the queue
// opened it.
func (q *Queue) Metrics(ctx context.Context) (queue.Metrics, error) {
	if p := q.queues.router; p != nil {
		a := p.call(ctx, q, call{Method: methodMetrics})
		return a.Metrics, a.err
	}
	return q.metricsLocal(ctx)
}

// Peek returns messages in the order of their sends, without receiving them.
func (q *Queue) Peek(ctx context.Context, r queue.PeekRequest) ([]queue.PeekedMessage, error) {
	if p := q.queues.router; p != nil {
		a := p.call(ctx, q, call{Method: methodPeek, Peek: &r})
		return a.Peeked, a.err
	}
	return q.peekLocal(ctx, r)
}

// Move moves up to n of the visible messages, oldest first, to the queue to; when to
// is nil, each to the queue that it was a dead letter of. They arrive as new
// messages, exactly once, whenever the process dies. Move returns how many have
// arrived.
//
// fault.NotFound says that a target does not exist, and queue.ErrNoDeadLetterSource
// that a message did not come from another queue; the messages before it have moved.
func (q *Queue) Move(ctx context.Context, n int, to *queue.ID) (moved int, err error) {
	if p := q.queues.router; p != nil {
		a := p.call(ctx, q, call{Method: methodMove, Max: n, To: to})
		return a.Moved, a.err
	}
	return q.moveLocal(ctx, n, to)
}

// acceptTransfers stores messages that another queue transfers to this one.
func (q *Queue) acceptTransfers(ctx context.Context, generation uint64, transfers []queue.Transfer) error {
	if p := q.queues.router; p != nil {
		return p.call(ctx, q, call{Method: methodAcceptTransfers, SourceGeneration: generation, Transfers: transfers}).err
	}
	return q.acceptTransfersLocal(ctx, generation, transfers)
}

// perItem returns one error for each of n handles.
func (a response) perItem(n int) []error {
	if a.err != nil || len(a.itemErrs) != n {
		return slices.Repeat([]error{a.err}, n)
	}
	return a.itemErrs
}

// doLocal carries out a call at the node that owns the queue.
func (q *Queue) doLocal(ctx context.Context, c *call) (a response) {
	switch c.Method {
	case methodSend:
		a.Sent, a.err = q.sendLocal(ctx, c.Messages...)
	case methodReceive:
		a.Received, a.err = q.receiveLocal(ctx, *c.Receive)
	case methodDelete:
		a.itemErrs = q.deleteLocal(ctx, c.Handles...)
	case methodChangeVisibility:
		a.itemErrs = q.changeVisibilityLocal(ctx, c.Changes...)
	case methodPurge:
		a.err = q.purgeLocal(ctx)
	case methodCounts:
		a.Counts, a.err = q.countsLocal(ctx)
	case methodMetrics:
		a.Metrics, a.err = q.metricsLocal(ctx)
	case methodPeek:
		a.Peeked, a.err = q.peekLocal(ctx, *c.Peek)
	case methodMove:
		a.Moved, a.err = q.moveLocal(ctx, c.Max, c.To)
	case methodAcceptTransfers:
		a.err = q.acceptTransfersLocal(ctx, c.SourceGeneration, c.Transfers)
	case methodConfigure:
		if a.err = q.queues.table.Refresh(ctx, recordKey(q.id)); a.err == nil {
			q.reloadConfig()
			a.err = q.configureLocal(ctx)
		}
	default:
		a.err = errMalformed
	}
	if len(a.itemErrs) > 0 && errors.Is(a.itemErrs[0], errMoved) { // the handles are one command, so all failed with it
		a.err = errMoved
	}
	if a.Moved > 0 && errors.Is(a.err, errMoved) { // messages are on their way all the same
		a.err = fault.New(fault.Unavailable, "queue %s changed its owner while its messages were moved", q.id.Name)
	}
	return a
}
