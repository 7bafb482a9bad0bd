package jetqueue

import (
	"errors"

	"millrace/runtime/queue"
	"millrace/runtime/store/streams"
)

// trimLog purges dead entries from the stream, in the background. It syncs the
// stream first: a power failure must not lose the copy of a message whose original
// is purged.
func (o *owner) trimLog(below uint64, bytes int64) {
	m := o.machine
	o.background.Go(func() {
		err := o.queues.store.Sync(o.log.stream)
		if err == nil {
			err = o.reader.trim(o.ctx, below)
			o.queues.store.Wrote(o.log.stream)
		}
		if err != nil && o.ctx.Err() == nil {
			o.queues.log.Warn("trimming the log of a queue failed", "queue", o.id.Name, "err", err)
		}
		o.enqueueInternal(0, func(now *queue.Machine) {
			if now != m { // a newer machine counts anew
				return
			}
			o.trimming = false
			if err == nil {
				m.LogTrimmed(bytes)
			}
		})
	})
}

// compact has the machine copy the oldest messages to the end of the log. When their
// contents are not in memory, they are read in the background.
func (o *owner) compact() {
	m := o.machine
	from, to, read := m.CompactionRange()
	again := func(read map[uint64]storedContent) {
		contents := map[uint64]queue.Content{}
		for number, p := range read {
			contents[number] = p.Content
		}
		o.enqueueInternal(maxBatchBytes, func(now *queue.Machine) {
			if now != m {
				return
			}
			if o.compacting = !m.Compact(to, contents); o.compacting { // stays set after a failure: this machine does not try again
				o.queues.log.Warn("compacting the log of a queue failed: a message is missing in it", "queue", o.id.Name)
			}
		})
	}
	o.compacting = true
	if !read && o.dataKeys.ensureKey(o.config.Load()) == nil {
		again(nil)
		return
	}
	o.background.Go(func() {
		contents := map[uint64]storedContent{}
		var missing error
		err := o.reader.scan(o.ctx, from, to, func(_ uint64, entry []byte) error {
			return o.readContents(entry, contents)
		}, func(from, to uint64) { missing = streams.GapError{From: from, To: to} })
		err = errors.Join(err, missing)
		if err == nil {
			err = o.dataKeys.ensureKey(o.config.Load())
		}
		if err != nil && o.ctx.Err() == nil {
			o.queues.log.Warn("compacting the log of a queue failed: old entries cannot be read", "queue", o.id.Name, "err", err)
			return // compacting stays set: this machine does not try again
		}
		again(contents)
	})
}
