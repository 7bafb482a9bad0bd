package queue

import "time"

// A Receipt is what a receipt handle encodes: one delivery of a message.
type Receipt struct {
	Number       uint64
	ReceiveCount uint32
}

// Delete deletes a message. Deleting one that is gone succeeds. A standard queue
// takes the handle of any delivery; a FIFO queue takes only the last one's while the
// message is in flight, else it returns ErrHandleExpired.
func (m *Machine) Delete(r Receipt) error {
	msg, err := m.findDelivered(r)
	if err == nil {
		m.totals.Deleted++
	}
	if msg == nil || err != nil {
		return err
	}
	m.emit(record{kind: kindDeleted, number: msg.number})
	m.serveWaiters()
	return nil
}

// ChangeVisibility hides a message in flight until timeout from now; 0 makes it
// visible. For a standard message that is visible already it does nothing.
func (m *Machine) ChangeVisibility(r Receipt, timeout time.Duration) error {
	msg, err := m.findDelivered(r)
	switch {
	case err != nil:
		return err
	case msg == nil:
		return ErrMessageNotFound
	case msg.status != inFlight:
		return nil
	case m.now+int64(timeout) > msg.delivery.lastReceivedAt+int64(MaxVisibility):
		return ErrVisibilityTooLong
	}
	m.emit(record{kind: kindHidden, number: msg.number, until: m.now + int64(timeout)})
	m.serveWaiters()
	return nil
}

// findDelivered returns the message of a delivery, nil when it is gone.
func (m *Machine) findDelivered(r Receipt) (*message, error) {
	msg := m.messages.get(r.Number)
	switch {
	case r.Number >= m.nextNumber:
		return nil, ErrInvalidHandle
	case msg == nil || msg.status == transferring:
		return nil, nil
	case m.fifo && (msg.status != inFlight || msg.delivery.receives != r.ReceiveCount):
		return nil, ErrHandleExpired
	}
	return msg, nil
}

// Purge deletes all messages, and forgets deduplication ids and receive attempts.
func (m *Machine) Purge() { m.emit(record{kind: kindPurged}) }

func (m *Machine) applyPurged() {
	for _, e := range m.dedup {
		m.log.releaseShare(&e.logShare)
		e.forgotten = true
	}
	for _, a := range m.attempts {
		m.log.releaseShare(&a.logShare)
		a.forgotten = true
	}
	for msg := range m.messages.all() {
		if msg.status == transferring { // counts as gone already; its transfer goes on
			msg.mutableState().attempt = nil
			msg.inSendOrder, msg.inAgeIndex = false, false
			continue
		}
		m.log.releaseMessage(msg)
		m.messages.remove(msg)
	}
	m.resetIndexes()
}

// Counts returns exact counts at the time of the last Begin.
func (m *Machine) Counts() Counts {
	c := Counts{Visible: m.visible, InFlight: m.inFlight, Delayed: m.delayed}
	if msg := m.byAge.first(); msg != nil {
		c.Oldest = time.Unix(0, m.wallSentAt(msg))
	}
	if m.fifo && m.config.Delay > 0 {
		c.Delayed = m.countDelayed()
		c.Visible -= c.Delayed
	}
	return c
}

// countDelayed goes from the newest message of a FIFO queue back, as far as the
// delay reaches.
func (m *Machine) countDelayed() (n int) {
	since := m.now - int64(m.config.Delay)
	count := func(msg *message) {
		if msg != nil && msg.status == ready && msg.eligibleAt() > since {
			n++
		}
	}
	for msg := range m.byAge.inOrder.backward(&m.messages) {
		if msg.enqueuedAt() <= since {
			break
		}
		count(msg)
	}
	for _, late := range m.byAge.outOfOrder.items {
		count(m.messages.get(late.number))
	}
	return n
}
