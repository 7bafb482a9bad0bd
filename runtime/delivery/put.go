package delivery

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
	"millrace/runtime/telemetry"
)

// Put takes an event for a target, and returns when it is durable. An error says
// that it was not taken: fault.Unavailable, or fault.Canceled when ctx ended first.
//
// A durable target is handed the event at once; what goes wrong then, and all other
// events, wait in the outbox.
func (o *Outbox) Put(ctx context.Context, to string, e Event, p Policy) error {
	left, err := o.hand(ctx, Delivery{to, e, p})
	if left == nil || err != nil {
		return err
	}
	m, err := left.seal(0)
	if err != nil {
		return err
	}
	return o.store(ctx, m)
}

// A Delivery is an event for one target.
type Delivery struct {
	To     string
	Event  Event
	Policy Policy
}

const (
	handedAtOnce   = 64        // events of one PutAll that durable targets are handed at the same time
	storedAtOnce   = 512 << 10 // bytes of events that the outbox's queue is sent in one go; at least one event
	storedOverhead = 1 << 10   // what a stored event may have beside its body and attributes, in bytes
)

// PutAll is Put for many events at once, in no order. It returns when all are durable.
// An error says that at least one was not taken; any of the others may have been.
func (o *Outbox) PutAll(ctx context.Context, all []Delivery) error {
	left := make([]*envelope, len(all)) // what is to wait in the outbox
	handing, failed := errgroup.WithContext(ctx)
	handing.SetLimit(handedAtOnce)
	for i := range all {
		if failed.Err() != nil { // one was not taken, or the caller has left
			handing.Go(func() error { return fault.Wrap(fault.Canceled, failed.Err(), "handing over events") })
			break
		}
		handing.Go(func() (err error) {
			defer func() { // of what finds targets; attempts have their own
				if p := recover(); p != nil {
					err = fault.New(fault.Internal, "handing over an event panicked: %v", p)
				}
			}()
			left[i], err = o.hand(ctx, all[i])
			return err
		})
	}
	if err := handing.Wait(); err != nil {
		return err
	}
	return o.storeAll(ctx, left)
}

// storeAll keeps events in the outbox's queue; those that are nil are done with.
func (o *Outbox) storeAll(ctx context.Context, all []*envelope) error {
	var batch []queue.Message
	size := 0
	for _, env := range all {
		if env == nil {
			continue
		}
		m, err := env.seal(0)
		if err != nil {
			return err
		}
		n := m.Bytes() + len(m.GroupID) + storedOverhead
		if len(batch) > 0 && size+n > storedAtOnce {
			if err := o.store(ctx, batch...); err != nil {
				return err
			}
			batch, size = batch[:0], 0
		}
		batch, size = append(batch, m), size+n
	}
	if len(batch) == 0 {
		return nil
	}
	return o.store(ctx, batch...)
}

// hand hands an event to its target, if that is durable. It returns what has to wait
// in the outbox, nil for nothing.
func (o *Outbox) hand(ctx context.Context, d Delivery) (left *envelope, err error) {
	if d.Event.ID == "" {
		d.Event.ID = uuid.NewString()
	}
	if d.Event.TraceParent == "" {
		d.Event.TraceParent = telemetry.TraceParent(ctx)
	}
	env := &envelope{To: d.To, Policy: d.Policy, event: d.Event}
	if durable, ok := o.durable(d.To); ok {
		if stored, err := o.direct(ctx, durable, env); stored || err != nil {
			return nil, err
		}
	}
	return env, nil
}

// directWait bounds a durable target that Put asks itself: a healthy one takes
// less than a millisecond.
const directWait = time.Second

func (o *Outbox) durable(to string) (DurableTarget, bool) {
	t, err := o.config.Resolve(to)
	if err != nil {
		return nil, false
	}
	durable, ok := t.(DurableTarget)
	return durable, ok
}

// direct hands an event to a durable target. stored reports whether that was the
// end of it; otherwise the event is to wait in the outbox.
func (o *Outbox) direct(ctx context.Context, t DurableTarget, env *envelope) (stored bool, err error) {
	began := time.Now()
	wait, cancel := context.WithTimeout(ctx, directWait)
	defer cancel()
	reply, err := o.attempt(wait, t, env)
	if err != nil && ctx.Err() != nil {
		return false, fault.Wrap(fault.Canceled, ctx.Err(), "handing over an event")
	}
	if err != nil && !IsFinal(err) {
		return false, nil
	}
	v := env.next(env.Policy, o.config.Senders[env.Policy.Sender], reply, err, time.Since(began), 0) // of its pause nothing is used
	if v.ended == "" {
		return false, nil
	}
	return true, o.end(ctx, env, v.ended, reply, err)
}

// store keeps messages in the outbox's queue, which is made anew when it has gone.
func (o *Outbox) store(ctx context.Context, messages ...queue.Message) error {
	for again := range 2 {
		q, err := o.open(ctx)
		if err != nil {
			return err
		}
		_, err = q.Send(ctx, messages...)
		if again > 0 || !errors.Is(err, fault.NotFound) {
			return err
		}
		o.lost(q)
	}
	return nil
}
