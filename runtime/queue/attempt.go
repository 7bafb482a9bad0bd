package queue

import "strings"

// A receiveAttempt is a receive with a ReceiveRequestAttemptId. Until its window
// ends, a receive with the same id returns the same messages.
type receiveAttempt struct {
	key          string // the ReceiveRequestAttemptId
	messages     []*message
	until        int64 // the end of the window
	notRetryable bool  // one of the messages was deleted or changed
	lapsed       bool  // one of the messages became visible: the id may be used anew
	forgotten    bool
	logShare
}

// newAttempt begins to remember a receive.
func (m *Machine) newAttempt(key string, until int64) *receiveAttempt {
	a := &receiveAttempt{key: strings.Clone(key), until: until}
	m.attempts[a.key] = a
	m.attemptExpiry.push(a)
	return a
}

func (a *receiveAttempt) add(msg *message) {
	msg.mutableState().attempt = a
	a.messages = append(a.messages, msg)
}

func (a *receiveAttempt) releaseMessages() {
	for _, msg := range a.messages {
		if msg.state().attempt == a {
			msg.delivery.attempt = nil
		}
	}
	a.messages = nil
}

// invalidateAttempt notes that a message of an attempt was deleted or changed.
func (m *Machine) invalidateAttempt(msg *message) {
	if a := msg.state().attempt; a != nil {
		a.notRetryable = true
		msg.delivery.attempt = nil
	}
}

// isRepeatable reports whether the receive can be repeated: all its messages are
// still in flight by it.
func (a *receiveAttempt) isRepeatable() bool {
	for _, msg := range a.messages {
		if msg.state().attempt != a || msg.status != inFlight {
			return false
		}
	}
	return !a.notRetryable && !a.lapsed
}

func (m *Machine) forgetAttempt(a *receiveAttempt) {
	if m.attempts[a.key] == a {
		delete(m.attempts, a.key)
	}
	a.releaseMessages()
	a.forgotten = true
	m.log.releaseShare(&a.logShare)
	m.attemptExpiry.compact(len(m.attempts))
}

func (m *Machine) applyRepeated(r *record) {
	a := m.attempts[r.key]
	if a == nil {
		return
	}
	for _, msg := range a.messages {
		if msg.status == inFlight && r.until > m.now {
			msg.delivery.hiddenUntil = r.until
			m.hidden.fix(int(msg.delivery.heapIndex) - 1)
		}
	}
}

// applyCopiedAttempt restores an attempt from its copy: one record for each
// message, or a single one without a message when the attempt is not retryable or
// has lapsed.
func (m *Machine) applyCopiedAttempt(r *record, size int) {
	a := m.attempts[r.key]
	if r.number == 0 && r.flags&flagNotRetryable == 0 {
		if a != nil {
			m.forgetAttempt(a)
		}
		return
	}
	if a == nil {
		a = m.newAttempt(r.key, r.until)
	}
	if r.flags&(flagFirstOfReceive|flagNotRetryable) != 0 {
		a.releaseMessages()
	}
	if r.flags&flagNotRetryable != 0 {
		a.notRetryable, a.lapsed = true, false
	}
	if msg := m.messages.get(r.number); msg != nil && msg.state().attempt != a && !a.notRetryable {
		a.add(msg)
	}
	m.placeAttempt(a, size)
}

// placeAttempt counts size bytes of the entry being written for the attempt.
func (m *Machine) placeAttempt(a *receiveAttempt, size int) {
	if m.log.placeShare(&a.logShare, m.seq+1, size) {
		x := m.log.entry(a.entry).mutableExtra()
		x.attempts = append(x.attempts, a)
	}
}
