package queue

import "time"

// Metrics returns the counts, and what was done since the machine was made.
func (m *Machine) Metrics() Metrics {
	all := m.totals
	all.Counts = m.Counts()
	all.OldestAge = m.oldestAge()
	return all
}

// A standard message that was received so often no longer counts as the oldest (SQS
// developer guide, ApproximateAgeOfOldestMessage).
const oldestMaxReceives = 3

// oldestAge is for how long the oldest message has been in this queue; a dead letter
// counts from its arrival.
func (m *Machine) oldestAge() time.Duration {
	since := int64(never)
	look := func(msg *message) (found bool) {
		state := msg.state()
		if !msg.isQueued() || !m.fifo && state.receives >= oldestMaxReceives {
			return false
		}
		if state.arrivedAt != 0 {
			since = min(since, state.arrivedAt)
			return false
		}
		since = min(since, msg.sentAt)
		return true // messages behind it in the index were sent later
	}
	for msg := range m.byAge.inOrder.all(&m.messages) {
		if look(msg) {
			break
		}
	}
	for _, late := range m.byAge.outOfOrder.items {
		if msg := m.messages.get(late.number); msg != nil {
			look(msg)
		}
	}
	return time.Duration(max(m.now-since, 0))
}
