package queue

import "time"

// A Receipt is what a receipt handle says: a delivery of a message.
type Receipt struct {
	Number       uint64
	ReceiveCount uint32
}

// Delete ends a message. One that is gone already is a success. A standard queue
// takes the handle of any delivery; a FIFO queue only that of the last one, as
// long as the message is in flight: ErrExpired.
func (m *Machine) Delete(r Receipt) error {
	o, err := m.find(r)
	if err == nil {
		m.done.Deleted++
	}
	if o == nil || err != nil {
		return err
	}
	m.emit(record{kind: gone, number: o.number})
	m.serve()
	return nil
}

// ChangeVisibility hides a message in flight until timeout from now; 0 shows it.
// For a standard message that is visible again there is nothing to do.
func (m *Machine) ChangeVisibility(r Receipt, timeout time.Duration) error {
	o, err := m.find(r)
	switch {
	case err != nil:
		return err
	case o == nil:
		return ErrMessageNotFound
	case o.state != inFlight:
		return nil
	case m.now+int64(timeout) > o.life.at+int64(MaxVisibility):
		return ErrVisibilityTooLong
	}
	m.emit(record{kind: hidden, number: o.number, until: m.now + int64(timeout)})
	m.serve()
	return nil
}

// find returns the message of a delivery, nil when it is not here anymore.
func (m *Machine) find(r Receipt) (*message, error) {
	o := m.messages.at(r.Number)
	switch {
	case r.Number >= m.next:
		return nil, ErrInvalidHandle
	case o == nil || o.state == leaving:
		return nil, nil
	case m.fifo && (o.state != inFlight || o.life.receives != r.ReceiveCount):
		return nil, ErrHandleExpired
	}
	return o, nil
}

// Purge drops all messages, and the memory of what was sent and received.
func (m *Machine) Purge() { m.emit(record{kind: purged}) }

func (m *Machine) applyPurged() {
	for e := range m.memos() {
		m.ledger.releaseMemo(e)
		e.over = true
	}
	for o := range m.messages.all() {
		if o.state == leaving { // it counts as gone already
			o.live().attempt = nil
			o.inLine, o.aged = false, false
			continue
		}
		m.ledger.release(o)
		m.messages.remove(o)
	}
	m.clear()
}

// Counts counts.
func (m *Machine) Counts() Counts {
	c := Counts{Visible: m.visible, InFlight: m.inFlight, Delayed: m.delayed}
	if o := m.age.first(); o != nil {
		c.Oldest = time.Unix(0, m.sentAt(o))
	}
	if m.fifo && m.config.Delay > 0 {
		c.Delayed = m.countDelayed()
		c.Visible -= c.Delayed
	}
	return c
}

// countDelayed looks at the youngest messages of a FIFO queue only.
func (m *Machine) countDelayed() (n int) {
	since := m.now - int64(m.config.Delay)
	count := func(o *message) {
		if o != nil && o.state == ready && o.ripe() > since {
			n++
		}
	}
	for o := range m.age.inOrder.backward(&m.messages) {
		if o.enqueued() <= since {
			break
		}
		count(o)
	}
	for _, late := range m.age.late.items {
		count(m.messages.at(late.number))
	}
	return n
}
