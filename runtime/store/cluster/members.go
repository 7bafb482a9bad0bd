package cluster

import (
	"maps"
	"slices"
	"time"
)

// Silence is how long a node may say nothing before it counts as gone.
const Silence = 1500 * time.Millisecond

// Members is the set of live nodes as a machine: it reads no clock and talks to
// nobody. A node is live from when it is first heard until it says that it
// leaves, is found to be gone, or has been silent for [Silence].
//
// A node hears itself too. One that does not is cut off, and is no member of
// its own view: it must not own anything that others may have taken over.
type Members struct {
	heard map[string]time.Time
}

// Heard says that a node was there at now. It tells whether the set changed.
func (m *Members) Heard(now time.Time, node string) (changed bool) {
	if m.heard == nil {
		m.heard = map[string]time.Time{}
	}
	_, known := m.heard[node]
	m.heard[node] = now
	return !known
}

// Gone says that a node left or was found dead. It is live again when it is
// heard again.
func (m *Members) Gone(node string) (changed bool) {
	_, known := m.heard[node]
	delete(m.heard, node)
	return known
}

// Pass lets time pass until now: who was silent for too long is gone.
func (m *Members) Pass(now time.Time) (changed bool) {
	before := len(m.heard)
	maps.DeleteFunc(m.heard, func(_ string, last time.Time) bool { return now.Sub(last) >= Silence })
	return len(m.heard) != before
}

// Live are the nodes that are there, in order.
func (m *Members) Live() []string { return slices.Sorted(maps.Keys(m.heard)) }

// Silent are the nodes that have said nothing for so long, in order.
func (m *Members) Silent(now time.Time, long time.Duration) (nodes []string) {
	for node, last := range m.heard {
		if now.Sub(last) >= long {
			nodes = append(nodes, node)
		}
	}
	slices.Sort(nodes)
	return nodes
}
