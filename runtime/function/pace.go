package function

import (
	"context"
	"sync"
	"time"
)

// How many asynchronous invocations of a function run at once before it has shown that
// it needs more, and how long one waits for each place that is added. Events that are
// soon over would otherwise start an environment each, for nothing: these wait for a
// place as those of mappings do. Where runs are long, waiting is longer than a start.
const (
	initialPlaces = 5
	quickInterval = 200 * time.Millisecond
	longRun       = 100 * time.Millisecond
	longInterval  = 5 * time.Millisecond
)

// A pace bounds how many asynchronous invocations of a function run at once. The bound
// grows as long as some wait.
type pace struct {
	freed chan struct{} // of capacity 1: a place is free

	mu        sync.Mutex // guards the rest
	places    int
	running   int
	waiting   int
	grown     time.Time     // when a place was added, or the first began to wait
	lastEnded time.Time     // when a run ended, or the first began
	usual     time.Duration // of recent runs
}

func newPace() *pace { return &pace{places: initialPlaces, freed: make(chan struct{}, 1)} }

// acquire waits for a place, of at most so many as there may be; 0 is no bound. What it
// returns ends the run.
func (p *pace) acquire(ctx context.Context, most int) (release func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting == 0 {
		p.grown = time.Now()
	}
	p.waiting++
	defer func() {
		p.waiting--
		p.passOn()
	}()
	for {
		now := time.Now()
		if p.running == 0 {
			p.lastEnded = now
		}
		next := p.grow(now)
		if most > 0 {
			p.places = min(p.places, most)
		}
		if p.running < p.places {
			p.running++
			return func() { p.end(now) }, nil
		}
		p.await(ctx, next)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

// grow adds the places that waiting has earned, and says when the next may be due.
func (p *pace) grow(now time.Time) (next time.Duration) {
	interval := quickInterval
	if p.usual >= longRun || now.Sub(p.lastEnded) >= longRun {
		interval = longInterval
	}
	if n := now.Sub(p.grown) / interval; n > 0 {
		p.places += int(n)
		p.grown = now
	}
	return min(interval, longRun)
}

// await waits for a place, or so long. It is called with mu held.
func (p *pace) await(ctx context.Context, d time.Duration) {
	p.mu.Unlock()
	defer p.mu.Lock()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-p.freed:
	case <-t.C:
	case <-ctx.Done():
	}
}

func (p *pace) end(began time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
	p.lastEnded = time.Now()
	p.usual += (p.lastEnded.Sub(began) - p.usual) / 8
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
