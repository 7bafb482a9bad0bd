package live

import (
	"context"
	"time"

	"millrace/runtime/broker/metrics"
)

// measureTimeout bounds a look at the metrics of a broker.
const measureTimeout = 20 * time.Second

// Metrics implements broker.Runner.
func (r *Runner) Metrics(id string, from time.Time) []metrics.Series {
	return r.window(id).Since(from)
}

// window is where the metrics of a broker are kept, over its restarts until it is removed.
func (r *Runner) window(id string) *metrics.Window {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.windows[id]
	if w == nil {
		w = &metrics.Window{}
		if r.running[id] != nil {
			r.windows[id] = w
		}
	}
	return w
}

func (r *Runner) forgetMetrics(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.windows, id)
}

// measure has the samples of a minute kept.
func (r *running) measure(ctx context.Context, minute time.Time) {
	ctx, cancel := context.WithTimeout(ctx, measureTimeout)
	defer cancel()
	_, control := r.now()
	b, err := control.Measure(ctx)
	if err != nil {
		if ctx.Err() == nil {
			r.log.Debug("the metrics of a broker could not be read; they are read again in a minute", "err", err)
		}
		return
	}
	r.window().Add(minute, metrics.Of(b))
}

// untilMinute is how long it is until the next full minute.
func untilMinute(now time.Time) time.Duration {
	return now.Truncate(time.Minute).Add(time.Minute).Sub(now)
}
