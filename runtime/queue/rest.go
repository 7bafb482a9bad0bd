package queue

// HasTransfers reports whether messages are on their way to other queues: work that
// the queue has to do although nobody calls it.
func (m *Machine) HasTransfers() bool { return len(m.leaving) > 0 }

// HasWaiters tells whether receives wait.
func (m *Machine) HasWaiters() bool { return m.deadlines.len() > 0 }
