package function

import (
	"context"
	"sync"
	"time"
)

// How many asynchronous invocations of a function run at once before it has shown that
// it needs more, and how long one waits for each place that is added. Events that take
// a millisecond would otherwise start an environment each, for nothing.
const (
	initialPlaces = 10
	placeInterval = 50 * time.Millisecond
)

// A pace bounds how many asynchronous invocations of a function run at once. The bound
// grows as long as some wait.
type pace struct {
	freed chan struct{} // of capacity 1: a place is free

	mu      sync.Mutex // guards the rest
	places  int
	running int
	waiting int
	grown   time.Time // when a place was added, or the first began to wait
}

func newPace() *pace { return &pace{places: initialPlaces, freed: make(chan struct{}, 1)} }

// acquire waits for a place, of at most so many as there may be; 0 is no bound.
func (p *pace) acquire(ctx context.Context, most int) error {
	p.mu.Lock()
	if p.waiting == 0 {
		p.grown = time.Now()
	}
	p.waiting++
	for {
		now := time.Now()
		if n := int(now.Sub(p.grown) / placeInterval); n > 0 {
			p.places += n
			p.grown = p.grown.Add(time.Duration(n) * placeInterval)
		}
		if most > 0 {
			p.places = min(p.places, most)
		}
		if p.running < p.places {
			p.running++
			p.waiting--
			p.passOn()
			p.mu.Unlock()
			return nil
		}
		next := time.NewTimer(p.grown.Add(placeInterval).Sub(now))
		p.mu.Unlock()
		select {
		case <-p.freed:
		case <-next.C:
		case <-ctx.Done():
		}
		next.Stop()
		p.mu.Lock()
		if ctx.Err() != nil {
			p.waiting--
			p.passOn()
			p.mu.Unlock()
			return ctx.Err()
		}
	}
}

func (p *pace) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
	p.passOn()
}

// passOn wakes one of those that wait, if there is a place. It is called with mu held.
func (p *pace) passOn() {
	if p.waiting > 0 && p.running < p.places {
		select {
		case p.freed <- struct{}{}:
		default:
		}
	}
}
