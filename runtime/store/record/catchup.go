package record

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"
)

// catchUp compares the mirror with the bucket after each time that the connection
// was lost, until ctx ends: the bucket may have removed markers of deletions that
// the mirror never saw.
func (s *Store) catchUp(ctx context.Context) {
	conn := s.js.Conn()
	back := conn.StatusChanged(nats.CONNECTED)
	defer conn.RemoveStatusListener(back)
	var again <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case _, ok := <-back:
			if !ok { // the connection is closed
				return
			}
		case <-again:
		}
		again = nil
		if err := s.compare(ctx); err != nil {
			again = time.After(removeTimeout)
		}
	}
}

// compare removes from the mirror what the bucket does not have.
func (s *Store) compare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, sweepDelay)
	defer cancel()
	before := s.all() // later writes are not compared
	keys, err := s.kv.ListKeys(ctx)
	if err != nil {
		return err
	}
	for key := range keys.Keys() {
		delete(before, key)
	}
	if ctx.Err() != nil {
		return ctx.Err() // the list may be incomplete
	}
	for wire, r := range before {
		if !r.deleted {
			s.unmirrorIfSame(wire, r)
		}
	}
	return nil
}

// unmirrorIfSame removes a record from the mirror unless it has changed.
func (s *Store) unmirrorIfSame(wire string, r *row) {
	name, key := keyOf(wire)
	s.mu.Lock()
	same := s.kinds[name].rows[key] == r
	if same {
		s.unmirrorLocked(name, key)
	}
	s.mu.Unlock()
	if same {
		s.notify(name, key)
	}
}
