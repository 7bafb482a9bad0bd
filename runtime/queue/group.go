package queue

import "slices"

// A group is a FIFO message group that has messages. Its visible messages at the
// head may be received: all messages from the first one in flight on have to wait.
type group struct {
	id         fingerprint
	messages   deque[*message] // by number; also some that are no longer queued
	queued     int             // how many of them are queued
	round      uint64          // receivable groups are served in the order of their rounds
	eligibleAt int64           // when the head was enqueued: the queue's delay counts from here; 0 once it was received
	heap       *heap[*group]   // that it is in: Machine.delayedGroups, Machine.receivableGroups, or nil
	index      int
}

func byRound(a, b *group) bool { return a.round < b.round }

func byEligibleAt(a, b *group) bool {
	return a.eligibleAt < b.eligibleAt || a.eligibleAt == b.eligibleAt && a.round < b.round
}

func newGroupHeap(less func(a, b *group) bool) heap[*group] {
	return heap[*group]{less: less, moved: func(g *group, i int) { g.index = i }}
}

func (m *Machine) groupOf(name fingerprint) *group {
	g := m.groups[name]
	if g == nil {
		g = &group{id: name}
		m.groups[name] = g
	}
	return g
}

// isQueued reports whether a message is in the queue: not deleted, and not
// transferring.
func (msg *message) isQueued() bool { return msg.status < transferring }

// head is the first queued message of a group, nil when there is none.
func (g *group) head() *message {
	for g.messages.len() > 0 && !g.messages.at(0).isQueued() {
		g.messages.pop()
	}
	if g.messages.len() == 0 {
		return nil
	}
	return g.messages.at(0)
}

// insert adds a message in the order of its number, mostly at the end.
func (g *group) insert(msg *message) {
	g.queued++
	if n := g.messages.len(); n == 0 || g.messages.at(n-1).number < msg.number {
		g.messages.push(msg)
		return
	}
	all := g.messages.all()
	i, found := slices.BinarySearchFunc(all, msg.number, func(msg *message, number uint64) int {
		if msg.number < number {
			return -1
		}
		return int(min(msg.number-number, 1))
	})
	if !found { // else it had been transferring, and came back
		g.messages = deque[*message]{items: slices.Insert(slices.Clone(all), i, msg)}
	}
}

// remove accounts for a message that is no longer queued.
func (g *group) remove() {
	g.queued--
	if g.messages.len() > 2*g.queued+16 {
		g.messages.filter((*message).isQueued)
	}
}

// requeueGroup puts a group into the heap where its head belongs. It is called after
// any change to the group. A group that becomes receivable goes behind the others.
// It waits in delayedGroups first, even without a delay: applying records must not
// depend on the configuration (see releaseDelayedGroups).
func (m *Machine) requeueGroup(g *group) {
	head := g.head()
	switch {
	case head == nil:
		m.dequeueGroup(g)
		delete(m.groups, g.id)
	case head.status != ready:
		m.dequeueGroup(g)
	case g.heap == nil:
		m.lastRound++
		m.enqueueGroup(g, m.lastRound)
	case g.eligibleAt != head.eligibleAt():
		m.dequeueGroup(g)
		m.enqueueGroup(g, g.round)
	}
}

func (m *Machine) enqueueGroup(g *group, turn uint64) {
	g.round, g.eligibleAt, g.heap = turn, g.head().eligibleAt(), &m.delayedGroups
	m.delayedGroups.push(g)
}

func (m *Machine) dequeueGroup(g *group) {
	if g.heap != nil {
		g.heap.remove(g.index)
		g.heap = nil
	}
}

// releaseDelayedGroups makes the groups receivable whose heads are no longer
// delayed.
func (m *Machine) releaseDelayedGroups() {
	for m.delayedGroups.len() > 0 && m.delayedGroups.top().eligibleAt+int64(m.config.Delay) <= m.now {
		g := m.delayedGroups.pop()
		g.heap = &m.receivableGroups
		m.receivableGroups.push(g)
	}
}

// eligibleAt is when the delay of a FIFO queue begins to count for a message; 0 when
// it no longer applies.
func (msg *message) eligibleAt() int64 {
	if msg.state().receives > 0 {
		return 0
	}
	return msg.enqueuedAt()
}

// pickFIFO takes all it can from one receivable group before it goes on to the next.
func (m *Machine) pickFIFO(n int) (out, exhausted []*message) {
	m.releaseDelayedGroups()
	for len(out) < n && len(exhausted) < maxExhausted && m.receivableGroups.len() > 0 && m.inFlight+len(out) < maxInFlight {
		g := m.receivableGroups.pop() // applying the records of its messages requeues it
		g.heap = nil
		for _, msg := range g.messages.all() {
			if !msg.isQueued() {
				continue
			}
			if msg.status != ready || msg.eligibleAt()+int64(m.config.Delay) > m.now || len(out) == n || len(exhausted) == maxExhausted {
				break
			}
			if m.isExhausted(msg) {
				exhausted = append(exhausted, msg)
			} else {
				out = append(out, msg)
			}
		}
	}
	return out, exhausted
}
