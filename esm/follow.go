package esm

import (
	"sync"
)

// changes are the mappings that another runtime has made, changed or deleted, and
// that this one has not looked at yet.
type changes struct {
	mu   sync.Mutex // guards ids
	ids  map[string]bool
	wake chan struct{}
}

// add never waits.
func (c *changes) add(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ids == nil {
		c.ids = map[string]bool{}
	}
	c.ids[id] = true
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *changes) take() map[string]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	ids := c.ids
	c.ids = nil
	return ids
}

// follow has the pollers here follow what other runtimes do to mappings, until
// quit is closed: every runtime polls every mapping.
func (s *Mappings) follow(quit <-chan struct{}) {
	for {
		select {
		case <-s.changes.wake:
		case <-quit:
			return
		}
		for id := range s.changes.take() {
			s.catchUp(id)
		}
	}
}

func (s *Mappings) catchUp(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return
	}
	m, there := s.table.Get(id)
	wanted := there && m.Enabled
	p := s.pollers[id]
	if p != nil && wanted && p.mapping.Modified.Equal(m.Modified) {
		return // this runtime's own doing, or no more than its tags
	}
	s.end(id, nil)
	if wanted {
		s.start(m)
	}
}
