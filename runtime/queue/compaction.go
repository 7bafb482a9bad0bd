package queue

import (
	"maps"
	"slices"
)

// Log space is freed in two ways. The log is trimmed: entries at the front that hold
// nothing live are purged from the stream. When old live messages stand in the way,
// the log is compacted: they are copied to the end in their present state, which
// makes the front dead. From its record on, a copy replaces the original, wherever a
// replay ends.
const (
	trimThreshold         = 4 << 20   // trim when that many bytes are freed by it
	compactThreshold      = 16 << 20  // compact when at least that many bytes are dead
	trimThresholdTight    = 256 << 10 // the same for a full store, which admits nothing before it has space
	compactThresholdTight = 1 << 20
	compactBytes          = 256 << 10
	compactEntries        = 256 // at most this many entries are looked at for one copy
)

// NeedsCompaction reports whether copying live messages is worth it. When the store
// is full (tight), less is enough.
func (m *Machine) NeedsCompaction(tight bool) bool {
	from := int64(compactThreshold)
	if tight {
		from = compactThresholdTight
	}
	dead := m.log.totalBytes - m.log.liveBytes
	return dead >= from && dead > m.log.liveBytes
}

// LogBytes is the size of the log in bytes, dead entries included.
func (m *Machine) LogBytes() int64 { return m.log.totalBytes }

// CompactionRange returns the range of entries that the next Compact looks at, and
// whether their contents have to be read from the log for it.
func (m *Machine) CompactionRange() (from, to uint64, read bool) {
	size := 0
	from, to = m.log.base, m.log.base
	for i := 0; i < m.log.entries.len()-1 && i < compactEntries && size < compactBytes; i++ {
		s := m.log.entries.at(i)
		size += int(s.liveBytes)
		to = from + uint64(i)
		read = read || s.liveMessages > 0 && s.contents == ""
	}
	return from, to, read
}

// Compact copies what is live in the entries up to to, as much as belongs in one
// entry. Contents that are not in memory come from read, by message number. Compact
// is false when a content is missing there.
func (m *Machine) Compact(to uint64, read map[uint64]Content) bool {
	var dedups []*dedupEntry
	var attempts []*receiveAttempt
	// An attempt returns its messages in their order, so it is copied after each of
	// its messages.
	defer func() {
		for _, e := range dedups {
			m.copyDedup(e)
		}
		for _, a := range attempts {
			m.copyAttempt(a)
		}
	}()
	for seq := m.log.base; seq <= to && m.log.has(seq); seq++ {
		for _, number := range m.log.messagesIn(seq) {
			msg := m.messages.get(number)
			if msg == nil || msg.entry != seq {
				continue
			}
			if m.BatchBytes() >= compactBytes {
				return true
			}
			if !m.copyMessage(msg, read) {
				return false
			}
			if a := msg.state().attempt; a != nil && !slices.Contains(attempts, a) {
				attempts = append(attempts, a)
			}
		}
		x := m.log.entry(seq).extra
		if x == nil {
			continue
		}
		for _, e := range x.dedups {
			if e.entry == seq && !e.forgotten {
				dedups = append(dedups, e)
			}
		}
		for _, a := range x.attempts {
			if a.entry == seq && !a.forgotten && !slices.Contains(attempts, a) {
				attempts = append(attempts, a)
			}
		}
	}
	return true
}

func (m *Machine) copyMessage(msg *message, read map[uint64]Content) bool {
	was := *msg.state()
	r := record{
		kind: kindCopiedMessage, number: msg.number, id: msg.id, content: m.log.content(msg), sentAt: msg.sentAt, until: was.hiddenUntil, firstReceivedAt: was.firstReceivedAt, at: was.lastReceivedAt,
		enqueuedAt: was.enqueuedAt, receives: uint64(was.receives), priorReceives: uint64(was.priorReceives), position: was.position, arrivedAt: was.arrivedAt,
	}
	if r.content == "" {
		r.content = read[msg.number]
	}
	if wall := m.wallSentAt(msg); wall != msg.sentAt {
		r.wallSentAt = wall
	}
	if msg.group != nil {
		r.round, r.group = msg.group.round, msg.group.id
	} else if was.tenant != nil {
		r.group = was.tenant.id
	}
	if msg.status == transferring {
		for _, t := range m.transfers {
			if t.msg == msg {
				if r.flags, r.key, r.transferSeq = flagTransferring, t.target, t.seq; t.asNew {
					r.flags |= flagAsNew
				}
			}
		}
	}
	if r.content == "" {
		return false
	}
	m.emit(r)
	return true
}

