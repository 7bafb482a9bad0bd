package queue

import (
	"encoding/binary"
	"time"
)

// A Draft is a message to be sent.
type Draft struct {
	content      Content
	group, dedup print
	bytes        int
	delay        *time.Duration
}

// NewDraft packs a message.
func NewDraft(m *Message) Draft {
	return Draft{Pack(m, ""), printOf(m.GroupID), printOf(m.DedupID), m.Bytes(), m.Delay}
}

// Size is what a draft adds to an entry beside its record, in bytes.
func (d Draft) Size() int { return len(d.content) }

// DraftResult is what became of a draft.
type DraftResult struct {
	ID        [16]byte
	Number    uint64
	Duplicate bool // dropped; ID and Number are the original's
}

// Send takes messages in, in their order.
func (m *Machine) Send(drafts ...Draft) []DraftResult {
	placed := make([]DraftResult, len(drafts))
	for i, d := range drafts {
		placed[i] = m.send(d)
	}
	m.serve()
	return placed
}

func (m *Machine) send(d Draft) DraftResult {
	r := record{kind: sent, number: m.next, sent: m.now, content: d.content, group: d.group}
	if !m.fifo {
		if wait := delayOf(d, m.config); wait > 0 {
			r.until = m.now + int64(wait)
		}
	} else if r.dedup = d.dedup; r.dedup != (print{}) {
		r.flags = flagDedup
		if m.config.DedupByGroup {
			r.flags |= flagByGroup
		}
		if e := m.dedup[dedupOf(&r)]; e != nil {
			m.done.Deduplicated++
			return DraftResult{e.id, e.number, true}
		}
	}
	r.id = m.newID()
	m.emit(r)
	m.done.Sent++
	m.done.SentBytes += uint64(d.bytes)
	return DraftResult{ID: r.id, Number: r.number}
}

func delayOf(d Draft, c Config) time.Duration {
	if d.delay != nil {
		return *d.delay
	}
	return c.Delay
}

// newID makes a random UUID (RFC 9562, version 4).
func (m *Machine) newID() (id [16]byte) {
	binary.LittleEndian.PutUint64(id[:], m.random.Uint64())
	binary.LittleEndian.PutUint64(id[8:], m.random.Uint64())
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

func (m *Machine) applySent(r *record) {
	if m.messages.at(r.number) != nil {
		return // a copy further on was replayed before: cannot be, but harmless
	}
	m.next = max(m.next, r.number+1)
	if r.source != 0 {
		m.heard[r.source] = max(m.heard[r.source], r.burial)
		r.arrived = m.now
	}
	if r.flags&flagDedup != 0 {
		m.remember(r)
	}
	o := m.admit(r)
	if t := o.tenant(); t != nil {
		t.sent = m.now
	}
	if r.until > m.now {
		o.live().until = r.until
		m.become(o, delayed)
		m.hidden.push(o)
		return
	}
	m.become(o, ready)
	m.offer(o)
}

// admit makes the message that a record brings, and leaves it to the caller to
// say where it is.
func (m *Machine) admit(r *record) *message {
	o := m.messages.add(r.number)
	o.id, o.sent, o.state = r.id, r.sent, leaving
	switch {
	case r.kind == sent:
		o.era = m.eras.of(m.offset)
	case r.wall != 0:
		o.era = m.eras.of(r.wall - r.sent)
	default:
		o.era = m.eras.of(0)
	}
	if r.enqueued != 0 && r.enqueued != r.sent {
		o.live().enqueued = r.enqueued
	}
	if r.first != 0 {
		o.live().first = r.first
	}
	if r.arrived != 0 {
		o.live().arrived = r.arrived
	}
	if r.carried != 0 {
		o.live().carried = uint32(r.carried)
	}
	m.ledger.place(o, m.seq+1, r)
	m.age.push(o)
	switch {
	case m.fifo:
		o.group = m.groupOf(r.group)
	case r.group != print{}:
		t := m.tenantOf(r.group)
		o.live().tenant = t
		t.shelf.join(o)
	default:
		m.shelf.join(o)
	}
	return o
}
