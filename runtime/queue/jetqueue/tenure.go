package jetqueue

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A tenure is the time during which a node owns a queue. A runtime by itself has
// one for each queue, from its opening to its closing.

// begin waits until the queue is ours. It is false when it is closed.
func (o *owner) begin() bool {
	for {
		o.mu.Lock()
		closed, away := o.closed, o.away
		if closed == nil && !away {
			o.tenure = make(chan struct{})
		}
		o.mu.Unlock()
		switch {
		case closed != nil:
			return false
		case !away:
			o.ctx, o.cancel = context.WithCancel(o.Queue.ctx)
			if p := o.set.peers; p != nil {
				p.takeOver(o.ctx, o.Queue)
			}
			return true
		}
		<-o.wake
	}
}

// end lets go of the queue: nothing of it is under way anymore.
func (o *owner) end() {
	o.cancel()
	o.others.Wait()
	o.tellProgress() // they ask again, and learn that it is over
	o.mu.Lock()
	defer o.mu.Unlock()
	o.machine = nil
	if o.closed != nil || o.away {
		f := flight{commands: o.inbox, answered: o.waiters} // of those who helped, or came when all was over
		o.inbox, o.waiters = nil, nil
		f.answer(o.reasonLocked())
	} // else those who came begin the next one
	close(o.tenure)
	o.tenure = nil
	o.signal()
}

// reason is what those are told who still wait when a tenure ends.
func (o *owner) reason() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.reasonLocked()
}

func (o *owner) reasonLocked() error {
	if o.closed != nil {
		return o.closed
	}
	return errMoved
}

// overtaken tells that an entry was refused because another owner has written.
// With one entry under way at once, nothing of ours was stored then.
func overtaken(err error) bool {
	var e *jetstream.APIError
	return errors.As(err, &e) && e.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}

// yield gives another node that has taken the queue over the time to be seen. If
// it is ours all the same, we take it back: then that one had not heard of us.
func (o *owner) yield() bool {
	o.set.log.Info("another node has written to the log of a queue", "queue", o.id.Name)
	select {
	case <-time.After(yieldTime + rand.N(yieldTime)):
	case <-o.Queue.ctx.Done():
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.closed == nil && !o.away
}

const yieldTime = 100 * time.Millisecond
