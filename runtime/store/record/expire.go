package record

import (
	"context"
	"time"
)

// pause is how long after its end a record is removed, at the earliest: those that
// end together are removed together.
const pause = time.Minute

// patience bounds the removal of one record that has ended.
const patience = 10 * time.Second

// Expiring returns the table for records that end by themselves: from at(record)
// on, by the clock now, nobody finds one anymore, and its key can be taken; a while
// later it is removed. at must not change what it is given.
func (t *Table[T]) Expiring(at func(T) time.Time, now func() time.Time) *Table[T] {
	e := *t
	e.ends, e.now = at, now
	e.store.sweepWith(e.kind, e.sweep)
	return &e
}

// over tells that a record has ended.
func (t *Table[T]) over(r *row) bool {
	if t.ends == nil || !r.there() {
		return false
	}
	v, err := t.read(r)
	return err == nil && !t.now().Before(t.ends(*v))
}

// armFor has a record removed a while after it ends.
func (t *Table[T]) armFor(v T) {
	if t.ends != nil {
		t.store.arm(t.kind, t.ends(v).Sub(t.now()))
	}
}

// sweep removes what has ended, and returns how long it is until something else
// does; ok is false when nothing is left.
func (t *Table[T]) sweep(ctx context.Context) (next time.Duration, ok bool) {
	for _, key := range t.store.keys(t.kind, "") {
		r, there := t.store.get(t.kind, key)
		if !there {
			continue
		}
		v, err := t.read(r)
		if err != nil {
			continue // nobody knows when it ends
		}
		in := t.ends(*v).Sub(t.now())
		if in <= 0 && t.store.removeOnly(ctx, wireKey(t.kind, key), r) == nil {
			continue
		}
		if !ok || in < next {
			next, ok = in, true // one that could not be removed is tried again
		}
	}
	return next, ok
}

// removeOnly deletes a record as it was read, and lets a newer one be.
func (s *Store) removeOnly(ctx context.Context, wire string, r *row) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	defer s.lock(wire)()
	kind, key := keyOf(wire)
	if s.row(kind, key) != r {
		return nil
	}
	if err := s.intact(); err != nil {
		return err
	}
	return s.removeAt(ctx, kind, wire, r.revision)
}

// A sweeper removes what has ended of one kind.
type sweeper struct {
	sweep func(context.Context) (next time.Duration, ok bool)
	timer *time.Timer // nil while there is nothing to wait for
	due   time.Time   // when it fires
}

func (s *Store) sweepWith(kind string, sweep func(context.Context) (time.Duration, bool)) {
	s.mu.Lock()
	if s.sweepers == nil {
		s.sweepers = map[string]*sweeper{}
	}
	if s.sweepers[kind] == nil {
		s.sweepers[kind] = &sweeper{sweep: sweep}
	}
	there := s.kinds[kind] != nil
	s.mu.Unlock()
	if there {
		s.arm(kind, 0)
	}
}

// arm has the records of a kind looked through a while after something has ended
// that does so in d, or before.
func (s *Store) arm(kind string, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.sweepers[kind]
	if w == nil || s.closed {
		return
	}
	d = max(d, 0) + pause
	due := time.Now().Add(d)
	if w.timer != nil {
		if !due.Before(w.due) {
			return
		}
		w.timer.Stop()
	}
	w.due = due
	w.timer = time.AfterFunc(d, func() { s.sweep(kind, w, due) })
}

func (s *Store) sweep(kind string, w *sweeper, due time.Time) {
	s.mu.Lock()
	if s.closed || !w.due.Equal(due) { // one that comes sooner was set meanwhile
		s.mu.Unlock()
		return
	}
	w.timer = nil
	s.sweeping.Add(1)
	s.mu.Unlock()
	defer s.sweeping.Done()
	if next, ok := w.sweep(s.life); ok {
		s.arm(kind, next)
	}
}

// endSweeps ends what Expiring began.
func (s *Store) endSweeps() {
	s.mu.Lock()
	s.closed = true
	for _, w := range s.sweepers {
		if w.timer != nil {
			w.timer.Stop()
		}
	}
	s.mu.Unlock()
	s.end()
	s.sweeping.Wait()
}
