package jetobject

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/nats-io/nats.go"

	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
)

// storedSubject is where runtimes tell each other of events that they have stored. The
// subjects of the streams would tell of them too early.
const storedSubject = "millrace.buckets.stored"

// reopenPoll is how often it is looked whether a session of the store has begun.
const reopenPoll = 250 * time.Millisecond

// isOwned reports whether this runtime hands over the events of the bucket.
func (b *Bucket) isOwned() bool {
	c := b.buckets.config.Cluster
	if c == nil {
		return true
	}
	view := c.View()
	return view.Owner(b.generation) == view.Self
}

// tellOwner tells the runtime that hands over the events of a bucket that there are new ones.
func (b *Bucket) tellOwner() {
	msg := binary.BigEndian.AppendUint64([]byte(b.ID().Name), b.generation)
	if err := b.buckets.config.Backbone.Conn().Publish(storedSubject, msg); err != nil {
		b.buckets.config.Log.Debug("telling another runtime of an event failed", "bucket", b.ID().Name, "err", err)
	}
}

// onStored hears that another runtime has stored events.
func (bs *Buckets) onStored(m *nats.Msg) {
	n := len(m.Data) - 8
	run, err := bs.run()
	if n <= 0 || err != nil {
		return
	}
	name, generation := string(m.Data[:n]), binary.BigEndian.Uint64(m.Data[n:])
	run.Go(func() {
		b, err := bs.Find(run.Halted(), name)
		if err == nil && b.generation == generation && b.isOwned() {
			b.lookForEvents(run.Halted())
		}
	})
}

// lookForEvents reads the log, and has the events in it handed over.
func (b *Bucket) lookForEvents(ctx context.Context) {
	err := b.ensure(ctx)
	if err == nil && b.stream.shared {
		err = b.catchUp(ctx)
	}
	switch {
	case err == nil:
		b.announceEvents()
	case ctx.Err() == nil && !errors.Is(err, fault.NotFound):
		b.buckets.config.Log.Warn("looking for notifications of a bucket failed", "bucket", b.ID().Name, "err", err)
	}
}

// watch looks for events when the buckets are opened, when other runtimes have come or gone,
// and when the store was away.
func (bs *Buckets) watch(run *lifecycle.Run) {
	for {
		session := bs.config.Backbone.Session()
		var changed <-chan struct{}
		if bs.config.Cluster != nil {
			changed = bs.config.Cluster.View().Changed()
		}
		if session.Err() == nil {
			for _, b := range bs.all() {
				if b.announces() && b.isOwned() && run.Halted().Err() == nil {
					b.lookForEvents(run.Halted())
				}
			}
		} else {
			select {
			case <-time.After(reopenPoll):
			case <-changed:
			case <-run.Halted().Done():
				return
			}
			continue
		}
		select {
		case <-session.Done():
		case <-changed:
		case <-run.Halted().Done():
			return
		}
	}
}

// announces reports whether there may be events of the bucket that wait.
func (b *Bucket) announces() bool {
	if b.record.Load().matcher != nil {
		return true
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.state.machine != nil && b.state.machine.PendingLen() > 0
}
