// Package workers runs goroutines that the records of a table ask for: a poller for
// each enabled event source mapping, a mover for each active move task.
//
// A [Set] starts a worker for each record that wants one, follows what other
// runtimes write to the table, and ends workers whose records have changed or gone.
// Its owner writes records itself, and then has the set look with [Set.SyncLocked]:
//
//	s.mu.Lock()
//	defer s.mu.Unlock()
//	if err := s.table.Delete(ctx, id); err != nil {
//		return err
//	}
//	s.workers.SyncLocked(id, nil)
//
// It promises:
//
//   - of a record one worker is at work at most, beside earlier ones that finish
//     what they had begun
//   - a worker is told when its record has changed: of several changes in a row
//     perhaps only once, of one perhaps twice
//   - Stop ends all of them and waits; Start begins again with what is in the table
//     by then
package workers

import (
	"context"
	"errors"
	"sync"

	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
	"millrace/runtime/store/record"
)

// A Worker is what runs for a record of type T.
type Worker[T any] interface {
	// Run works until halted is over, or until nothing is left to do, and returns
	// when all that it began is over. work bounds what is under way: it goes on
	// after the halt, until a Stop cannot wait any longer.
	Run(halted, work context.Context)

	// Keep tells the worker that its record was written, and reports whether it
	// goes on; if not, it is halted, and another takes its place if the record wants
	// one. It is called with the owner's lock held, and must not block.
	Keep(record T) bool
}

// A Config says what a Set runs. All of it is required.
type Config[T any, W Worker[T]] struct {
	Table *record.Table[T]

	// New builds the worker of a record; ok is false when the record wants none. It
	// is called with Mu held.
	New func(key string, record T) (w W, ok bool)

	// Mu is the owner's. The set holds it while it looks at records and starts and
	// ends workers, so the owner who holds it sees records and workers agree.
	Mu sync.Locker

	// What names what Stop may have to cut off: "batches".
	What string
}

// A Set is the workers of a table. It is a lifecycle.Part.
type Set[T any, W Worker[T]] struct {
	config  Config[T, W]
	life    lifecycle.StartStop
	changes *Changes

	running map[string]*member[W] // guarded by config.Mu
}

type member[W any] struct {
	worker W
	halt   context.CancelFunc
	ended  []func() // called with config.Mu held when the worker is over
}

// New builds a set, and has it told from now on of what other runtimes write.
func New[T any, W Worker[T]](c Config[T, W]) *Set[T, W] {
	s := &Set[T, W]{config: c, running: map[string]*member[W]{}, changes: NewChanges()}
	c.Table.Watch(s.changes.Add)
	return s
}

// Start runs the workers that the table asks for, and follows it.
func (s *Set[T, W]) Start(ctx context.Context) error {
	return s.life.Start(ctx, func(_ context.Context, run *lifecycle.Run) error {
		s.changes.Take() // the look at the whole table finds those too
		s.config.Mu.Lock()
		defer s.config.Mu.Unlock()
		for _, key := range s.config.Table.Keys("") {
			s.sync(run, key, nil)
		}
		run.Go(func() { s.follow(run) })
		return nil
	})
}

// Stop halts the workers and waits for what they have under way. When ctx ends
// first it is cut off.
func (s *Set[T, W]) Stop(ctx context.Context) error { return s.life.Stop(ctx, s.config.What) }

// Reset stops the set, deletes all records and starts again. Mu must not be held.
func (s *Set[T, W]) Reset(ctx context.Context) error {
	err := s.Stop(ctx)
	if e := s.deleteAll(ctx); e != nil {
		return errors.Join(err, e)
	}
	return errors.Join(err, s.Start(ctx))
}

func (s *Set[T, W]) deleteAll(ctx context.Context) error {
	s.config.Mu.Lock()
	defer s.config.Mu.Unlock()
	for _, key := range s.config.Table.Keys("") {
		if err := s.config.Table.Delete(ctx, key); err != nil && !errors.Is(err, fault.NotFound) {
			return err
		}
	}
	return nil
}

// Running reports whether the set was started and is not to stop.
func (s *Set[T, W]) Running() bool { return s.life.Current() != nil }

// SyncLocked has the set look at a record that its owner has written. If that ends
// a worker, ended is called when the worker is over, with Mu held; else at once.
// It may be nil. Mu must be held.
func (s *Set[T, W]) SyncLocked(key string, ended func()) {
	if run := s.life.Current(); run != nil {
		s.sync(run, key, ended)
	} else if ended != nil {
		ended()
	}
}

// GetLocked returns the worker of a record. Mu must be held.
func (s *Set[T, W]) GetLocked(key string) (w W, ok bool) {
	if m := s.running[key]; m != nil {
		return m.worker, true
	}
	return w, false
}

// follow looks at what other runtimes write.
func (s *Set[T, W]) follow(run *lifecycle.Run) {
	for {
		select {
		case <-s.changes.Wake():
		case <-run.Halted().Done():
			return
		}
		for key := range s.changes.Take() {
			s.config.Mu.Lock()
			s.sync(run, key, nil)
			s.config.Mu.Unlock()
		}
	}
}

// sync has the worker of a record be the one that the record wants. It is called
// with Mu held.
func (s *Set[T, W]) sync(run *lifecycle.Run, key string, ended func()) {
	record, there := s.config.Table.Get(key)
	if m := s.running[key]; m != nil {
		if there && m.worker.Keep(record) {
			if ended != nil {
				ended()
			}
			return
		}
		delete(s.running, key)
		if ended != nil {
			m.ended = append(m.ended, ended)
		}
		m.halt()
	} else if ended != nil {
		ended()
	}
	if !there {
		return
	}
	if w, ok := s.config.New(key, record); ok {
		s.start(run, key, w)
	}
}

// start runs a worker, unless the set is to stop. It is called with Mu held.
func (s *Set[T, W]) start(run *lifecycle.Run, key string, w W) {
	halted, halt := context.WithCancel(run.Halted())
	m := &member[W]{worker: w, halt: halt}
	began := run.Go(func() {
		defer halt()
		w.Run(halted, run.Work())
		s.config.Mu.Lock()
		defer s.config.Mu.Unlock()
		if s.running[key] == m {
			delete(s.running, key)
		}
		for _, f := range m.ended {
			f()
		}
	})
	if !began {
		halt()
		return
	}
	s.running[key] = m
}
