package esm

import (
	"context"
	"sync"
	"time"
)

// initialLimit is how many batches of a mapping may run at once before it has
// shown that it needs more: Lambda's five.
const initialLimit = 5

// maxBatches bounds the batches of a mapping without MaximumConcurrency.
const maxBatches = 1000

// growthInterval is how long the poller waits for each place that is added: Lambda adds 300 a
// minute. Batches that take a millisecond would otherwise start a process each, for
// nothing.
const growthInterval = time.Minute / 300

// A limiter bounds how many batches run at once. While the poller waits for a place,
// the bound grows at Lambda's pace, when a batch leaves that had come full, since
// more records are then waiting too; it halves when the function is throttled.
type limiter struct {
	max      int
	released chan struct{} // of capacity 1: a batch has left since the poller last looked

	mu      sync.Mutex // guards the rest
	limit   int
	running int
	waiting bool      // the poller is
	grown   time.Time // up to when waiting has made limit grow
}

// newLimiter lets at most so many batches run; 0 means maxBatches.
func newLimiter(most int) *limiter {
	if most == 0 {
		most = maxBatches
	}
	return &limiter{max: most, limit: min(initialLimit, most), released: make(chan struct{}, 1)}
}

// wait returns once another batch may begin; false says that ctx ended first.
// Only one goroutine may wait and acquire.
func (l *limiter) wait(ctx context.Context) bool {
	for ctx.Err() == nil {
		if l.mayBegin(time.Now()) {
			return true
		}
		select {
		case <-l.released:
		case <-ctx.Done():
		}
	}
	return false
}

func (l *limiter) mayBegin(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	waited := l.waiting
	l.waiting = l.running >= l.limit
	if begun := now.Add(-growthInterval); l.waiting && !waited && l.grown.Before(begun) {
		l.grown = begun
	}
	return !l.waiting
}

func (l *limiter) acquire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running++
}

// release ends what was acquired; full says that the batch was.
func (l *limiter) release(now time.Time, full bool) {
	l.mu.Lock()
	l.running--
	if full && l.waiting {
		n := now.Sub(l.grown) / growthInterval
		l.limit = min(l.limit+int(n), l.max)
		l.grown = l.grown.Add(n * growthInterval)
	}
	l.mu.Unlock()
	select {
	case l.released <- struct{}{}:
	default:
	}
}

// halve is for when the function was throttled.
func (l *limiter) halve() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limit = max(1, l.limit/2)
}
