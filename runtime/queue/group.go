package queue

import "strings"

// A group is a FIFO message group with messages in it. What may be received of
// it is the run of visible messages at its head: from the first message in
// flight on, all wait.
type group struct {
	name     string
	messages list          // by number
	turn     uint64        // groups that can be received are served by turn
	ripe     int64         // when its head was enqueued: the queue's delay counts from here; 0 once received
	heap     *heap[*group] // where it waits: Machine.later, Machine.open, or nil
	index    int
}

func byTurn(a, b *group) bool { return a.turn < b.turn }

func byRipe(a, b *group) bool {
	return a.ripe < b.ripe || a.ripe == b.ripe && a.turn < b.turn
}

func newGroups(less func(a, b *group) bool) heap[*group] {
	return heap[*group]{less: less, moved: func(g *group, i int) { g.index = i }}
}

func (m *Machine) groupOf(name string) *group {
	g := m.groups[name]
	if g == nil {
		name = strings.Clone(name) // not a window on a whole entry
		g = &group{name: name}
		m.groups[name] = g
	}
	return g
}

// settle puts a group where its head belongs, after something happened to it. A
// group that opens goes behind those that are open. It waits in later, whatever
// the delay is: only deciding looks at the configuration (see ripen).
func (m *Machine) settle(g *group) {
	head := g.messages.head
	switch {
	case head == nil:
		m.unqueue(g)
		delete(m.groups, g.name)
	case head.state != ready:
		m.unqueue(g)
	case g.heap == nil:
		m.turn++
		m.enqueue(g, m.turn)
	case g.ripe != head.ripe():
		m.unqueue(g)
		m.enqueue(g, g.turn)
	}
}

func (m *Machine) enqueue(g *group, turn uint64) {
	g.turn, g.ripe, g.heap = turn, g.messages.head.ripe(), &m.later
	m.later.push(g)
}

func (m *Machine) unqueue(g *group) {
	if g.heap != nil {
		g.heap.remove(g.index)
		g.heap = nil
	}
}

// ripen opens the groups whose heads are not delayed anymore.
func (m *Machine) ripen() {
	for m.later.len() > 0 && m.later.top().ripe+int64(m.config.Delay) <= m.now {
		g := m.later.pop()
		g.heap = &m.open
		m.open.push(g)
	}
}

// ripe is when the delay of a FIFO queue begins to count for o.
func (o *message) ripe() int64 {
	if o.receives > 0 {
		return 0
	}
	return o.enqueued
}

// pickFIFO takes all it can from one open group before it goes to the next.
func (m *Machine) pickFIFO(n int) (out, spent []*message) {
	m.ripen()
	for len(out) < n && len(spent) < maxSpent && m.open.len() > 0 && m.inFlight+len(out) < maxInFlight {
		g := m.open.pop() // the records of what is taken will settle it
		g.heap = nil
		for o := g.messages.head; o != nil && len(out) < n && len(spent) < maxSpent; o = o.next {
			if o.state != ready || o.ripe()+int64(m.config.Delay) > m.now {
				break
			}
			if m.isSpent(o) {
				spent = append(spent, o)
			} else {
				out = append(out, o)
			}
		}
	}
	return out, spent
}
