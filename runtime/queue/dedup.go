package queue

// A dedupEntry is a deduplication id that was accepted: until its window ends, a
// message with the same id is dropped.
type dedupEntry struct {
	key       dedupKey
	number    uint64   // of the message that was accepted
	id        [16]byte // its id
	until     int64    // the end of the window
	forgotten bool
	logShare
}

// dedupLogBytes is about what a deduplication id takes in the log.
const dedupLogBytes = 64

// A dedupKey is a deduplication id within its scope: its message group, or the
// whole queue when group is zero.
type dedupKey struct{ id, group fingerprint }

func dedupKeyOf(r *record) dedupKey {
	if r.flags&flagByGroup != 0 {
		return dedupKey{r.dedup, r.group}
	}
	return dedupKey{id: r.dedup}
}

// rememberDedup keeps the deduplication id of a sent message, or of a copied
// record, which has the end of its window.
func (m *Machine) rememberDedup(r *record) {
	until := r.until
	if r.kind == kindSent {
		until = m.now + int64(DedupWindow)
	}
	if until <= m.now {
		return
	}
	key := dedupKeyOf(r)
	e := m.dedup[key]
	if e == nil {
		e = &dedupEntry{key: key, number: r.number, id: r.id, until: until}
		m.dedup[key] = e
		m.dedupExpiry.push(e)
	}
	if m.log.placeShare(&e.logShare, m.seq+1, dedupLogBytes) {
		x := m.log.entry(e.entry).mutableExtra()
		x.dedups = append(x.dedups, e)
	}
}

func (m *Machine) forgetDedup(e *dedupEntry) {
	delete(m.dedup, e.key)
	e.forgotten = true
	m.log.releaseShare(&e.logShare)
	m.dedupExpiry.compact(len(m.dedup))
}
