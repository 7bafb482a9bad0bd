package queue

import (
	"encoding/binary"
	"time"
)

// A Draft is a message that is encoded and ready to be sent.
type Draft struct {
	content      Content
	group, dedup fingerprint
	bytes        int
	delay        *time.Duration
	source, seq  uint64 // 0 unless the send is numbered
}

// NewDraft encodes a message.
func NewDraft(m *Message) Draft {
	d := Draft{content: Pack(m, ""), group: fingerprintOf(m.GroupID), dedup: fingerprintOf(m.DedupID), bytes: m.Bytes(), delay: m.Delay}
	if m.IsNumbered() {
		d.source, d.seq = m.Source, m.Seq
	}
	return d
}

// Size is what a draft adds to an entry beside its record, in bytes.
func (d Draft) Size() int { return len(d.content) }

// A DraftResult is what came of a draft.
type DraftResult struct {
	ID        [16]byte
	Number    uint64
	Duplicate bool // dropped; ID and Number are the original's, and 0 for the repeat of a numbered send
}

// Send stores messages, in their order.
func (m *Machine) Send(drafts ...Draft) []DraftResult {
	results := make([]DraftResult, len(drafts))
	for i, d := range drafts {
		results[i] = m.send(d)
	}
	m.serveWaiters()
	return results
}

func (m *Machine) send(d Draft) DraftResult {
	if d.source != 0 && d.seq <= m.lastNumbers[d.source] {
		return DraftResult{Duplicate: true}
	}
	r := record{kind: kindSent, number: m.nextNumber, sentAt: m.now, content: d.content, group: d.group, sourceGeneration: d.source, transferSeq: d.seq}
	if d.source != 0 {
		r.flags = flagNumbered
	}
	if !m.fifo {
		if wait := delayOf(d, m.config); wait > 0 {
			r.until = m.now + int64(wait)
		}
	} else if r.dedup = d.dedup; r.dedup != (fingerprint{}) {
		r.flags |= flagDedup
		if m.config.DedupByGroup {
			r.flags |= flagByGroup
		}
		if e := m.dedup[dedupKeyOf(&r)]; e != nil {
			m.totals.Deduplicated++
			if d.source != 0 { // repeated after the window it would be a new message
				m.emit(lastNumber(d.source, d.seq))
			}
			return DraftResult{e.id, e.number, true}
		}
	}
	r.id = m.newID()
	m.emit(r)
	m.totals.Sent++
	m.totals.SentBytes += uint64(d.bytes)
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
	if m.messages.get(r.number) != nil {
		return // a copy was replayed before its original: impossible, but harmless
	}
	m.nextNumber = max(m.nextNumber, r.number+1)
	if r.sourceGeneration != 0 {
		if m.rememberSource(r); r.flags&flagNumbered == 0 {
			r.arrivedAt = m.now
		}
	}
	if r.flags&flagDedup != 0 {
		m.rememberDedup(r)
	}
	msg := m.addMessage(r)
	if t := msg.tenant(); t != nil {
		t.lastSentAt = m.now
	}
	if r.until > m.now {
		msg.mutableState().hiddenUntil = r.until
		m.setStatus(msg, delayed)
		m.hidden.push(msg)
		return
	}
	m.setStatus(msg, ready)
	m.makeAvailable(msg)
}

// rememberSource notes the number of a transfer or of a numbered send. Queues and
// senders draw their numbers apart, so they are kept apart.
func (m *Machine) rememberSource(r *record) {
	last := m.lastTransfers
	if r.flags&flagNumbered != 0 {
		last = m.lastNumbers
	}
	last[r.sourceGeneration] = max(last[r.sourceGeneration], r.transferSeq)
}

// lastNumber is the record of the highest number that a source's sends had.
func lastNumber(source, seq uint64) record {
	return record{kind: kindLastTransfer, sourceGeneration: source, transferSeq: seq, flags: flagNumbered}
}

// addMessage adds the message of a record. The caller has to set its status.
func (m *Machine) addMessage(r *record) *message {
	msg := m.messages.add(r.number)
	msg.id, msg.sentAt, msg.status = r.id, r.sentAt, transferring
	switch {
	case r.kind == kindSent:
		msg.sendOffset = m.sendOffsets.indexOf(m.wallOffset)
	case r.wallSentAt != 0:
		msg.sendOffset = m.sendOffsets.indexOf(r.wallSentAt - r.sentAt)
	default:
		msg.sendOffset = m.sendOffsets.indexOf(0)
	}
	if r.enqueuedAt != 0 && r.enqueuedAt != r.sentAt {
		msg.mutableState().enqueuedAt = r.enqueuedAt
	}
	if r.firstReceivedAt != 0 {
		msg.mutableState().firstReceivedAt = r.firstReceivedAt
	}
	if r.arrivedAt != 0 {
		msg.mutableState().arrivedAt = r.arrivedAt
	}
	if r.priorReceives != 0 {
		msg.mutableState().priorReceives = uint32(r.priorReceives)
	}
	m.log.placeMessage(msg, m.seq+1, r)
	m.byAge.push(msg)
	switch {
	case m.fifo:
		msg.group = m.groupOf(r.group)
	case r.group != fingerprint{}:
		t := m.tenantOf(r.group)
		msg.mutableState().tenant = t
		t.ready.addSent(msg)
	default:
		m.ready.addSent(msg)
	}
	return msg
}
