package record

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"
)

// catchUp compares the mirror with the bucket after each time that the connection
// was lost, until Close: the bucket may have removed markers of deletions that
// the mirror never saw.
func (s *Store) catchUp() {
	defer s.sweeping.Done()
	conn := s.js.Conn()
	back := conn.StatusChanged(nats.CONNECTED)
	defer conn.RemoveStatusListener(back)
	var again <-chan time.Time
	for {
		select {
		case <-s.life.Done():
			return
		case _, ok := <-back:
			if !ok { // the connection is closed
				return
			}
		case <-again:
		}
		again = nil
		if err := s.compare(s.life); err != nil {
			again = time.After(patience)
		}
	}
}

// compare takes out of the mirror what the bucket does not have.
func (s *Store) compare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pause)
	defer cancel()
	before := s.all() // what is written from now on is not missed
	keys, err := s.kv.ListKeys(ctx)
	if err != nil {
		return err
	}
	for key := range keys.Keys() {
		delete(before, key)
	}
	if ctx.Err() != nil {
		return ctx.Err() // then it was not the whole list
	}
	for wire, r := range before {
		if !r.gone {
			s.missing(wire, r)
		}
	}
	return nil
}

// missing takes out a record that is not there anymore, unless it changed.
func (s *Store) missing(wire string, r *row) {
	name, key := keyOf(wire)
	s.mu.Lock()
	same := s.kinds[name].rows[key] == r
	if same {
		s.dropLocked(name, key)
	}
	s.mu.Unlock()
	if same {
		s.tell(name, key)
	}
}
