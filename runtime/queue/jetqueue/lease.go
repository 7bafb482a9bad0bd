package jetqueue

import (
	"context"
	"math/rand/v2"
	"millrace/runtime/store/streams"
	"time"
)

// A lease term is the time during which a node owns a queue. A single runtime has
// one for each queue, from its opening to its closing.

// acquireLease waits until this node owns the queue. It is false when the queue is
// closed.
func (o *owner) acquireLease() bool {
	for {
		o.mu.Lock()
		closed, away := o.closed, o.isElsewhere
		if closed == nil && !away {
			o.lease = make(chan struct{})
		}
		o.mu.Unlock()
		switch {
		case closed != nil:
			return false
		case !away:
			o.ctx, o.cancel = context.WithCancel(o.Queue.ctx)
			if p := o.queues.router; p != nil {
				p.requestRelease(o.ctx, o.Queue)
			}
			return true
		}
		<-o.wake
	}
}

// endLease releases the queue. Nothing is under way when it returns.
func (o *owner) endLease() {
	o.cancel()
	o.background.Wait()
	o.notifyTransferProgress() // those who wait ask again, and get the error
	o.mu.Lock()
	defer o.mu.Unlock()
	o.machine = nil
	if o.closed != nil || o.isElsewhere {
		e := inflightEntry{commands: o.inbox, answered: o.waiters} // of background work, or too late for the last round
		o.inbox, o.waiters = nil, nil
		e.complete(o.closeReasonLocked())
	} // else the commands start the next lease
	close(o.lease)
	o.lease = nil
	o.wakeOwner()
}

// closeReason is the error for those who still wait when a lease ends.
func (o *owner) closeReason() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.closeReasonLocked()
}

func (o *owner) closeReasonLocked() error {
	if o.closed != nil {
		return o.closed
	}
	return errMoved
}

// isOwnershipLost reports whether an entry was refused because another owner has
// written to the log. With one entry under way at a time, nothing of ours was stored
// then.
func isOwnershipLost(err error) bool {
	return streams.IsWrongSequence(err)
}

// backOff waits a moment, for news of the node that took the queue over. It is true
// when the queue is still ours: then the other node had not heard of us, and we take
// it back.
func (o *owner) backOff() bool {
	o.queues.log.Info("another node has written to the log of a queue", "queue", o.id.Name)
	select {
	case <-time.After(backOffTime + rand.N(backOffTime)):
	case <-o.Queue.ctx.Done():
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.closed == nil && !o.isElsewhere
}

const backOffTime = 100 * time.Millisecond
