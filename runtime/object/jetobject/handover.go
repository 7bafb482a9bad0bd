package jetobject

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/object"
	"millrace/runtime/object/destination"
	"millrace/runtime/object/notify"
)

// The notifications of a bucket are events that wait in its machine. A goroutine, while there
// are any, hands them to the outbox in their order, and writes down how far it is once a
// second: what a kill loses of that is handed over again.
//
// Of the runtimes that share a bucket one does so, by the hash of its generation; the others
// tell it what they have stored, see nodes.go.
type handover struct {
	mu     sync.Mutex
	over   chan struct{} // closed when the goroutine has ended; nil while there is none
	wake   chan struct{} // of size 1; of that goroutine
	stop   context.CancelFunc
	closed bool // the bucket is being removed: no goroutine begins

	handed atomic.Uint64 // the number of the last event that the outbox has
	hurry  atomic.Bool   // how far it is need not be written down
}

const (
	handOverAtOnce  = 64
	handOverMaxOpen = 1024        // events that the outbox has before it is written down
	recordInterval  = time.Second // between notes of how far it is
)

// announceEvents has the events that wait handed over.
func (b *Bucket) announceEvents() {
	run, err := b.buckets.run()
	if err != nil || b.buckets.config.Outbox == nil || !b.isOwned() {
		return
	}
	h := &b.handover
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over != nil {
		select {
		case h.wake <- struct{}{}:
		default:
		}
		return
	}
	if h.closed {
		return
	}
	ctx, stop := context.WithCancel(run.Halted())
	h.wake, h.stop, h.over = make(chan struct{}, 1), stop, make(chan struct{})
	if !run.Go(func() { b.handOver(ctx, run.Work()) }) {
		h.over = nil
		stop()
	}
}

// handOver hands events over until none waits, and writes down that it did.
func (b *Bucket) handOver(ctx, work context.Context) {
	h := &b.handover
	open, recorded := 0, time.Now() // events that are handed over and not written down; when that was done last
	for {
		n, err := b.handOverSome(ctx, work)
		open += n
		due := time.Until(recorded.Add(recordInterval))
		last := err != nil || ctx.Err() != nil || h.hurry.Load()
		switch {
		case n > 0 && !last && due > 0 && open < handOverMaxOpen:
			continue
		case open > 0 && !last && due > 0 && open < handOverMaxOpen:
			select {
			case <-h.wake:
			case <-ctx.Done():
			case <-time.After(due):
			}
			continue
		case open > 0:
			if err := b.recordHandOver(work); err == nil || errors.Is(err, fault.NotFound) || last {
				open = 0
			}
			recorded = time.Now()
			continue
		case n > 0 && !last:
			continue
		}
		if h.end(last) {
			return
		}
	}
}

// end ends the goroutine, unless it is to go on.
func (h *handover) end(last bool) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-h.wake:
		if !last {
			return false
		}
	default:
	}
	h.stop()
	close(h.over)
	h.over = nil
	return true
}

// handOverSome hands some events over, and returns how many. It tries again until the outbox
// takes them. An error says that it must not go on.
func (b *Bucket) handOverSome(ctx, work context.Context) (n int, err error) {
	if ctx.Err() != nil || !b.isOwned() {
		return 0, errNotOurs
	}
	h := &b.handover
	var waiting []object.PendingEvent
	b.mu.RLock()
	if m := b.state.machine; m != nil {
		waiting = m.Pending(h.handed.Load(), handOverAtOnce)
	}
	b.mu.RUnlock()
	for _, p := range waiting {
		if err := b.putEvent(ctx, work, &p.Event); err != nil {
			return n, err
		}
		h.handed.Store(p.Number)
		n++
	}
	return n, nil
}

var errNotOurs = errors.New("another runtime hands the events over")

// putEvent hands one event to the outbox.
func (b *Bucket) putEvent(ctx, work context.Context, e *notify.Event) error {
	const first, longest = 50 * time.Millisecond, 10 * time.Second
	for pause := first; ; pause = min(2*pause, longest) {
		d := destination.Delivery(e, b.buckets.config.Resolve)
		err := b.buckets.config.Outbox.Put(work, d.To, d.Event, d.Policy)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, fault.TooLarge), errors.Is(err, fault.Invalid):
			b.buckets.config.Log.Warn("a notification cannot be sent, and is lost", "bucket", b.ID().Name, "key", e.Key, "event", e.Type.String(), "to", e.Destination, "err", err)
			return nil
		case ctx.Err() != nil || work.Err() != nil:
			return err
		case pause == first:
			b.buckets.config.Log.Warn("notifications of a bucket wait: the outbox does not take them", "bucket", b.ID().Name, "err", err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// recordHandOver writes down how far the events are handed over.
func (b *Bucket) recordHandOver(ctx context.Context) error {
	c := &object.HandedOver{UpTo: b.handover.handed.Load()}
	err := b.submit(ctx, &request{commands: []object.Command{c}})
	if err == nil {
		err = c.Err
	}
	return err
}

// handOverRest hands over what is left of a bucket that is to be removed.
func (b *Bucket) handOverRest(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, b.stream.timeout)
	defer cancel()
	h := &b.handover
	h.hurry.Store(true)
	b.announceEvents()
	h.mu.Lock()
	over := h.over
	h.mu.Unlock()
	if over == nil {
		return nil
	}
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		return fault.Wrap(fault.Unavailable, ctx.Err(), "notifications of bucket %s wait to be handed over", b.ID().Name)
	}
}

// cut ends the handing over, whatever is left.
func (h *handover) cut() {
	h.mu.Lock()
	h.closed = true
	over := h.over
	if over != nil {
		h.stop()
	}
	h.mu.Unlock()
	if over != nil {
		<-over
	}
}
