package esm

import (
	"context"
	"errors"
	"time"

	"millrace/esm/batch"
	"millrace/esm/source"
	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
	"millrace/runtime/pattern"
)

// Stop ends all pollers: it returns when their running batches are over. When
// ctx ends first it cuts them off, and their records come again.
func (s *Mappings) Stop(ctx context.Context) error {
	s.mu.Lock()
	if !s.stopped {
		s.stopped = true
		close(s.quit)
	}
	abort := s.abort
	for _, p := range s.pollers {
		p.halt()
	}
	s.mu.Unlock()
	defer abort()
	return lifecycle.Drain(ctx, &s.parts, abort, "batches")
}

// Reset removes all mappings, after a Stop in the same manner. Others can be
// created then.
func (s *Mappings) Reset(ctx context.Context) error {
	err := s.Stop(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range s.table.Keys("") {
		if e := s.table.Delete(ctx, id); e != nil && !errors.Is(e, fault.NotFound) {
			return errors.Join(err, e)
		}
	}
	clear(s.pollers)
	s.reopen()
	return err
}

// reopen lets pollers start. It is called with mu held.
func (s *Mappings) reopen() {
	s.work, s.abort = context.WithCancel(context.Background())
	s.stopped = false
	s.quit = make(chan struct{})
	quit := s.quit
	s.parts.Go(func() { s.follow(quit) })
}

// start runs a poller for a mapping that was checked. It is called with mu held.
func (s *Mappings) start(m Mapping) {
	src, err := s.source(m)
	if err != nil {
		s.config.Log.Error("event source mapping cannot start", "mapping", m.UUID, "source", m.EventSource, "err", err)
		return
	}
	traits := src.Traits()
	f, err := pattern.CompileFilter(traits.Payload, m.Filters)
	if err != nil {
		s.config.Log.Error("event source mapping cannot start", "mapping", m.UUID, "err", err)
		return
	}
	p := &poller{
		mapping:   m,
		source:    src,
		traits:    traits,
		filter:    f,
		invoker:   s.config.Invoker,
		timeout:   s.config.Timeout,
		log:       s.config.Log,
		limiter:   newLimiter(m.MaxConcurrent),
		done:      make(chan struct{}),
		batch:     batch.New[source.Record](m.BatchSize, time.Duration(m.Window)*time.Second, len(traits.Head)+len(traits.Tail)),
		nextPause: firstPause,
	}
	p.halted, p.halt = context.WithCancel(s.work)
	s.pollers[m.UUID] = p
	work := s.work
	s.parts.Go(func() { p.run(work) })
}

// end stops a mapping's poller, if it has one, without waiting for it. Until its
// last batch is over the mapping shows as meanwhile says, nil for no change. It
// is called with mu held.
func (s *Mappings) end(id string, meanwhile *Mapping) {
	p := s.pollers[id]
	if p == nil {
		return
	}
	delete(s.pollers, id)
	p.halt()
	if meanwhile != nil {
		s.ending[id] = *meanwhile
	}
	s.parts.Go(func() {
		<-p.done
		s.mu.Lock()
		defer s.mu.Unlock()
		if meanwhile != nil {
			delete(s.ending, id)
		}
	})
}
