package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
	"millrace/runtime/queue"
)

const (
	hidden   = 30 * time.Second // an event whose runtime was killed comes back after this long
	longest  = 20 * time.Minute // that one attempt may take; a function's is 15 minutes
	putBack  = 5 * time.Second  // to put an event back when a Stop is cut short
	received = 10               // events at a time
)

// A receiver takes events out of the outbox's queue during one run of the outbox,
// each into a goroutine of its own. How many there are, and of which targets, the
// queue sees to: queue.Config.Slots.
type receiver struct {
	outbox *Outbox
	run    *lifecycle.Run
	log    *slog.Logger
}

// receive receives until the outbox stops. A queue that has gone, as in another
// runtime's reset, is made again.
func (r *receiver) receive() {
	ctx := r.run.Halted()
	for ctx.Err() == nil {
		q, err := r.outbox.open(ctx)
		if err == nil {
			err = r.receiveFrom(q)
			if errors.Is(err, fault.NotFound) {
				r.outbox.lost(q)
			}
		}
		if err != nil && ctx.Err() == nil {
			if _, told := fault.Told(err); !told {
				r.log.Warn("events could not be received", "err", err)
			}
			pause(ctx, time.Second)
		}
	}
}

// receiveFrom takes events until an error.
func (r *receiver) receiveFrom(q Queue) error {
	for {
		got, err := q.Receive(r.run.Halted(), queue.ReceiveRequest{Max: received, Wait: queue.Forever})
		for _, m := range got {
			if !r.run.Go(func() { r.deliver(q, m) }) {
				r.release(q, m)
			}
		}
		if err != nil {
			return err
		}
	}
}

// deliver makes one attempt at an event, and does with its message what follows.
func (r *receiver) deliver(q Queue, m queue.ReceivedMessage) {
	began := time.Now()
	env, err := unseal(&m.Message)
	if err != nil {
		r.log.Error("an event cannot be read and is dropped", "message", m.MessageID, "err", err)
		r.remove(q, m)
		return
	}
	age := func() time.Duration { return env.Age + m.Age + time.Since(began) } // in running time: what clocks say may jump
	stop := r.keepHidden(q, m.ReceiptHandle)
	defer stop()
	defer func() { // of what finds targets, and makes dead letters and records; attempts have their own
		if p := recover(); p != nil {
			r.log.Error("handling an event panicked; it comes back", "to", label(env.To), "event", env.event.ID, "value", fmt.Sprint(p))
		}
	}()
	var reply Reply
	v := verdict{ended: EventAgeExceeded}
	if !env.Policy.expired(env.Age + m.Age) {
		reply, err = r.attempt(env)
		if r.run.Work().Err() != nil {
			stop()
			r.release(q, m)
			return
		}
		v = env.next(env.Policy, r.outbox.config.Senders[env.Policy.Sender], reply, err, age(), rand.Float64())
	}
	failed := err
	if v.ended == "" {
		if err = r.sendAgain(q, env, v.pause); errors.Is(err, fault.TooLarge) { // it has grown by what its envelope says now
			v.ended = RetriesExhausted
		}
	}
	if v.ended != "" {
		err = r.outbox.end(r.run.Work(), env, v.ended, reply, failed)
	}
	if err != nil {
		if r.run.Work().Err() == nil {
			r.log.Error("what follows from an event could not be stored; it comes back", "to", label(env.To), "event", env.event.ID, "err", err)
		}
		return
	}
	r.remove(q, m)
}

func (r *receiver) attempt(env *envelope) (Reply, error) {
	ctx, cancel := context.WithTimeout(r.run.Work(), longest)
	defer cancel()
	t, err := r.outbox.config.Resolve(env.To)
	if err != nil {
		return Reply{}, err
	}
	return r.outbox.attempt(ctx, t, env)
}

// keepHidden lengthens a message's visibility timeout until stop is called, which
// may be done again. Most attempts are over before that takes a goroutine.
func (r *receiver) keepHidden(q Queue, handle string) (stop func()) {
	ctx, cancel := context.WithCancel(r.run.Work())
	over := make(chan struct{})
	timer := time.AfterFunc(hidden/2, func() {
		defer close(over)
		for ctx.Err() == nil {
			if err := q.ChangeVisibility(ctx, queue.VisibilityChange{ReceiptHandle: handle, Timeout: hidden})[0]; err != nil && ctx.Err() == nil {
				r.log.Warn("an event could not be kept from others; it may be delivered twice", "err", err)
			}
			pause(ctx, hidden/2)
		}
	})
	return sync.OnceFunc(func() {
		cancel()
		if !timer.Stop() {
			<-over
		}
	})
}

// sendAgain stores the next attempt at an event. The message of this one is removed
// after it: a kill in between delivers the event twice, never not at all.
func (r *receiver) sendAgain(q Queue, env *envelope, pause time.Duration) error {
	m, err := env.seal(pause)
	if err != nil {
		return err
	}
	_, err = q.Send(r.run.Work(), m)
	return err
}

func (r *receiver) remove(q Queue, m queue.ReceivedMessage) {
	if err := q.Delete(r.run.Work(), m.ReceiptHandle)[0]; err != nil && r.run.Work().Err() == nil {
		r.log.Warn("an event that is done with could not be removed; it may be delivered again", "err", err)
	}
}

// release makes an event that was cut off receivable at once.
func (r *receiver) release(q Queue, m queue.ReceivedMessage) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.run.Work()), putBack)
	defer cancel()
	if err := q.ChangeVisibility(ctx, queue.VisibilityChange{ReceiptHandle: m.ReceiptHandle})[0]; err != nil {
		r.log.Warn("an event could not be put back; it comes back by itself", "err", err)
	}
}

// pause waits, unless ctx ends before.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
