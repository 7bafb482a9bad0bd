package record

import (
	"context"
	"time"

	"millrace/runtime/lifecycle"
)

// sweepDelay is how long after its expiry a record is removed, at the earliest, so that
// one sweep removes many.
const sweepDelay = time.Minute

// removeTimeout bounds the removal of one expired record.
const removeTimeout = 10 * time.Second

// Expiring returns the table for records that expire at the time at(record), by the clock
// now. From then on reads do not find the record and its key is free; a while later it is
// removed. at must not change its argument.
func (t *Table[T]) Expiring(at func(T) time.Time, now func() time.Time) *Table[T] {
	e := *t
	e.expiresAt, e.now = at, now
	e.store.addSweeper(e.kind, e.sweep)
	return &e
}

// expired reports whether a record has expired.
func (t *Table[T]) expired(r *row) bool {
	if t.expiresAt == nil || !r.exists() {
		return false
	}
	v, err := t.read(r)
	return err == nil && !t.now().Before(t.expiresAt(*v))
}

// scheduleSweep has a record removed a while after it expires.
func (t *Table[T]) scheduleSweep(v T) {
	if t.expiresAt != nil {
		t.store.arm(t.kind, t.expiresAt(v).Sub(t.now()))
	}
}

// sweep removes the expired records, and returns how long it is until the next one
// expires; ok is false when none is left.
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
		in := t.expiresAt(*v).Sub(t.now())
		if in <= 0 && t.store.removeOnly(ctx, wireKey(t.kind, key), r) == nil {
			continue
		}
		if !ok || in < next {
			next, ok = in, true // one that could not be removed is tried again
		}
	}
	return next, ok
}

// removeOnly deletes a record unless it has changed since it was read.
func (s *Store) removeOnly(ctx context.Context, wire string, r *row) error {
	ctx, cancel := context.WithTimeout(ctx, removeTimeout)
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

// A sweeper removes the expired records of one kind.
type sweeper struct {
	sweep func(context.Context) (next time.Duration, ok bool)
	timer *time.Timer // nil while there is nothing to wait for
	due   time.Time   // when it fires
}

func (s *Store) addSweeper(kind string, sweep func(context.Context) (time.Duration, bool)) {
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

// arm schedules a sweep of a kind for a while after d, unless one is due before.
func (s *Store) arm(kind string, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.sweepers[kind]
	if w == nil || s.run == nil {
		return
	}
	d = max(d, 0) + sweepDelay
	due := time.Now().Add(d)
	if w.timer != nil {
		if !due.Before(w.due) {
			return
		}
		w.timer.Stop()
	}
	w.due = due
	run := s.run
	w.timer = time.AfterFunc(d, func() { s.sweepIn(run, kind, w, due) })
}

// sweepIn sweeps a kind unless the run is halted.
func (s *Store) sweepIn(run *lifecycle.Run, kind string, w *sweeper, due time.Time) {
	s.mu.Lock()
	late := !w.due.Equal(due) // one that comes sooner was set meanwhile
	if !late {
		w.timer = nil
	}
	s.mu.Unlock()
	if late {
		return
	}
	run.Go(func() {
		if next, ok := w.sweep(run.Halted()); ok {
			s.arm(kind, next)
		}
	})
}

// stopSweeps lets no sweep begin.
func (s *Store) stopSweeps() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run = nil
	for _, w := range s.sweepers {
		if w.timer != nil {
			w.timer.Stop()
		}
	}
}
