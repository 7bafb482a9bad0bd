package queue

import "slices"

// A group is a FIFO message group with messages in it. What may be received of
// it is the run of visible messages at its head: from the first message in
// flight on, all wait.
type group struct {
	name     print
	messages deque[*message] // by number; some have left
	alive    int             // those that have not
	turn     uint64          // groups that can be received are served by turn
	ripe     int64           // when its head was enqueued: the queue's delay counts from here; 0 once received
	heap     *heap[*group]   // where it waits: Machine.later, Machine.open, or nil
	index    int
}

func byTurn(a, b *group) bool { return a.turn < b.turn }

func byRipe(a, b *group) bool {
	return a.ripe < b.ripe || a.ripe == b.ripe && a.turn < b.turn
}

func newGroups(less func(a, b *group) bool) heap[*group] {
	return heap[*group]{less: less, moved: func(g *group, i int) { g.index = i }}
}

func (m *Machine) groupOf(name print) *group {
	g := m.groups[name]
	if g == nil {
		g = &group{name: name}
		m.groups[name] = g
	}
	return g
}

// stands tells whether a message has its place in its group.
func (o *message) stands() bool { return o.state < leaving }

// head is the first message of a group, nil when there is none.
func (g *group) head() *message {
	for g.messages.len() > 0 && !g.messages.at(0).stands() {
		g.messages.pop()
	}
	if g.messages.len() == 0 {
		return nil
	}
	return g.messages.at(0)
}

// insert gives a message its place, mostly at the end.
func (g *group) insert(o *message) {
	g.alive++
	if n := g.messages.len(); n == 0 || g.messages.at(n-1).number < o.number {
		g.messages.push(o)
		return
	}
	all := g.messages.all()
	i, found := slices.BinarySearchFunc(all, o.number, func(o *message, number uint64) int {
		if o.number < number {
			return -1
		}
		return int(min(o.number-number, 1))
	})
	if !found { // else it had left, and is back
		g.messages = deque[*message]{items: slices.Insert(slices.Clone(all), i, o)}
	}
}

// remove takes out a message that has left.
func (g *group) remove() {
	g.alive--
	if g.messages.len() > 2*g.alive+16 {
		g.messages.keep((*message).stands)
	}
}

// settle puts a group where its head belongs, after something happened to it. A
// group that opens goes behind those that are open. It waits in later, whatever
// the delay is: only deciding looks at the configuration (see ripen).
func (m *Machine) settle(g *group) {
	head := g.head()
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
	g.turn, g.ripe, g.heap = turn, g.head().ripe(), &m.later
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
	if o.was().receives > 0 {
		return 0
	}
	return o.enqueued()
}

// pickFIFO takes all it can from one open group before it goes to the next.
func (m *Machine) pickFIFO(n int) (out, spent []*message) {
	m.ripen()
	for len(out) < n && len(spent) < maxSpent && m.open.len() > 0 && m.inFlight+len(out) < maxInFlight {
		g := m.open.pop() // the records of what is taken will settle it
		g.heap = nil
		for _, o := range g.messages.all() {
			if !o.stands() {
				continue
			}
			if o.state != ready || o.ripe()+int64(m.config.Delay) > m.now || len(out) == n || len(spent) == maxSpent {
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
