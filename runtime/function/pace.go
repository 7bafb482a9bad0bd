package function

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// As many asynchronous invocations of a function as there are processors run at once
// before it has shown that it needs more: then one waits for each place that is added. Events that are
// soon over would otherwise start an environment each, for nothing: these wait for a
// place as those of mappings do. Where runs are long, waiting is longer than a start:
// those that are over took longRun, or none is over after endless. Where they take less
// than shortRun, more places would only be more processes at one machine's work. Runs
// that began with a start tell nothing.
const (
	quickInterval = 200 * time.Millisecond
	shortRun      = 20 * time.Millisecond
	longRun       = 100 * time.Millisecond
	endless       = time.Second
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
	usual     time.Duration // of recent runs, without starts
}

func newPace() *pace {
	return &pace{places: max(2, runtime.GOMAXPROCS(0)), freed: make(chan struct{}, 1)}
}

// acquire waits for a place, of at most so many as there may be; 0 is no bound. What it
// returns ends the run, and is told whether that was a cold start.
func (p *pace) acquire(ctx context.Context, most int) (release func(cold bool), err error) {
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
			return func(cold bool) { p.end(now, cold) }, nil
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
	if 0 < p.usual && p.usual < shortRun {
		p.grown = now
	}
	if p.usual >= longRun || now.Sub(p.lastEnded) >= endless {
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

func (p *pace) end(began time.Time, cold bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
	p.lastEnded = time.Now()
	if !cold {
		p.usual += (p.lastEnded.Sub(began) - p.usual) / 8
	}
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
