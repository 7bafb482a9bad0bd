package capacity

import (
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"millrace/runtime/fault"
)

// maxAge is how long a measurement is valid. A longer time would save nothing: a
// measurement takes microseconds.
const maxAge = 5 * time.Millisecond

// A Gauge is a [Limit] on something that can be measured. It measures only when
// Admit is called, and at most every few milliseconds unless much was admitted since:
// an idle runtime measures nothing.
type Gauge struct {
	// Measure returns how many bytes may be admitted before it is called again,
	// or an error made by fault.State. full is true if the last call returned an error:
	// a limit should then demand a little more room, so that it does not flap.
	// It is called by one goroutine at a time.
	Measure func(full bool) (credit int64, err error)
	// Log gets a line when refusals begin and when they end; nil for none.
	Log *slog.Logger
	// Recovered is the log line for the end of refusals.
	Recovered string

	credit atomic.Int64 // bytes that may be admitted before the next measurement
	until  atomic.Int64 // since began, in nanoseconds

	mu   sync.Mutex // held during a measurement; guards full
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
	g.logChange(err)
	g.full = err
	if err != nil {
		credit = math.MinInt64 / 2 // until the next measurement Admit returns full
	}
	g.credit.Store(credit - int64(bytes))
	g.until.Store(now + int64(maxAge))
	return err
}

// logChange logs when refusals begin and when they end.
func (g *Gauge) logChange(err error) {
	switch {
	case g.Log == nil:
	case err != nil && g.full == nil:
		what, _ := fault.Told(err)
		g.Log.Error(what)
	case err == nil && g.full != nil:
		g.Log.Warn(g.Recovered)
	}
}
