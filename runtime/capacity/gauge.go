package capacity

import (
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"millrace/runtime/fault"
)

// fresh is how long what a gauge has measured counts. Longer would save nothing:
// a measurement takes microseconds.
const fresh = 5 * time.Millisecond

// A Gauge is a [Limit] on something that can be measured. It measures when it is
// asked, at most every few milliseconds unless much was admitted since, and never
// by itself: nothing ticks while nobody asks.
type Gauge struct {
	// Measure returns how many bytes may be admitted before it is called again,
	// or an error made by fault.State. full says that it returned one the last time: then a
	// limit that lets a little more go free before it admits again does not flap.
	// It is called by one goroutine at a time.
	Measure func(full bool) (credit int64, err error)
	// Log is told when an episode of refusals begins and when it ends; nil for not.
	Log *slog.Logger
	// Over is what the log says at its end.
	Over string

	credit atomic.Int64 // bytes that may be admitted without another look
	until  atomic.Int64 // since began, in nanoseconds

	mu   sync.Mutex // held while it is measured; guards full
	full error
}

var began = time.Now() // its monotonic reading: the wall clock may jump

// Admit implements Limit.
func (g *Gauge) Admit(bytes int) error {
	if g.credit.Add(-int64(bytes)) >= 0 && int64(time.Since(began)) < g.until.Load() {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := int64(time.Since(began))
	if now < g.until.Load() && (g.full != nil || g.credit.Load() >= 0) {
		return g.full // someone else has just measured
	}
	credit, err := g.Measure(g.full != nil)
	g.tell(err)
	g.full = err
	if err != nil {
		credit = math.MinInt64 / 2 // nothing passes without a look at full
	}
	g.credit.Store(credit - int64(bytes))
	g.until.Store(now + int64(fresh))
	return err
}

// tell logs the beginning and the end of an episode.
func (g *Gauge) tell(err error) {
	switch {
	case g.Log == nil:
	case err != nil && g.full == nil:
		what, _ := fault.Told(err)
		g.Log.Error(what)
	case err == nil && g.full != nil:
		g.Log.Warn(g.Over)
	}
}
