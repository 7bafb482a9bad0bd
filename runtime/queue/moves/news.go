package moves

import (
	"maps"
	"slices"
	"sync"
)

// news are the keys of records that other runtimes have written. Whoever tells
// them must not wait, so they gather here, each once.
type news struct {
	wake chan struct{} // there are some

	mu   sync.Mutex // guards keys
	keys map[string]struct{}
}

func newNews() *news { return &news{wake: make(chan struct{}, 1), keys: map[string]struct{}{}} }

func (n *news) add(key string) {
	n.mu.Lock()
	n.keys[key] = struct{}{}
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

func (n *news) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := slices.Collect(maps.Keys(n.keys))
	clear(n.keys)
	return all
}
