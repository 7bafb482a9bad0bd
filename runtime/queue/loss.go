package queue

// A log can lose entries: a file was cut short, a bit flipped. What a machine
// makes of the rest is right as far as it goes. The caller finds out what is
// missing (see [Audit]), reports it, and goes on with [Machine.Resume].

// FirstLiveEntry is the sequence below which entries count for nothing: they may have
// been purged. 0 when no entry says so.
func (m *Machine) FirstLiveEntry() uint64 { return m.front }

// ReportedLosses are the entries whose loss was reported before.
func (m *Machine) ReportedLosses() Ranges { return m.missed }

// Next message number, and the last burial: what a mark outside the log keeps,
// beside the number of messages and the first entry that counts.
func (m *Machine) Counters() (next, burial uint64, alive int, base uint64) {
	if base = m.ledger.base; m.ledger.slots.len() == 0 {
		base = m.seq + 1
	}
	return m.next, m.burial, m.messages.count, base
}

// ResumeAfterLoss goes on after a loss: lost are entries that are missing now. Message
// numbers begin at next and burials behind burial, or where the log says if that
// is further, so that no number is given twice: handles, sequence numbers and
// dead-letter queues would take the new for the old.
func (m *Machine) ResumeAfterLoss(next, burial uint64, lost Ranges) {
	m.emit(record{kind: counted, number: max(m.next, next), turn: m.turn, burial: max(m.burial, burial), place: m.ledger.base})
	if all := append(m.missed.Without(lost), lost...); len(all) > 0 {
		m.miss(all)
	}
}

// miss writes which entries are missing, but for those that may be.
func (m *Machine) miss(lost Ranges) {
	if m.front > 0 {
		lost = lost.Without(Ranges{{0, m.front - 1}})
	}
	if len(lost) > 0 {
		m.emit(record{kind: missed, key: lost.String()})
	} else {
		m.missed = nil
	}
}

func (m *Machine) applyMissed(r *record) {
	if s, err := ParseRanges(r.key); err == nil {
		m.missed = s
	}
}

// applyFront takes the front from the counters. Before they said it, they were
// written for a purge only, and all that is left lies behind that.
func (m *Machine) applyFront(r *record) {
	front := r.place
	if front == 0 {
		front = m.ledger.base
	}
	m.front = max(m.front, front)
}
