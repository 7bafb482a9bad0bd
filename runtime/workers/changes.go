package workers

import "sync"

// changes are the keys of records that other runtimes have written, each once.
// Whoever tells of one must not wait, so they gather here.
type changes struct {
	wake chan struct{} // of capacity 1: there are some

	mu   sync.Mutex // guards keys
	keys map[string]struct{}
}

func newChanges() changes { return changes{wake: make(chan struct{}, 1), keys: map[string]struct{}{}} }

// add never waits.
func (c *changes) add(key string) {
	c.mu.Lock()
	c.keys[key] = struct{}{}
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *changes) take() map[string]struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	keys := c.keys
	c.keys = map[string]struct{}{}
	return keys
}
