package esm

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"millrace/esm/source"
	"millrace/runtime/store/record"
	"millrace/runtime/workers"
)

// A Config is what mappings rest on. All but Log is required.
type Config struct {
	Records *record.Store
	Invoker Invoker

	// Sources are the kinds of sources, by the service in their ARNs: "sqs".
	Sources map[string]source.Kind

	// Timeout is a function's time-out; ok is false when there is no such
	// function. It is asked before each receive, so it should be quick.
	Timeout func(functionARN string) (timeout time.Duration, ok bool)

	Log *slog.Logger // nil for none
}

// Mappings are the event source mappings, and the pollers of those enabled. They
// are a lifecycle.Part.
type Mappings struct {
	config  Config
	table   *record.Table[Mapping]
	pollers *workers.Set[Mapping, *poller]

	mu     sync.Mutex         // guards ending, and serialises changes with the start and end of pollers
	ending map[string]Mapping // Disabling or Deleting until their last batch is over
}

// New builds the mappings, and polls for none.
func New(c Config) *Mappings {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Mappings{config: c, table: record.NewTable[Mapping](c.Records, "mapping"), ending: map[string]Mapping{}}
	s.pollers = workers.New(workers.Config[Mapping, *poller]{Table: s.table, New: s.newPoller, Mu: &s.mu, What: "batches"})
	return s
}

// Create makes a mapping of what the API was given: source, function and
// settings. A BatchSize of 0 is the source's default. The answer's State is Creating,
// or Disabled for a mapping that is not wanted to run.
func (s *Mappings) Create(ctx context.Context, m Mapping) (Mapping, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.pollers.Running() {
		return Mapping{}, errMappingsStopped
	}
	m.UUID = uuid.NewString()
	if err := s.check(&m); err != nil {
		return Mapping{}, err
	}
	m = stored(m)
	if err := s.table.Create(ctx, m.UUID, m); err != nil {
		return Mapping{}, err
	}
	s.pollers.SyncLocked(m.UUID, nil)
	if m.Enabled {
		m.State = "Creating"
	}
	return m, nil
}

// Get returns a mapping: ErrNotFound when there is none.
func (s *Mappings) Get(id string) (Mapping, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.get(id)
}

// List returns the mappings that keep wants, all for nil, ordered by UUID.
func (s *Mappings) List(keep func(Mapping) bool) []Mapping {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(s.all(), func(m Mapping) bool { return keep != nil && !keep(m) })
}

// Update changes a mapping's settings. An error of change is returned as it is.
// Batches that run are finished as they began. The answer's State is Updating,
// Enabling or Disabling, or Disabled when the mapping was and stays so;
// ErrInUse while it is still Disabling or Deleting.
func (s *Mappings) Update(ctx context.Context, id string, change func(*Mapping) error) (Mapping, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, err := s.free(id)
	if err != nil {
		return Mapping{}, err
	}
	m := before
	if err := change(&m); err != nil {
		return Mapping{}, err
	}
	m.UUID = id
	if err := s.check(&m); err != nil {
		return Mapping{}, err
	}
	m = stored(m)
	if _, err := s.table.Update(ctx, id, func(Mapping) (Mapping, error) { return m, nil }); err != nil {
		return Mapping{}, err
	}
	answer := m
	switch {
	case before.Enabled && m.Enabled:
		answer.State = "Updating"
	case before.Enabled:
		answer.State = "Disabling"
		s.end(id, answer)
		return answer, nil
	case m.Enabled:
		answer.State = "Enabling"
	}
	s.pollers.SyncLocked(id, nil)
	return answer, nil
}

// Retag changes a mapping's tags, in whatever state it is, and nothing else.
func (s *Mappings) Retag(ctx context.Context, id string, change func(tags map[string]string) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.get(id); err != nil {
		return err
	}
	_, err := s.table.Update(ctx, id, func(m Mapping) (Mapping, error) {
		if m.Tags == nil {
			m.Tags = map[string]string{}
		}
		return m, change(m.Tags)
	})
	return err
}

// Delete removes a mapping. The answer's State is Deleting, and so is the
// mapping's as long as a batch of it runs.
func (s *Mappings) Delete(ctx context.Context, id string) (Mapping, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.free(id)
	if err != nil {
		return Mapping{}, err
	}
	if err := s.table.Delete(ctx, id); err != nil {
		return Mapping{}, err
	}
	m.State = "Deleting"
	s.end(id, m)
	return m, nil
}

// end stops a mapping's poller, if it has one, without waiting for it. Until its
// last batch is over the mapping shows as meanwhile says. It is called with mu
// held.
func (s *Mappings) end(id string, meanwhile Mapping) {
	s.ending[id] = meanwhile
	s.pollers.SyncLocked(id, func() { delete(s.ending, id) })
}

// stored is a mapping as it is stored: in the state that it is about to reach.
func stored(m Mapping) Mapping {
	m.Modified, m.Reason, m.State = time.Now().UTC(), "USER_INITIATED", "Disabled"
	if m.Enabled {
		m.State = "Enabled"
	}
	return m
}

// get, and all methods below, are called with mu held.
func (s *Mappings) get(id string) (Mapping, error) {
	if m, ok := s.ending[id]; ok {
		return m, nil
	}
	m, ok := s.table.Get(id)
	if !ok {
		return Mapping{}, ErrNotFound
	}
	if p, ok := s.pollers.GetLocked(id); ok {
		if t := p.trouble.Load(); t != nil {
			m.Problem, m.Trouble = t.Problem, t.text
		}
		m.Last = p.last()
	}
	return m, nil
}

// free returns a mapping that may be changed.
func (s *Mappings) free(id string) (Mapping, error) {
	if !s.pollers.Running() {
		return Mapping{}, errMappingsStopped
	}
	if _, ok := s.ending[id]; ok {
		return Mapping{}, ErrInUse
	}
	return s.get(id)
}

func (s *Mappings) all() []Mapping {
	keys := s.table.Keys("")
	for id, m := range s.ending {
		if m.State == "Deleting" {
			keys = append(keys, id)
		}
	}
	slices.Sort(keys)
	var all []Mapping
	for _, id := range keys {
		if m, err := s.get(id); err == nil {
			all = append(all, m)
		}
	}
	return all
}
