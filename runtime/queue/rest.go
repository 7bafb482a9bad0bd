package queue

// Rests tells whether there is nothing that the queue has to do unasked: no message is
// on its way to another queue.
func (m *Machine) Rests() bool { return len(m.leaving) == 0 }

// Awaited tells whether receives wait.
func (m *Machine) Awaited() bool { return m.deadlines.len() > 0 }
