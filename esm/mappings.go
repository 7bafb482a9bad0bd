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

// Mappings are the event source mappings, and the pollers of those enabled.
type Mappings struct {
	config Config
	table  *record.Table[Mapping]
	parts  sync.WaitGroup // pollers, what follows their ends, and follow

	changes changes

	mu      sync.Mutex // guards the rest, and serialises changes
	pollers map[string]*poller
	ending  map[string]Mapping // Disabling or Deleting until their last batch is over
	work    context.Context    // bounds all batches; over when a Stop cannot wait any longer
	abort   context.CancelFunc
	stopped bool
	quit    chan struct{} // closed by Stop, for follow
}

// Open reads the mappings and starts the pollers of those enabled. Its context
// bounds nothing that goes on afterwards; Stop ends that.
func Open(_ context.Context, c Config) (*Mappings, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Mappings{
		config:  c,
		table:   record.NewTable[Mapping](c.Records, "mapping"),
		pollers: map[string]*poller{},
		ending:  map[string]Mapping{},
		changes: changes{wake: make(chan struct{}, 1)},
	}
	s.table.Watch(s.changes.add)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reopen()
	for _, m := range s.table.List("") {
		if m.Enabled {
			s.start(m)
		}
	}
	return s, nil
}

// Create makes a mapping of what the API was given: source, function and
// settings. A BatchSize of 0 is the source's default. The answer's State is Creating,
// or Disabled for a mapping that is not wanted to run.
func (s *Mappings) Create(ctx context.Context, m Mapping) (Mapping, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
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
	if m.Enabled {
		s.start(m)
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
		s.end(id, nil)
	case before.Enabled:
		answer.State = "Disabling"
		s.end(id, &answer)
	case m.Enabled:
		answer.State = "Enabling"
	}
	if m.Enabled {
		s.start(m)
	}
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
	s.end(id, &m)
	return m, nil
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
	if p := s.pollers[id]; p != nil {
		if problem := p.problem.Load(); problem != nil {
			m.Problem = *problem
		}
	}
	return m, nil
}

// free returns a mapping that may be changed.
func (s *Mappings) free(id string) (Mapping, error) {
	if s.stopped {
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
