package sqs

import (
	"context"
	"errors"
	"sync"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
	"millrace/runtime/store/record"
)

// cooldown is how long AWS refuses a second purge, and the name of a deleted queue.
const cooldown = time.Minute

// cooldowns remember what may not be done again for a while. They are records,
// so that a restart shortens no wait.
type cooldowns struct {
	mu    sync.Mutex // one at a time: of two purges that come together, one is refused
	table *record.Table[time.Time]
}

// cooldownsIn are those in a store, which forgets what has cooled down.
func cooldownsIn(records *record.Store) cooldowns {
	return cooldowns{table: record.NewTable[time.Time](records, "cooldown").Unguarded().
		Expiring(func(done time.Time) time.Time { return done.Add(cooldown) }, time.Now)}
}

// What cools down, as part of a record's key.
const (
	afterPurge  = "purge/"
	afterDelete = "delete/"
)

func coolingKey(what string, id queue.ID) string {
	return what + id.Account + "/" + id.Region + "/" + id.Name
}

// cooling reports whether a wait that began at done goes on. One that began more
// than a minute in the future does not: the clock has been set back since, and
// nobody waits for that long.
func cooling(done, now time.Time) bool { return now.Sub(done).Abs() < cooldown }

// active reports whether what was done to the queue less than a minute ago, and not
// before since: a queue has nothing to wait for that was done to one of its name.
func (c *cooldowns) active(what string, id queue.ID, now, since time.Time) bool {
	done, ok := c.table.Get(coolingKey(what, id))
	return ok && cooling(done, now) && !done.Before(since)
}

// start remembers what was done just now.
func (c *cooldowns) start(ctx context.Context, what string, id queue.ID, now time.Time) error {
	key := coolingKey(what, id)
	err := c.table.Create(ctx, key, now)
	if errors.Is(err, fault.Exists) {
		_, err = c.table.Update(ctx, key, func(time.Time) (time.Time, error) { return now, nil })
	}
	return err
}
