package cluster

import (
	"maps"
	"slices"
	"time"
)

// SilenceTimeout is how long a node may say nothing before it counts as gone.
const SilenceTimeout = 1500 * time.Millisecond

// Members is the set of live nodes as a machine: it reads no clock and talks to
// nobody. A node is live from its first heartbeat until it leaves, is found dead, or
// has been silent for [SilenceTimeout].
//
// A node receives its own heartbeats too. One that does not is disconnected, and is no
// member of its own view: it must not own keys that others may have taken over.
type Members struct {
	lastSeen map[string]time.Time
}

// Seen reports that a node was alive at now.
func (m *Members) Seen(now time.Time, node string) (changed bool) {
	if m.lastSeen == nil {
		m.lastSeen = map[string]time.Time{}
	}
	_, known := m.lastSeen[node]
	m.lastSeen[node] = now
	return !known
}

// Remove removes a node that left or was found dead. Its next heartbeat brings it back.
func (m *Members) Remove(node string) (changed bool) {
	_, known := m.lastSeen[node]
	delete(m.lastSeen, node)
	return known
}

// Expire removes the nodes that have been silent for too long at now.
func (m *Members) Expire(now time.Time) (changed bool) {
	before := len(m.lastSeen)
	maps.DeleteFunc(m.lastSeen, func(_ string, last time.Time) bool { return now.Sub(last) >= SilenceTimeout })
	return len(m.lastSeen) != before
}

// Live lists the live nodes, in order.
func (m *Members) Live() []string { return slices.Sorted(maps.Keys(m.lastSeen)) }

// Silent lists the nodes that have been silent for at least that long, in order.
func (m *Members) Silent(now time.Time, long time.Duration) (nodes []string) {
	for node, last := range m.lastSeen {
		if now.Sub(last) >= long {
			nodes = append(nodes, node)
		}
	}
	slices.Sort(nodes)
	return nodes
}
