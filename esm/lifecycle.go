package esm

import (
	"cmp"
	"context"
	"reflect"
	"time"

	"millrace/esm/batch"
	"millrace/esm/source"
	"millrace/runtime/pattern"
)

// Start runs the pollers of the mappings that are enabled.
func (s *Mappings) Start(ctx context.Context) error { return s.pollers.Start(ctx) }

// Stop ends all pollers: it returns when their running batches are over. When
// ctx ends first it cuts them off, and their records come again.
func (s *Mappings) Stop(ctx context.Context) error { return s.pollers.Stop(ctx) }

// Reset removes all mappings, after a Stop in the same manner. Others can be
// created then.
func (s *Mappings) Reset(ctx context.Context) error { return s.pollers.Reset(ctx) }

// newPoller builds the poller of a mapping that was checked; ok is false when it is
// disabled. It is called with mu held.
func (s *Mappings) newPoller(_ string, m Mapping) (p *poller, ok bool) {
	if !m.Enabled {
		return nil, false
	}
	src, err := s.source(m)
	if err != nil {
		s.config.Log.Error("event source mapping cannot start", "mapping", m.UUID, "source", m.EventSource, "err", err)
		return nil, false
	}
	traits := src.Traits()
	f, err := pattern.CompileFilter(traits.Payload, m.Filters)
	if err != nil {
		s.config.Log.Error("event source mapping cannot start", "mapping", m.UUID, "source", m.EventSource, "err", err)
		return nil, false
	}
	return &poller{
		mapping:   m,
		source:    src,
		traits:    traits,
		filter:    f,
		invoker:   s.config.Invoker,
		timeout:   s.config.Timeout,
		log:       s.config.Log,
		limiter:   newLimiter(cmp.Or(m.MaxConcurrent, traits.MaxBatches)),
		batch:     batch.New[source.Record](m.BatchSize, m.window(traits), len(traits.Head)+len(traits.Tail)),
		nextPause: firstPause,
	}, true
}

// window is how long a batch is collected.
func (m *Mapping) window(t source.Traits) time.Duration {
	if m.Window == OwnWindow {
		return t.DefaultWindow
	}
	return time.Duration(m.Window) * time.Second
}

// Keep implements workers.Worker: a poller goes on when no more changed than what
// it does not look at.
func (p *poller) Keep(m Mapping) bool {
	old := p.mapping
	old.Tags, old.Modified = m.Tags, m.Modified
	return reflect.DeepEqual(old, m)
}
