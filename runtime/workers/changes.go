package workers

import "sync"

// Changes are the keys of records that other runtimes have written, each once.
// Whoever tells of one must not wait, so they gather here.
type Changes struct {
	wake chan struct{} // of capacity 1: there are some

	mu   sync.Mutex // guards keys
	keys map[string]struct{}
}

// NewChanges are none yet.
func NewChanges() *Changes {
	return &Changes{wake: make(chan struct{}, 1), keys: map[string]struct{}{}}
}

// Add notes a change. It never waits: record.Table.Watch may call it.
func (c *Changes) Add(key string) {
	c.mu.Lock()
	c.keys[key] = struct{}{}
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Wake is readable when there are changes to Take.
func (c *Changes) Wake() <-chan struct{} { return c.wake }

// Take returns what has gathered, and forgets it.
func (c *Changes) Take() map[string]struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	keys := c.keys
	c.keys = map[string]struct{}{}
	return keys
}
