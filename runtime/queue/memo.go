package queue

import "strings"

// A memo is something to remember for a while: a deduplication id, or a receive
// with an attempt id.
type memo struct {
	number uint64   // of the message with this deduplication id
	id     [16]byte // its id
	until  int64
	entry  uint64 // the log entry that says it
	size   int64
	over   bool
	dedup  dedupID // of a deduplication id

	attempt  string     // of an attempt, else ""
	messages []*message // what an attempt received
	broken   bool       // one of them was deleted or changed: not retryable
	lapsed   bool       // one of them became visible: the id is free again
}

// memoSize is what a deduplication id takes in the log, about.
const memoSize = 64

// A dedupID is a deduplication id where it counts: in its group, or in the whole
// queue when group is zero.
type dedupID struct{ id, group print }

func dedupOf(r *record) dedupID {
	if r.flags&flagByGroup != 0 {
		return dedupID{r.dedup, r.group}
	}
	return dedupID{id: r.dedup}
}

// remember keeps a deduplication id from a message that is sent, or from a
// remembered record, which says how long.
func (m *Machine) remember(r *record) {
	until := r.until
	if r.kind == sent {
		until = m.now + int64(DedupWindow)
	}
	if until <= m.now {
		return
	}
	id := dedupOf(r)
	e := m.dedup[id]
	if e == nil {
		e = &memo{dedup: id, number: r.number, id: r.id, until: until}
		m.dedup[id] = e
		m.memory.push(e)
	}
	m.ledger.placeMemo(e, m.seq+1, memoSize)
}

// newAttempt begins to remember a receive.
func (m *Machine) newAttempt(key string, until int64) *memo {
	e := &memo{until: until, attempt: strings.Clone(key)}
	m.attempts[e.attempt] = e
	m.memory.push(e)
	return e
}

func (e *memo) add(o *message) {
	o.live().attempt = e
	e.messages = append(e.messages, o)
}

// clear lets go of all messages of an attempt.
func (e *memo) clear() {
	for _, o := range e.messages {
		if o.was().attempt == e {
			o.life.attempt = nil
		}
	}
	e.messages = nil
}

// breakAttempt notes that a message of an attempt was deleted or changed.
func (m *Machine) breakAttempt(o *message) {
	if e := o.was().attempt; e != nil {
		e.broken = true
		o.life.attempt = nil
	}
}

// holds tells whether a receive can be repeated: all its messages are still out
// with it.
func (e *memo) holds() bool {
	for _, o := range e.messages {
		if o.was().attempt != e || o.state != inFlight {
			return false
		}
	}
	return !e.broken && !e.lapsed
}

func (m *Machine) forget(e *memo) {
	if e.attempt == "" {
		delete(m.dedup, e.dedup)
	} else if m.attempts[e.attempt] == e {
		delete(m.attempts, e.attempt)
	}
	e.clear()
	e.over = true
	m.ledger.releaseMemo(e)
	m.memory.compact(len(m.dedup) + len(m.attempts))
}

func (m *Machine) applyRetried(r *record) {
	e := m.attempts[r.key]
	if e == nil {
		return
	}
	for _, o := range e.messages {
		if o.state == inFlight && r.until > m.now {
			o.life.until = r.until
			m.hidden.fix(int(o.life.spot) - 1)
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
	if r.flags&(flagFirst|flagBroken) != 0 {
		e.clear()
	}
	if r.flags&flagBroken != 0 {
		e.broken, e.lapsed = true, false
	}
	if o := m.messages.at(r.number); o != nil && o.was().attempt != e && !e.broken {
		e.add(o)
	}
	m.ledger.placeMemo(e, m.seq+1, size)
}
