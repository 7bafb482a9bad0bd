package queue

import "strings"

// A memo is something to remember for a while: a deduplication id, or a receive
// with an attempt id.
type memo struct {
	key     string
	number  uint64   // of the message with this deduplication id
	id      [16]byte // its id
	until   int64
	entry   uint64 // the log entry that says it
	size    int32
	sibling *memo
	over    bool

	attempt  bool
	messages []*message // what an attempt received
	broken   bool       // one of them was deleted or changed: not retryable
	lapsed   bool       // one of them became visible: the id is free again
}

// memoOverhead is what a memo takes in the log beside its key, about.
const memoOverhead = 48

func dedupKey(group, dedup string, flags uint64) string {
	if flags&flagByGroup != 0 {
		return group + "\x00" + dedup
	}
	return dedup
}

// remember keeps a deduplication id from a message that is sent, or from a
// remembered record, which says how long.
func (m *Machine) remember(r *record, size int) {
	key, until := r.key, r.until
	if r.kind == sent {
		group, dedup := r.content.ids()
		key, until = dedupKey(group, dedup, r.flags), m.now+int64(DedupWindow)
	}
	if until <= m.now {
		return
	}
	e := m.dedup[key]
	if e == nil {
		e = &memo{key: strings.Clone(key), number: r.number, id: r.id, until: until}
		m.dedup[e.key] = e
		m.memory.push(e)
	}
	if size == 0 {
		size = memoOverhead + len(key)
	}
	m.ledger.placeMemo(e, m.seq+1, size)
}

// newAttempt begins to remember a receive.
func (m *Machine) newAttempt(key string, until int64) *memo {
	e := &memo{key: strings.Clone(key), until: until, attempt: true}
	m.attempts[e.key] = e
	m.memory.push(e)
	return e
}

func (e *memo) add(o *message) {
	o.attempt = e
	e.messages = append(e.messages, o)
}

// breakAttempt notes that a message of an attempt was deleted or changed.
func (m *Machine) breakAttempt(o *message) {
	if o.attempt != nil {
		o.attempt.broken = true
		o.attempt = nil
	}
}

// holds tells whether a receive can be repeated: all its messages are still out
// with it.
func (e *memo) holds() bool {
	for _, o := range e.messages {
		if o.attempt != e || o.state != inFlight {
			return false
		}
	}
	return !e.broken && !e.lapsed
}

func (m *Machine) forget(e *memo) {
	all := m.dedup
	if e.attempt {
		all = m.attempts
	}
	if all[e.key] == e {
		delete(all, e.key)
	}
	for _, o := range e.messages {
		if o.attempt == e {
			o.attempt = nil
		}
	}
	e.over, e.messages = true, nil
	m.ledger.release(e.entry, e.size)
	e.size = 0
	m.memory.compact(len(m.dedup) + len(m.attempts))
}

func (m *Machine) applyRetried(r *record) {
	e := m.attempts[r.key]
	if e == nil {
		return
	}
	for _, o := range e.messages {
		if o.state == inFlight && r.until > m.now {
			o.until = r.until
			m.hidden.fix(int(o.index))
		}
	}
}

// applyAttempted restores an attempt from its copy: a record for each message,
// or one without a message for an attempt that is broken or lapsed.
func (m *Machine) applyAttempted(r *record, size int) {
	e := m.attempts[r.key]
	if r.number == 0 && r.flags&flagBroken == 0 {
		if e != nil {
			m.forget(e)
		}
		return
	}
	if e == nil {
		e = m.newAttempt(r.key, r.until)
	}
	e.broken = e.broken || r.flags&flagBroken != 0
	if o := m.messages[r.number]; o != nil && o.attempt != e && !e.broken {
		e.add(o)
	}
	m.ledger.placeMemo(e, m.seq+1, size)
}
