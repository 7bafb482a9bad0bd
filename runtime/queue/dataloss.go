package queue

// A log can lose entries: a file is truncated, a bit flips. A machine that replays
// the rest is right as far as the rest goes. The caller finds out what is missing
// (see [LossAudit]), reports it, and goes on with [Machine.ResumeAfterLoss].

// FirstLiveEntry is the sequence of the first entry that counts: those before it may
// have been purged. 0 when no entry says so.
func (m *Machine) FirstLiveEntry() uint64 { return m.firstLive }

// ReportedLosses are the entries whose loss was reported before.
func (m *Machine) ReportedLosses() Ranges { return m.reportedLosses }

// Counters returns what a checkpoint outside the log keeps: the number of the next
// message, the last transfer, how many messages there are, and the first entry that
// counts.
func (m *Machine) Counters() (next, lastTransfer uint64, messages int, base uint64) {
	if base = m.log.base; m.log.entries.len() == 0 {
		base = m.seq + 1
	}
	return m.nextNumber, m.lastTransfer, m.messages.count, base
}

// ResumeAfterLoss goes on although the entries lost are missing. Messages are
// numbered from next and transfers after lastTransfer, or from where the log says if
// that is higher. So no number is used twice: receipt handles, sequence numbers and
// dead-letter queues would confuse the old with the new.
func (m *Machine) ResumeAfterLoss(next, lastTransfer uint64, lost Ranges) {
	m.emit(record{kind: kindCounters, number: max(m.nextNumber, next), round: m.lastRound, transferSeq: max(m.lastTransfer, lastTransfer), position: m.log.base})
	if all := append(m.reportedLosses.Without(lost), lost...); len(all) > 0 {
		m.writeLosses(all)
	}
}

// writeLosses writes which entries are missing, except for those that may be purged.
func (m *Machine) writeLosses(lost Ranges) {
	if m.firstLive > 0 {
		lost = lost.Without(Ranges{{0, m.firstLive - 1}})
	}
	if len(lost) > 0 {
		m.emit(record{kind: kindReportedLosses, key: lost.String()})
	} else {
		m.reportedLosses = nil
	}
}

func (m *Machine) applyReportedLosses(r *record) {
	if s, err := ParseRanges(r.key); err == nil {
		m.reportedLosses = s
	}
}

// applyFirstLive takes the first live entry from the counters. Older versions wrote
// counters only before a trim and without the sequence: then what is left of the log
// is live.
func (m *Machine) applyFirstLive(r *record) {
	front := r.position
	if front == 0 {
		front = m.log.base
	}
	m.firstLive = max(m.firstLive, front)
}
