package jetqueue

import (
	"context"
	"errors"
	"slices"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
)

// What callers may ask of a queue. A runtime by itself does all of it here; one
// of several on a cluster has the node that owns the queue do it.

// Configure changes the configuration to what change makes of it. The change
// applies at once, also to messages that are there and to receives that wait.
// An error of change is returned as it is.
func (q *Queue) Configure(ctx context.Context, change func(*queue.Config) error) error {
	_, err := q.set.table.Update(ctx, key(q.id), func(r row) (row, error) {
		return r, change(&r.Config)
	})
	if err != nil {
		return err
	}
	q.adopt()
	if p := q.set.peers; p != nil {
		return p.make(ctx, q, call{Method: configure}).err
	}
	return q.configureHere(ctx)
}

// Send takes messages in, in their order, all or none. The errors of keys.Ring
// say that the queue's KMS key does not work.
func (q *Queue) Send(ctx context.Context, messages ...queue.Message) ([]queue.SendResult, error) {
	if p := q.set.peers; p != nil {
		a := p.make(ctx, q, call{Method: send, Messages: messages})
		return a.Sent, a.err
	}
	return q.sendHere(ctx, messages...)
}

// Receive returns up to r.Max messages as soon as there are any, and none when
// r.Wait is over. When ctx ends first it returns ctx's error; messages that were
// just handed out are then visible again.
//
// Its own errors are queue.ErrAttempt and queue.ErrOverLimit, and those of
// keys.Ring when the queue's KMS key does not work.
func (q *Queue) Receive(ctx context.Context, r queue.ReceiveRequest) ([]queue.ReceivedMessage, error) {
	if p := q.set.peers; p != nil {
		return p.receive(ctx, q, r)
	}
	return q.receiveHere(ctx, r)
}

// Delete ends messages: one error for each handle, nil for success, also when
// the message is gone already. queue.ErrHandle, and on FIFO queues
// queue.ErrExpired.
func (q *Queue) Delete(ctx context.Context, handles ...string) []error {
	if p := q.set.peers; p != nil {
		return p.make(ctx, q, call{Method: remove, Handles: handles}).each(len(handles))
	}
	return q.deleteHere(ctx, handles...)
}

// ChangeVisibility hides delivered messages for a time from now on, 0 for not at
// all: one error for each change. queue.ErrHandle, ErrGone, ErrBeyondMax, and on
// FIFO queues ErrExpired.
func (q *Queue) ChangeVisibility(ctx context.Context, changes ...queue.VisibilityChange) []error {
	if p := q.set.peers; p != nil {
		return p.make(ctx, q, call{Method: changeVisibility, Changes: changes}).each(len(changes))
	}
	return q.changeVisibilityHere(ctx, changes...)
}

// Purge drops all messages and clears the memory of deduplication ids.
func (q *Queue) Purge(ctx context.Context) error {
	if p := q.set.peers; p != nil {
		return p.make(ctx, q, call{Method: purge}).err
	}
	return q.purgeHere(ctx)
}

// Counts counts the messages.
func (q *Queue) Counts(ctx context.Context) (queue.Counts, error) {
	if p := q.set.peers; p != nil {
		a := p.make(ctx, q, call{Method: counts})
		return a.Counts, a.err
	}
	return q.countsHere(ctx)
}

// Metrics counts the messages, and what was done with them since the queue was
// opened, by the node that owns it now.
func (q *Queue) Metrics(ctx context.Context) (queue.Metrics, error) {
	if p := q.set.peers; p != nil {
		a := p.make(ctx, q, call{Method: metrics})
		return a.Metrics, a.err
	}
	return q.metricsHere(ctx)
}

// Peek looks at messages, in the order in which they came, without receiving them.
func (q *Queue) Peek(ctx context.Context, r queue.PeekRequest) ([]queue.PeekedMessage, error) {
	if p := q.set.peers; p != nil {
		a := p.make(ctx, q, call{Method: peek, Peek: &r})
		return a.Peeked, a.err
	}
	return q.peekHere(ctx, r)
}

// Move takes up to n of the visible messages, in the order in which they came,
// to the queue to or, when to is nil, each to the queue that it was a dead letter
// of. They arrive as new messages, exactly once, whenever the process dies. It
// returns how many went, once they have arrived.
//
// fault.NotFound says that a destination is not there, and queue.ErrNoSource that
// a message did not come from another queue; what stands before it has moved.
func (q *Queue) Move(ctx context.Context, n int, to *queue.ID) (moved int, err error) {
	if p := q.set.peers; p != nil {
		a := p.make(ctx, q, call{Method: move, Max: n, To: to})
		return a.Moved, a.err
	}
	return q.moveHere(ctx, n, to)
}

// arrive takes dead letters in.
func (q *Queue) arrive(ctx context.Context, source uint64, burials []queue.Transfer) error {
	if p := q.set.peers; p != nil {
		return p.make(ctx, q, call{Method: arrive, Burier: source, Burials: burials}).err
	}
	return q.arriveHere(ctx, source, burials)
}

// each gives every one of n handles its error.
func (a answer) each(n int) []error {
	if a.err != nil || len(a.errs) != n {
		return slices.Repeat([]error{a.err}, n)
	}
	return a.errs
}

// perform makes a call at the node that owns the queue.
func (q *Queue) perform(ctx context.Context, c *call) (a answer) {
	switch c.Method {
	case send:
		a.Sent, a.err = q.sendHere(ctx, c.Messages...)
	case receive:
		a.Received, a.err = q.receiveHere(ctx, *c.Receive)
	case remove:
		a.errs = q.deleteHere(ctx, c.Handles...)
	case changeVisibility:
		a.errs = q.changeVisibilityHere(ctx, c.Changes...)
	case purge:
		a.err = q.purgeHere(ctx)
	case counts:
		a.Counts, a.err = q.countsHere(ctx)
	case metrics:
		a.Metrics, a.err = q.metricsHere(ctx)
	case peek:
		a.Peeked, a.err = q.peekHere(ctx, *c.Peek)
	case move:
		a.Moved, a.err = q.moveHere(ctx, c.Max, c.To)
	case arrive:
		a.err = q.arriveHere(ctx, c.Burier, c.Burials)
	case configure:
		if a.err = q.set.table.Refresh(ctx, key(q.id)); a.err == nil {
			q.adopt()
			a.err = q.configureHere(ctx)
		}
	default:
		a.err = errGarbled
	}
	if len(a.errs) > 0 && errors.Is(a.errs[0], errMoved) { // one command, so all of them did
		a.err = errMoved
	}
	if a.Moved > 0 && errors.Is(a.err, errMoved) { // they are on their way all the same
		a.err = fault.New(fault.Unavailable, "queue %s moved to another node while its messages moved", q.id.Name)
	}
	return a
}
