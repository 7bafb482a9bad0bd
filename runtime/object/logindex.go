package object

// A logIndex knows how much of each entry of the log is live: records of versions,
// uploads, parts and pending events in their present state, and contents.
type logIndex struct {
	entries []entryUsage // from base on
	base    uint64
	live    int64 // live bytes in all entries, estimated
	total   int64 // bytes of all entries
	dead    int64 // bytes of entries before base that are still in the log
}

// An entryUsage is the size of an entry and what is live of it, in bytes.
type entryUsage struct{ size, live int32 }

// addEntry makes room for the entry seq. Entries come in order; the log may have gaps.
func (l *logIndex) addEntry(seq uint64) {
	if len(l.entries) == 0 {
		l.base = seq
	}
	for l.base+uint64(len(l.entries)) <= seq {
		l.entries = append(l.entries, entryUsage{})
	}
}

// add counts live bytes of an entry. What is in an entry that the log has lost does not
// count.
func (l *logIndex) add(seq uint64, bytes int) {
	if seq < l.base || seq-l.base >= uint64(len(l.entries)) {
		return
	}
	l.entries[seq-l.base].live += int32(bytes)
	l.live += int64(bytes)
}

// finishEntry sets the size of the newest entry, and drops dead ones at the front. The
// newest stays: it has the counters.
func (l *logIndex) finishEntry(seq uint64, size int) {
	l.entries[seq-l.base].size = int32(size)
	l.total += int64(size)
	n := 0
	for n < len(l.entries)-1 && l.entries[n].live <= 0 {
		l.total -= int64(l.entries[n].size)
		l.dead += int64(l.entries[n].size)
		n++
	}
	l.entries, l.base = l.entries[n:], l.base+uint64(n)
}

// Log space is freed in two ways. The log is trimmed: entries at the front that hold
// nothing live are purged from the stream. When old live things stand in the way, they
// are moved to the end in their present state (Move), which makes the front dead.
const (
	trimThreshold      = 4 << 20  // trim when that many bytes are freed by it
	moveThreshold      = 16 << 20 // move when at least that many bytes are dead
	trimThresholdTight = 256 << 10
	moveThresholdTight = 1 << 20
)

// FirstLive is the first entry that is needed: those before it may be purged.
func (m *Machine) FirstLive() uint64 { return m.log.base }

// NeedsTrim reports whether purging the log is worth it. When the store is full (tight),
// less is enough.
func (m *Machine) NeedsTrim(tight bool) bool {
	return m.log.dead >= trimThreshold || tight && m.log.dead >= trimThresholdTight
}

// TrimmableBytes is how many bytes a purge would free.
func (m *Machine) TrimmableBytes() int64 { return m.log.dead }

// LogTrimmed says that a purge freed so many bytes.
func (m *Machine) LogTrimmed(bytes int64) { m.log.dead -= bytes }

// LogBytes is how many bytes of the log are live, about, and how many it has from
// FirstLive on.
func (m *Machine) LogBytes() (live, total int64) { return m.log.live, m.log.total }

// NeedsMove reports whether moving what is live to the end of the log is worth it. When
// the store is full (tight), less is enough.
func (m *Machine) NeedsMove(tight bool) bool {
	from := int64(moveThreshold)
	if tight {
		from = moveThresholdTight
	}
	dead := m.log.total - m.log.live
	return dead >= from && dead > m.log.live
}

// Movable returns the oldest entries that hold something live: as many as have about so
// many live bytes, but not the newest entry. They are to be read from the log, and each
// to be given to a Move.
func (m *Machine) Movable(bytes int) (entries []uint64) {
	for i := 0; i < len(m.log.entries)-1 && bytes > 0; i++ {
		if live := m.log.entries[i].live; live > 0 {
			entries = append(entries, m.log.base+uint64(i))
			bytes -= int(live)
		}
	}
	return entries
}
