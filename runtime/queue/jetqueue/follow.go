package jetqueue

import (
	"context"
	"errors"
	"strings"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
)

// follow takes in what another node has done to the record of a queue.
func (qs *Queues) follow(k string) {
	qs.following.Lock() // the record that is read last is the one that counts
	defer qs.following.Unlock()
	account, rest, _ := strings.Cut(k, "/")
	region, name, _ := strings.Cut(rest, "/")
	id := queue.ID{Account: account, Region: region, Name: name}
	r, there := qs.table.Get(k)
	q := qs.here(id)
	if q != nil && there && q.source == r.Source {
		q.adopt()
		q.internal(0, func(m *queue.Machine) { m.Configure(q.rules()) })
		return
	}
	if q != nil { // it was deleted, and perhaps made anew
		qs.mu.Lock()
		if qs.queues[id] == q {
			delete(qs.queues, id)
		}
		qs.mu.Unlock()
		q.shut(notFound(id))
	}
	if !there || qs.open() != nil {
		return
	}
	q, err := qs.newQueue(r)
	if err != nil {
		qs.log.Error("the record of a queue cannot be used", "queue", name, "error", err)
		return
	}
	qs.add(q) // or they are closed
}

// look finds a queue whose record may be newer than the mirror: fault.NotFound
// when there is none.
func (qs *Queues) look(ctx context.Context, id queue.ID) (*Queue, error) {
	if err := qs.table.Refresh(ctx, key(id)); err != nil && !errors.Is(err, fault.NotFound) {
		return nil, err
	}
	qs.follow(key(id)) // the mirror may have it, and not have told
	if q := qs.here(id); q != nil {
		return q, nil
	}
	return nil, notFound(id)
}

// find is Get for one incarnation of a queue.
func (qs *Queues) find(ctx context.Context, id queue.ID, source uint64) (*Queue, error) {
	q := qs.here(id)
	if q == nil || q.source != source {
		var err error
		if q, err = qs.look(ctx, id); err != nil {
			return nil, err
		}
	}
	if q.source != source {
		return nil, notFound(id)
	}
	return q, nil
}

// young is how long a stream without a record may be another node's that is just
// making the queue.
const young = time.Minute

// settled tells a stream that nobody is just making. Both times are the server's.
func (qs *Queues) settled(ctx context.Context, stream string) bool {
	s, err := qs.js.Stream(ctx, stream)
	if err != nil {
		return false
	}
	info := s.CachedInfo()
	return info.TimeStamp.Sub(info.Created) >= young
}
