package queue

import (
	"encoding/binary"
	"time"
)

// A Draft is a message to be sent.
type Draft struct {
	Content Content
	Bytes   int            // of its body and attributes
	Delay   *time.Duration // nil for the queue's own; FIFO queues know only that
}

// Placed is what became of a draft.
type Placed struct {
	ID        [16]byte
	Number    uint64
	Duplicate bool // dropped; ID and Number are the original's
}

// Send takes messages in, in their order.
func (m *Machine) Send(drafts ...Draft) []Placed {
	placed := make([]Placed, len(drafts))
	for i, d := range drafts {
		placed[i] = m.send(d)
	}
	m.serve()
	return placed
}

func (m *Machine) send(d Draft) Placed {
	r := record{kind: sent, number: m.next, sent: m.now, content: d.Content}
	if m.fifo {
		if group, dedup := d.Content.ids(); dedup != "" {
			r.flags |= flagDedup
			if m.config.DedupByGroup {
				r.flags |= flagByGroup
			}
			if e := m.dedup[dedupKey(group, dedup, r.flags)]; e != nil {
				m.done.Deduplicated++
				return Placed{e.id, e.number, true}
			}
		}
	} else if wait := delayOf(d, m.config); wait > 0 {
		r.until = m.now + int64(wait)
	}
	r.id = m.newID()
	m.emit(r)
	m.done.Sent++
	m.done.SentBytes += uint64(d.Bytes)
	return Placed{ID: r.id, Number: r.number}
}

func delayOf(d Draft, c Config) time.Duration {
	if d.Delay != nil {
		return *d.Delay
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

func (m *Machine) applySent(r *record, size int) {
	if m.messages[r.number] != nil {
		return // a copy further on was replayed before: cannot be, but harmless
	}
	m.next = max(m.next, r.number+1)
	if r.source != 0 {
		m.heard[r.source] = max(m.heard[r.source], r.burial)
	}
	if r.flags&flagDedup != 0 {
		m.remember(r, 0)
	}
	o := m.admit(r, size)
	o.state = ready
	if r.until > m.now {
		o.state = delayed
		m.delayed++
		m.hidden.push(o)
		return
	}
	m.visible++
	m.settleOrLink(o)
}

// admit makes the message that a record brings, and leaves its state open.
func (m *Machine) admit(r *record, size int) *message {
	o := &message{
		number: r.number, id: r.id, sent: r.sent, enqueued: r.enqueued, until: r.until,
		first: r.first, carried: uint32(r.carried), place: r.number, index: -1,
	}
	if o.enqueued == 0 {
		o.enqueued = o.sent
	}
	if m.budget.take(len(r.content)) {
		o.content = r.content
	}
	m.messages[o.number] = o
	m.ledger.place(o, m.seq+1, size)
	m.age.push(o)
	if m.fifo {
		name, _ := r.content.ids()
		o.group = m.groupOf(name)
	}
	return o
}

// settleOrLink makes a ready message available.
func (m *Machine) settleOrLink(o *message) {
	if g := o.group; g != nil {
		g.messages.insert(o, byNumber)
		m.settle(g)
		return
	}
	m.link(o)
}
