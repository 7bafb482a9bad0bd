package jetqueue

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
)

// purge removes dead entries from the log, beside the owner. The entries that
// made them so are synced first: a power cut must not take the copy of a message
// whose original is gone.
func (o *owner) purge(below uint64, bytes int64) {
	m := o.machine
	o.others.Go(func() {
		err := o.set.store.Sync(o.log.stream)
		if err == nil {
			err = o.reader.purge(o.ctx, below)
			o.set.store.Wrote(o.log.stream)
		}
		if err != nil && o.ctx.Err() == nil {
			o.set.log.Warn("dead entries of a queue could not be purged", "queue", o.id.Name, "error", err)
		}
		o.internal(0, func(now *queue.Machine) {
			if now != m { // a machine that was made since has counted anew
				return
			}
			o.purging = false
			if err == nil {
				m.LogTrimmed(bytes)
			}
		})
	})
}

// copySurvivors has the machine copy the oldest messages to the end of the log.
// Their contents are read beside the owner when they are not in memory.
func (o *owner) copySurvivors() {
	m := o.machine
	from, to, read := m.CompactionRange()
	again := func(read map[uint64]page) {
		contents := map[uint64]queue.Content{}
		for number, p := range read {
			contents[number] = p.Content
		}
		o.internal(entryRoom, func(now *queue.Machine) {
			if now != m {
				return
			}
			if o.copying = !m.Compact(to, contents); o.copying { // this machine does not try again
				o.set.log.Warn("a message that is to be copied is not in the log", "queue", o.id.Name)
			}
		})
	}
	o.copying = true
	if !read && o.safe.prepare(o.config.Load()) == nil {
		again(nil)
		return
	}
	o.others.Go(func() {
		contents := map[uint64]page{}
		var missing error
		err := o.reader.scan(o.ctx, from, to, func(_ uint64, entry []byte) error {
			return o.collect(entry, contents)
		}, func(from, to uint64) { missing = gapError{from, to} })
		err = errors.Join(err, missing)
		if err == nil {
			err = o.safe.prepare(o.config.Load())
		}
		if err != nil && o.ctx.Err() == nil {
			o.set.log.Warn("old entries of a queue could not be read", "queue", o.id.Name, "error", err)
			return // copying stays set: this machine does not try again
		}
		again(contents)
	})
}

const (
	buryAtOnce  = 100
	firstRetry  = 50 * time.Millisecond
	lastRetry   = 5 * time.Second
	retryGrowth = 2
)

// bury moves dead letters to their queue, beside the owner, until none are left
// or the queue is closed. Those that are not moved then are moved after the next
// start.
func (o *owner) bury() {
	o.burying = true
	m := o.machine
	o.others.Go(func() {
		for wait := firstRetry; ; {
			var some []queue.Transfer
			err := o.do(o.ctx, 0, func(now *queue.Machine) {
				if now != m { // which moves its own
					return
				}
				if some = m.PendingTransfers(buryAtOnce); len(some) == 0 {
					o.burying = false
				}
			})
			if err == nil && len(some) > 0 {
				err = o.moveDead(some)
			}
			switch {
			case o.ctx.Err() != nil || err == nil && len(some) == 0:
				return
			case err == nil:
				wait = firstRetry
				continue
			}
			level := slog.LevelWarn
			if _, told := fault.Told(err); told {
				level = slog.LevelDebug
			}
			o.set.log.Log(o.ctx, level, "dead letters could not be moved; trying again", "queue", o.id.Name, "err", err)
			select {
			case <-time.After(wait):
				wait = min(wait*retryGrowth, lastRetry)
			case <-o.ctx.Done():
				return
			}
		}
	})
}

// moveDead moves the first burials that have one target.
func (o *owner) moveDead(some []queue.Transfer) error {
	n := 1
	for n < len(some) && some[n].Target == some[0].Target {
		n++
	}
	some = some[:n]
	id, _ := queue.IDFromARN(some[0].Target)
	then, what := (*queue.Machine).CompleteTransfer, "a message moved to its dead-letter queue"
	target, err := o.set.Get(id)
	if err == nil {
		if some, err = o.prepare(o.ctx, some, id.FIFO()); err == nil {
			err = target.arrive(o.ctx, o.source, some)
		}
		if err != nil { // it may have ended in between; its key may be what is missing
			if _, gone := o.set.Get(id); errors.Is(gone, fault.NotFound) {
				err = gone
			} else {
				return err
			}
		}
	}
	if errors.Is(err, fault.NotFound) {
		then, what, err = (*queue.Machine).RevertTransfer, "a message stays, since its dead-letter queue is not there", nil
	}
	if err != nil {
		return err
	}
	for _, b := range some {
		if !b.AsNew { // a task tells of its own
			o.set.log.Debug(what, "queue", o.id.Name, "target", id.Name, "message", messageID(b.ID), "receives", b.Receives)
		}
	}
	defer o.tellProgress()
	return o.do(o.ctx, len(some)*recordRoom, func(m *queue.Machine) {
		for _, b := range some {
			then(m, b.Number)
		}
	})
}

// prepare completes the contents of dead letters: where they come from and, for
// a FIFO queue, a deduplication id of their own (SQS developer guide,
// dead-letter queues). It returns those that fit in one entry, one at least.
func (o *owner) prepare(ctx context.Context, some []queue.Transfer, fifo bool) ([]queue.Transfer, error) {
	size := 0
	for i := range some {
		b := &some[i]
		if b.Content == "" {
			c, err := o.content(ctx, b.Entry, b.Number)
			if err != nil {
				return nil, err
			}
			b.Content = c.Content
		}
		msg, _, err := b.Content.Unpack()
		if err != nil {
			return nil, err
		}
		if fifo {
			msg.DedupID = messageID(b.ID)
		}
		from := o.id.ARN().String()
		if b.AsNew {
			from = "" // as if its sender had sent it there
		}
		b.Content = queue.Pack(&msg, from)
		if size += len(b.Content) + recordRoom; i > 0 && size > min(entryRoom, o.set.maxEntry) {
			return some[:i], nil
		}
	}
	return some, nil
}
