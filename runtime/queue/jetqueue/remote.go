package jetqueue

import (
	"context"
	"errors"
	"strings"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
)

// applyRemoteChange applies what another node has done to the record of a queue.
func (qs *Queues) applyRemoteChange(k string) {
	qs.recordMu.Lock() // the record that is read last has to be applied last
	defer qs.recordMu.Unlock()
	account, rest, _ := strings.Cut(k, "/")
	region, name, _ := strings.Cut(rest, "/")
	id := queue.ID{Account: account, Region: region, Name: name}
	r, there := qs.table.Get(k)
	q := qs.lookup(id)
	if q != nil && there && q.generation == r.Generation {
		q.reloadConfig()
		q.enqueueInternal(0, func(m *queue.Machine) { m.Configure(q.machineConfig()) })
		return
	}
	if q != nil { // it was deleted, and perhaps created again
		qs.mu.Lock()
		if qs.queues[id] == q {
			delete(qs.queues, id)
		}
		qs.mu.Unlock()
		q.beginClose(notFound(id))
	}
	if !there || qs.checkOpen() != nil {
		return
	}
	q, err := qs.newQueue(r)
	if err != nil {
		qs.log.Error("malformed record of a queue", "queue", name, "err", err)
		return
	}
	qs.addAndStart(q) // unless they are closed
}

// refresh finds a queue whose record may be newer than the mirror's: fault.NotFound
// when there is none.
func (qs *Queues) refresh(ctx context.Context, id queue.ID) (*Queue, error) {
	if err := qs.table.Refresh(ctx, recordKey(id)); err != nil && !errors.Is(err, fault.NotFound) {
		return nil, err
	}
	qs.applyRemoteChange(recordKey(id)) // the mirror may have it without having called us yet
	if q := qs.lookup(id); q != nil {
		return q, nil
	}
	return nil, notFound(id)
}

// getGeneration is Get for one generation of a queue.
func (qs *Queues) getGeneration(ctx context.Context, id queue.ID, generation uint64) (*Queue, error) {
	q := qs.lookup(id)
	if q == nil || q.generation != generation {
		var err error
		if q, err = qs.refresh(ctx, id); err != nil {
			return nil, err
		}
	}
	if q.generation != generation {
		return nil, notFound(id)
	}
	return q, nil
}

// minOrphanAge: a younger stream without a record may belong to a queue that another
// node is creating.
const minOrphanAge = time.Minute

// isOldOrphan reports whether no node can still be creating the queue of a stream.
// Both times are the server's.
func (qs *Queues) isOldOrphan(ctx context.Context, stream string) bool {
	s, err := qs.js.Stream(ctx, stream)
	if err != nil {
		return false
	}
	info := s.CachedInfo()
	return info.TimeStamp.Sub(info.Created) >= minOrphanAge
}
