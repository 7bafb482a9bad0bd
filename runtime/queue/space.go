package queue

import (
	"maps"
	"slices"
)

// Room for old entries is won back in two ways. Entries at the front that hold
// nothing that counts are purged. When old survivors stand in the way, they are
// copied to the end as they now are, which makes the front dead: a copy counts
// instead of the original, wherever a replay ends.
const (
	purgeFrom   = 4 << 20   // purge when that many bytes come free
	copyFrom    = 16 << 20  // copy when at least that many bytes are dead
	purgeTight  = 256 << 10 // the same where nothing more is taken in before there is room
	copyTight   = 1 << 20
	copyAtOnce  = 256 << 10
	copyEntries = 256 // look at that many entries at once
)

// NeedsCompaction tells whether copying survivors is worth it. It is so sooner when room is
// tight.
func (m *Machine) NeedsCompaction(tight bool) bool {
	from := int64(copyFrom)
	if tight {
		from = copyTight
	}
	dead := m.ledger.total - m.ledger.live
	return dead >= from && dead > m.ledger.live
}

// LogBytes is how many bytes the log has, dead ones included.
func (m *Machine) LogBytes() int64 { return m.ledger.total }

// CompactionRange returns the range of entries that the next Copy looks at, and
// whether their contents have to be read for it.
func (m *Machine) CompactionRange() (from, to uint64, read bool) {
	size := 0
	from, to = m.ledger.base, m.ledger.base
	for i := 0; i < m.ledger.slots.len()-1 && i < copyEntries && size < copyAtOnce; i++ {
		s := m.ledger.slots.at(i)
		size += int(s.live)
		to = from + uint64(i)
		read = read || s.alive > 0 && s.contents == ""
	}
	return from, to, read
}

// Compact copies the survivors of the entries up to to, as many as belong in one
// entry. Contents that are not in memory come from read, by number; Copy is false
// when it stopped at one that is missing.
func (m *Machine) Compact(to uint64, read map[uint64]Content) bool {
	var memos []*memo
	// An attempt is repeated in the order in which it was made, so it is copied
	// with each of its messages, and behind them.
	defer func() {
		for _, e := range memos {
			m.copyMemo(e)
		}
	}()
	for seq := m.ledger.base; seq <= to && m.ledger.has(seq); seq++ {
		for _, number := range m.ledger.numbers(seq) {
			o := m.messages.at(number)
			if o == nil || o.entry != seq {
				continue
			}
			if m.BatchBytes() >= copyAtOnce {
				return true
			}
			if !m.copyMessage(o, read) {
				return false
			}
			if e := o.was().attempt; e != nil && !slices.Contains(memos, e) {
				memos = append(memos, e)
			}
		}
		if more := m.ledger.slot(seq).more; more != nil {
			for _, e := range more.memos {
				if e.entry == seq && !e.over && !slices.Contains(memos, e) {
					memos = append(memos, e)
				}
			}
		}
	}
	return true
}

func (m *Machine) copyMessage(o *message, read map[uint64]Content) bool {
	was := *o.was()
	r := record{
		kind: kept, number: o.number, id: o.id, content: m.ledger.content(o), sent: o.sent, until: was.until, first: was.first, at: was.at,
		enqueued: was.enqueued, receives: uint64(was.receives), carried: uint64(was.carried), place: was.place, arrived: was.arrived,
	}
	if r.content == "" {
		r.content = read[o.number]
	}
	if wall := m.sentAt(o); wall != o.sent {
		r.wall = wall
	}
	if o.group != nil {
		r.turn, r.group = o.group.turn, o.group.name
	} else if was.tenant != nil {
		r.group = was.tenant.name
	}
	if o.state == leaving {
		for _, b := range m.leaving {
			if b.o == o {
				if r.flags, r.key, r.burial = flagLeaving, b.target, b.seq; b.fresh {
					r.flags |= flagFresh
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

func (m *Machine) copyMemo(e *memo) {
	switch {
	case e.attempt == "":
		r := record{kind: remembered, dedup: e.dedup.id, group: e.dedup.group, number: e.number, id: e.id, until: e.until}
		if e.dedup.group != (print{}) {
			r.flags = flagByGroup
		}
		m.emit(r)
	case e.broken:
		m.emit(record{kind: attempted, key: e.attempt, until: e.until, flags: flagBroken})
	case e.holds():
		for i, o := range slices.Clone(e.messages) {
			r := record{kind: attempted, key: e.attempt, number: o.number, until: e.until}
			if i == 0 {
				r.flags = flagFirst
			}
			m.emit(r)
		}
	default:
		m.emit(record{kind: attempted, key: e.attempt})
	}
}

func (m *Machine) applyKept(r *record) {
	if o := m.messages.at(r.number); o != nil {
		m.ledger.release(o)
		m.ledger.place(o, m.seq+1, r)
		return
	}
	m.next = max(m.next, r.number+1)
	o := m.admit(r)
	if r.receives != 0 || r.place != 0 || r.until != 0 {
		was := o.live()
		was.at, was.receives, was.place, was.until = r.at, uint32(r.receives), r.place, r.until
	}
	switch {
	case r.flags&flagLeaving != 0:
		m.depart(o, r)
		m.moved(o) // its group or tenant may have nothing else
		return
	case r.until <= m.now:
		m.become(o, ready)
		m.offer(o)
	default:
		to := delayed
		if r.receives > 0 {
			to = inFlight
		}
		m.become(o, to)
		m.hidden.push(o)
		if o.group != nil {
			o.group.insert(o)
		}
		m.moved(o)
	}
	if g := o.group; g != nil && g.heap != nil {
		m.unqueue(g)
		m.enqueue(g, r.turn)
	}
}

// NeedsTrim tells whether a purge of the log is worth it: sooner when room is tight.
// Before it, write the counters (see Count) and have them stored.
func (m *Machine) NeedsTrim(tight bool) bool {
	return m.ledger.freed >= purgeFrom || tight && m.ledger.freed >= purgeTight
}

// WriteCounters writes what every log has to begin with and returns the sequence below
// which all entries may be purged, once this group's entry is stored.
func (m *Machine) WriteCounters() (below uint64) {
	m.emit(record{kind: counted, number: m.next, turn: m.turn, burial: m.burial, place: m.ledger.base})
	if len(m.missed) > 0 {
		m.miss(m.missed)
	}
	for _, source := range slices.Sorted(maps.Keys(m.heard)) {
		m.emit(record{kind: heard, source: source, burial: m.heard[source]})
	}
	return m.ledger.base
}

// LogTrimmed says that the entries below a sequence that Count returned are gone.
func (m *Machine) LogTrimmed(bytes int64) { m.ledger.freed -= bytes }

// TrimmableBytes is how many bytes a purge would free.
func (m *Machine) TrimmableBytes() int64 { return m.ledger.freed }

// WriteTakeover writes that a new owner took over: a write of an earlier one that is still
// under way finds the log changed.
func (m *Machine) WriteTakeover() { m.emit(record{kind: opened}) }
