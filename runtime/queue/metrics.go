package queue

import "time"

// Metrics counts what is and what was done.
func (m *Machine) Metrics() Metrics {
	all := m.done
	all.Counts = m.Counts()
	all.OldestAge = m.oldestAge()
	return all
}

// poison is how often a standard message is received before it does not count
// as the oldest anymore (SQS developer guide, ApproximateAgeOfOldestMessage).
const poison = 3

// oldestAge is for how long the oldest message has been here; a dead letter
// since it was moved.
func (m *Machine) oldestAge() time.Duration {
	since := int64(never)
	look := func(o *message) (found bool) {
		was := o.was()
		if !o.stands() || !m.fifo && was.receives >= poison {
			return false
		}
		if was.arrived != 0 {
			since = min(since, was.arrived)
			return false
		}
		since = min(since, o.sent)
		return true // what stands behind it in line was sent later
	}
	for o := range m.age.inOrder.all(&m.messages) {
		if look(o) {
			break
		}
	}
	for _, late := range m.age.late.items {
		if o := m.messages.at(late.number); o != nil {
			look(o)
		}
	}
	return time.Duration(max(m.now-since, 0))
}
