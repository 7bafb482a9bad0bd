package esm

import (
	"context"
	"sync"
	"time"
)

// firstLimit is how many batches of a mapping may run at once before it has
// shown that it needs more: Lambda's five.
const firstLimit = 5

// mostBatches bounds the batches of a mapping without MaximumConcurrency.
const mostBatches = 1000

// pace is how long the poller waits for each place that is added: Lambda adds 300 a
// minute. Batches that take a millisecond would otherwise start a process each, for
// nothing.
const pace = time.Minute / 300

// A gate bounds how many batches run at once. While the poller waits for a place,
// the bound grows at Lambda's pace, when a batch leaves that had come full, since
// more records are then waiting too; it halves when the function is throttled.
type gate struct {
	most int
	left chan struct{} // of capacity 1: a batch has left since the poller last looked

	mu      sync.Mutex // guards the rest
	limit   int
	running int
	waiting bool      // the poller is
	grown   time.Time // up to when waiting has made limit grow
}

// newGate lets at most so many batches run; 0 means mostBatches.
func newGate(most int) *gate {
	if most == 0 {
		most = mostBatches
	}
	return &gate{most: most, limit: min(firstLimit, most), left: make(chan struct{}, 1)}
}

// wait returns once another batch may enter; false says that ctx ended first.
// Only one goroutine may wait and enter.
func (g *gate) wait(ctx context.Context) bool {
	for ctx.Err() == nil {
		if g.open(time.Now()) {
			return true
		}
		select {
		case <-g.left:
		case <-ctx.Done():
		}
	}
	return false
}

func (g *gate) open(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	waited := g.waiting
	g.waiting = g.running >= g.limit
	if begun := now.Add(-pace); g.waiting && !waited && g.grown.Before(begun) {
		g.grown = begun
	}
	return !g.waiting
}

func (g *gate) enter() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running++
}

// leave ends what entered; full says that its batch was.
func (g *gate) leave(now time.Time, full bool) {
	g.mu.Lock()
	g.running--
	if full && g.waiting {
		n := now.Sub(g.grown) / pace
		g.limit = min(g.limit+int(n), g.most)
		g.grown = g.grown.Add(n * pace)
	}
	g.mu.Unlock()
	select {
	case g.left <- struct{}{}:
	default:
	}
}

func (g *gate) throttled() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.limit = max(1, g.limit/2)
}
