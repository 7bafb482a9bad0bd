// Package cooldown remembers which queues were purged or deleted within the last
// minute, when SQS refuses a second purge, and a new queue of the same name.
//
// Cool-downs are records, so that a restart does not end them early.
package cooldown

import (
	"context"
	"errors"
	"sync"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
	"millrace/runtime/store/record"
)

// Period is how long a cool-down lasts.
const Period = time.Minute

// ErrPurged says that a queue was purged less than a Period ago.
var ErrPurged = fault.New(fault.Conflict, "the queue was purged less than a minute ago")

// A Table is the cool-downs of all queues. Safe for concurrent use.
type Table struct {
	mu    sync.Mutex // one purge or deletion at a time: of two purges at once, one is refused
	table *record.Table[time.Time]
}

// New is the cool-downs in a store, which removes those that are over.
func New(records *record.Store) *Table {
	return &Table{table: record.NewTable[time.Time](records, "cooldown").Unguarded().
		Expiring(func(done time.Time) time.Time { return done.Add(Period) }, time.Now)}
}

// What cools down, as part of a record's key.
const (
	afterPurge  = "purge/"
	afterDelete = "delete/"
)

func key(what string, id queue.ID) string {
	return what + id.Account + "/" + id.Region + "/" + id.Name
}

// Purge runs purge, and starts a cool-down when it succeeds. It is ErrPurged while one
// lasts that began after the queue was created: an older one belongs to another queue
// of the same name.
//
// The cool-down is stored after the purge: if the process dies in between, the client
// may purge again.
func (t *Table) Purge(ctx context.Context, id queue.ID, created time.Time, purge func() error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.active(afterPurge, id, time.Now(), created) {
		return ErrPurged
	}
	if err := purge(); err != nil {
		return err
	}
	return t.start(ctx, afterPurge, id, time.Now())
}

// Delete starts a cool-down, and then runs remove.
//
// The cool-down is stored before the deletion: if the process dies in between, the
// queue still exists, and a cool-down does not matter to a queue that exists.
func (t *Table) Delete(ctx context.Context, id queue.ID, remove func() error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.start(ctx, afterDelete, id, time.Now()); err != nil {
		return err
	}
	return remove()
}

// Deleted reports whether a queue of this name was deleted less than a Period ago.
func (t *Table) Deleted(id queue.ID) bool {
	return t.active(afterDelete, id, time.Now(), time.Time{})
}

// cooling reports whether a cool-down that began at done still lasts. One that began
// more than a Period in the future does not: the clock has been set back since.
func cooling(done, now time.Time) bool { return now.Sub(done).Abs() < Period }

// active reports whether a cool-down lasts that began at since or later.
func (t *Table) active(what string, id queue.ID, now, since time.Time) bool {
	done, ok := t.table.Get(key(what, id))
	return ok && cooling(done, now) && !done.Before(since)
}

// start stores that a cool-down begins now.
func (t *Table) start(ctx context.Context, what string, id queue.ID, now time.Time) error {
	key := key(what, id)
	err := t.table.Create(ctx, key, now)
	if errors.Is(err, fault.Exists) {
		_, err = t.table.Update(ctx, key, func(time.Time) (time.Time, error) { return now, nil })
	}
	return err
}
