package delivery

import (
	"context"
	"errors"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
)

// A StoredQueue is a Queue whose configuration can be changed.
type StoredQueue interface {
	Queue
	Config() queue.Config
	Configure(ctx context.Context, change func(*queue.Config) error) error
}

// Queues find and make queues: jetqueue.Queues.
type Queues[Q StoredQueue] interface {
	Get(queue.ID) (Q, error)
	Create(context.Context, queue.ID, queue.Config) (Q, error)
}

// Reserved is the account of what the runtime keeps for itself: no caller can be
// in it, so that nobody's ListQueues shows it.
const Reserved = "millrace"

// outboxQueue is where events wait. It has its name from when they were Lambda's
// alone: data folders hold it.
var outboxQueue = queue.ID{Account: Reserved, Region: "local", Name: "lambda-events"}

// maxEvent bounds an event in the outbox, in bytes: a megabyte that a function is
// sent, with its envelope, or the record of what came of it.
const maxEvent = 16 << 20

// How many attempts are under way at once, over all runtimes, and how many of one
// target: see queue.Config.
const (
	slots         = 1024
	slotsPerGroup = 100
)

// maxCached is how many bytes of events that wait are kept in memory: enough for what
// passes through. The rest is read when its turn comes.
const maxCached = 8 << 20

// QueueIn finds the outbox's queue among others, and makes it when it is not there:
// what Config.Queue wants. What is sent to targets is nobody else's business, so the
// queue is encrypted as SQS's are by default.
func QueueIn[Q StoredQueue](ctx context.Context, all Queues[Q]) (Queue, error) {
	q, err := all.Get(outboxQueue)
	if errors.Is(err, fault.NotFound) {
		now := time.Now()
		q, err = all.Create(ctx, outboxQueue, queue.Config{
			Visibility: hidden, MaxBytes: maxEvent, Slots: slots, SlotsPerGroup: slotsPerGroup, MaxCached: maxCached, Created: now, Modified: now,
			Texts: map[string]string{"SqsManagedSseEnabled": "true"},
		})
		if errors.Is(err, fault.Exists) { // another runtime was first
			q, err = all.Get(outboxQueue)
		}
	}
	if err == nil && q.Config().MaxCached != maxCached { // a queue of earlier
		err = q.Configure(ctx, func(c *queue.Config) error {
			c.MaxBytes, c.Slots, c.SlotsPerGroup, c.MaxCached = maxEvent, slots, slotsPerGroup, maxCached
			return nil
		})
	}
	return q, err
}
