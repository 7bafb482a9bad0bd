package jetqueue

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
)

const (
	transferBatch      = 100
	firstTransferRetry = 50 * time.Millisecond
	maxTransferRetry   = 5 * time.Second
	retryGrowth        = 2
)

// runTransfers transfers messages to other queues, in the background, until none are
// left or the queue is closed. What is left then is transferred after the next
// start.
func (o *owner) runTransfers() {
	o.transferring = true
	m := o.machine
	o.background.Go(func() {
		for wait := firstTransferRetry; ; {
			var batch []queue.Transfer
			err := o.do(o.ctx, 0, func(now *queue.Machine) {
				if now != m { // a newer machine runs its own transfers
					return
				}
				if batch = m.PendingTransfers(transferBatch); len(batch) == 0 {
					o.transferring = false
				}
			})
			if err == nil && len(batch) > 0 {
				err = o.sendTransfers(batch)
			}
			switch {
			case o.ctx.Err() != nil || err == nil && len(batch) == 0:
				return
			case err == nil:
				wait = firstTransferRetry
				continue
			}
			level := slog.LevelWarn
			if _, told := fault.Told(err); told {
				level = slog.LevelDebug
			}
			o.queues.log.Log(o.ctx, level, "transferring messages to another queue failed; trying again", "queue", o.id.Name, "err", err)
			select {
			case <-time.After(wait):
				wait = min(wait*retryGrowth, maxTransferRetry)
			case <-o.ctx.Done():
				return
			}
		}
	})
}

// sendTransfers sends those at the front of batch that have the same target.
func (o *owner) sendTransfers(batch []queue.Transfer) error {
	n := 1
	for n < len(batch) && batch[n].Target == batch[0].Target {
		n++
	}
	batch = batch[:n]
	id, _ := queue.IDFromARN(batch[0].Target)
	then, what := (*queue.Machine).CompleteTransfer, "a message moved to its dead-letter queue"
	target, err := o.queues.Get(id)
	if err == nil {
		if batch, err = o.prepareTransfers(o.ctx, batch, id.FIFO()); err == nil {
			err = target.acceptTransfers(o.ctx, o.generation, batch)
		}
		if err != nil { // the target may have been deleted meanwhile; its key may be missing for that reason
			if _, gone := o.queues.Get(id); errors.Is(gone, fault.NotFound) {
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
	for _, b := range batch {
		if !b.AsNew { // a move task logs its own messages
			o.queues.log.Debug(what, "queue", o.id.Name, "target", id.Name, "message", messageID(b.ID), "receives", b.Receives)
		}
	}
	defer o.notifyTransferProgress()
	return o.do(o.ctx, len(batch)*maxRecordBytes, func(m *queue.Machine) {
		for _, b := range batch {
			then(m, b.Number)
		}
	})
}

// prepareTransfers completes the contents of dead letters: their source and, for a
// FIFO queue, a new deduplication id (SQS developer guide, dead-letter queues). It
// returns as many as fit in one entry, at least one.
func (o *owner) prepareTransfers(ctx context.Context, batch []queue.Transfer, fifo bool) ([]queue.Transfer, error) {
	size := 0
	for i := range batch {
		b := &batch[i]
		if b.Content == "" {
			c, err := o.loadContent(ctx, b.Entry, b.Number)
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
			from = "" // as if its sender had sent it to the target
		}
		b.Content = queue.Pack(&msg, from)
		if size += len(b.Content) + maxRecordBytes; i > 0 && size > min(maxBatchBytes, o.queues.maxEntry) {
			return batch[:i], nil
		}
	}
	return batch, nil
}
