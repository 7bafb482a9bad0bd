package metrics

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// Keep is how long samples are kept: one a minute, in memory alone.
const Keep = 3 * time.Hour

// A Window is the newest samples of a broker. The zero value is empty and ready to use.
// It is safe for concurrent use.
type Window struct {
	mu     sync.Mutex // guards the fields below
	last   time.Time  // of the newest samples
	series map[identity]*series
}

type identity struct {
	name string
	of   Dimensions
}

type series struct {
	unit   Unit
	points []Point
}

// A Point is a value and when it was measured.
type Point struct {
	Time  time.Time `json:"time"` // in UTC
	Value float64   `json:"value"`
}

// A Series is what a metric was over time.
type Series struct {
	Name       string     `json:"name"` // "MessageCount"
	Unit       Unit       `json:"unit"`
	Dimensions Dimensions `json:"dimensions"`
	Points     []Point    `json:"points"` // the oldest first
}

// Add keeps samples that were measured at an instant, newer than those before, and
// forgets what is too old.
func (w *Window) Add(at time.Time, all []Sample) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.series == nil {
		w.series = map[identity]*series{}
	}
	w.last = at.UTC()
	for _, s := range all {
		id := identity{s.Name, s.Of}
		of := w.series[id]
		if of == nil {
			of = &series{unit: s.Unit}
			w.series[id] = of
		}
		of.points = append(of.points, Point{w.last, s.Value})
	}
	for id, of := range w.series {
		kept := slices.IndexFunc(of.points, func(p Point) bool { return p.Time.After(w.last.Add(-Keep)) })
		if kept < 0 {
			delete(w.series, id)
			continue
		}
		of.points = slices.Delete(of.points, 0, kept)
	}
}

// Since returns what was measured at that instant and later, sorted by dimensions and
// names. The zero time stands for the newest samples.
func (w *Window) Since(from time.Time) []Series {
	w.mu.Lock()
	defer w.mu.Unlock()
	if from.IsZero() {
		from = w.last
	}
	all := []Series{}
	for id, of := range w.series {
		first := slices.IndexFunc(of.points, func(p Point) bool { return !p.Time.Before(from) })
		if first >= 0 {
			all = append(all, Series{id.name, of.unit, id.of, slices.Clone(of.points[first:])})
		}
	}
	slices.SortFunc(all, func(a, b Series) int {
		x, y := a.Dimensions, b.Dimensions
		return cmp.Or(cmp.Compare(x.Broker, y.Broker), cmp.Compare(x.Node, y.Node),
			cmp.Compare(x.VirtualHost, y.VirtualHost), cmp.Compare(x.Queue, y.Queue), cmp.Compare(a.Name, b.Name))
	})
	return all
}