func (m *Machine) copyDedup(e *dedupEntry) {
	r := record{kind: kindCopiedDedup, dedup: e.key.id, group: e.key.group, number: e.number, id: e.id, until: e.until}
	if e.key.group != (fingerprint{}) {
		r.flags = flagByGroup
	}
	m.emit(r)
}

func (m *Machine) copyAttempt(a *receiveAttempt) {
	switch {
	case a.notRetryable:
		m.emit(record{kind: kindCopiedAttempt, key: a.key, until: a.until, flags: flagNotRetryable})
	case a.isRepeatable():
		for i, msg := range slices.Clone(a.messages) {
			r := record{kind: kindCopiedAttempt, key: a.key, number: msg.number, until: a.until}
			if i == 0 {
				r.flags = flagFirstOfReceive
			}
			m.emit(r)
		}
	default:
		m.emit(record{kind: kindCopiedAttempt, key: a.key})
	}
}

func (m *Machine) applyCopiedMessage(r *record) {
	if msg := m.messages.get(r.number); msg != nil {
		m.log.releaseMessage(msg)
		m.log.placeMessage(msg, m.seq+1, r)
		return
	}
	m.nextNumber = max(m.nextNumber, r.number+1)
	msg := m.addMessage(r)
	if r.receives != 0 || r.position != 0 || r.until != 0 {
		state := msg.mutableState()
		state.lastReceivedAt, state.receives, state.position, state.hiddenUntil = r.at, uint32(r.receives), r.position, r.until
	}
	switch {
	case r.flags&flagTransferring != 0:
		m.addTransfer(msg, r)
		m.requeueOwner(msg) // the group or tenant may have no other message
		return
	case r.until <= m.now:
		m.setStatus(msg, ready)
		m.makeAvailable(msg)
	default:
		to := delayed
		if r.receives > 0 {
			to = inFlight
		}
		m.setStatus(msg, to)
		m.hidden.push(msg)
		if msg.group != nil {
			msg.group.insert(msg)
		}
		m.requeueOwner(msg)
	}
	if g := msg.group; g != nil && g.heap != nil {
		m.dequeueGroup(g)
		m.enqueueGroup(g, r.round)
	}
}

// NeedsTrim reports whether trimming the log is worth it. When the store is full
// (tight), less is enough. Before the trim, WriteCounters has to be stored.
func (m *Machine) NeedsTrim(tight bool) bool {
	return m.log.trimmableBytes >= trimThreshold || tight && m.log.trimmableBytes >= trimThresholdTight
}

// WriteCounters writes the counters that every log has to begin with. It returns the
// sequence below which all entries may be purged once this batch's entry is stored.
func (m *Machine) WriteCounters() (below uint64) {
	m.emit(record{kind: kindCounters, number: m.nextNumber, round: m.lastRound, transferSeq: m.lastTransfer, position: m.log.base})
	if len(m.reportedLosses) > 0 {
		m.writeLosses(m.reportedLosses)
	}
	for _, source := range slices.Sorted(maps.Keys(m.lastTransfers)) {
		m.emit(record{kind: kindLastTransfer, sourceGeneration: source, transferSeq: m.lastTransfers[source]})
	}
	for _, source := range slices.Sorted(maps.Keys(m.lastNumbers)) {
		m.emit(lastNumber(source, m.lastNumbers[source]))
	}
	return m.log.base
}

// LogTrimmed says that a trim freed so many bytes.
func (m *Machine) LogTrimmed(bytes int64) { m.log.trimmableBytes -= bytes }

// TrimmableBytes is how many bytes a trim would free.
func (m *Machine) TrimmableBytes() int64 { return m.log.trimmableBytes }

// WriteTakeover writes that a new owner took over. A late write of an earlier owner
// then finds another last sequence, and is refused.
func (m *Machine) WriteTakeover() { m.emit(record{kind: kindTakeover}) }
