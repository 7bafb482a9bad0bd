package queue

import "encoding/binary"

// A kind says what happened.
type kind byte

// The kinds of records. Their numbers are stored: never change one, only add.
const (
	sent       kind = 1  // a message came, from a sender or from a queue that gave it up
	received   kind = 2  // it was delivered, and is hidden until Until
	hidden     kind = 3  // its receiver changed its visibility
	gone       kind = 4  // it was deleted, or buried
	expired    kind = 5  // all that were enqueued at Until or before are gone
	purged     kind = 6  // all are gone, and so are the deduplication ids
	burying    kind = 7  // it is on its way to the dead-letter queue Key
	unburied   kind = 8  // that queue is not there: it is back
	kept       kind = 9  // a message as it now is, copied from an older entry
	remembered kind = 10 // a deduplication id, copied from an older entry
	retried    kind = 11 // the receive with the attempt id Key was repeated
	attempted  kind = 12 // one message of a receive with the attempt id Key, copied
	counted    kind = 13 // the counters, copied
	heard      kind = 14 // the last burial heard of from Source, copied
	opened     kind = 15 // a new owner took the log over
	missed     kind = 16 // the entries Key were lost, and that was reported
	dated      kind = 17 // the wall clock says At, which is not the entry's time; the first record of its entry
)

// A record is one thing that happened. Its kind says which fields count; times
// are Unix nanoseconds by the machine's clock, and 0 means none.
type record struct {
	kind     kind
	number   uint64 // of the message
	id       [16]byte
	sent     int64
	until    int64
	content  Content // only when it is written; a record that was read says where it is
	offset   int     // of the content in the entry's contents
	length   int
	key      string
	flags    uint64
	first    int64 // by the wall clock
	at       int64
	enqueued int64
	arrived  int64 // kept: when it came from another queue
	wall     int64 // kept: when it was sent, by the wall clock, if that is not Sent
	receives uint64
	carried  uint64
	place    uint64
	turn     uint64
	source   uint64
	burial   uint64
	group    print
	dedup    print
}

const (
	flagByGroup uint64 = 1 << iota // the deduplication id counts within its group
	flagDedup                      // the deduplication id is to be remembered
	flagLeaving                    // kept: on its way to a dead-letter queue
	flagFirst                      // received: the first message of a receive
	flagBroken                     // attempted: not retryable anymore
	flagFresh                      // burying, kept: it arrives as a new message
)

// The fields of a record, as bits of the mask that says which are there.
const (
	hasNumber uint64 = 1 << iota
	hasID
	hasSent
	hasUntil
	hasContent
	hasKey
	hasFlags
	hasFirst
	hasAt
	hasEnqueued
	hasReceives
	hasCarried
	hasPlace
	hasTurn
	hasSource
	hasBurial
	hasGroup
	hasDedup
	hasArrived
	hasWall
	hasMore // not one of ours
)

func (r *record) mask() (m uint64) {
	set := func(bit uint64, there bool) {
		if there {
			m |= bit
		}
	}
	set(hasNumber, r.number != 0)
	set(hasID, r.id != [16]byte{})
	set(hasSent, r.sent != 0)
	set(hasUntil, r.until != 0)
	set(hasContent, r.length != 0)
	set(hasKey, r.key != "")
	set(hasFlags, r.flags != 0)
	set(hasFirst, r.first != 0)
	set(hasAt, r.at != 0)
	set(hasEnqueued, r.enqueued != 0)
	set(hasReceives, r.receives != 0)
	set(hasCarried, r.carried != 0)
	set(hasPlace, r.place != 0)
	set(hasTurn, r.turn != 0)
	set(hasSource, r.source != 0)
	set(hasBurial, r.burial != 0)
	set(hasGroup, r.group != print{})
	set(hasDedup, r.dedup != print{})
	set(hasArrived, r.arrived != 0)
	set(hasWall, r.wall != 0)
	return m
}

// append encodes r: its kind, a mask of the fields that are not zero, and those
// in the order of their bits. Of the content that is only its length. Times are stored as their distance from now, the
// entry's time.
func (r *record) append(b []byte, now int64) []byte {
	m := r.mask()
	b = binary.AppendUvarint(append(b, byte(r.kind)), m)
	number := func(bit, v uint64) {
		if m&bit != 0 {
			b = binary.AppendUvarint(b, v)
		}
	}
	moment := func(bit uint64, t int64) {
		if m&bit != 0 {
			b = binary.AppendVarint(b, t-now)
		}
	}
	text := func(bit uint64, s string) {
		if m&bit != 0 {
			b = appendText(b, s)
		}
	}
	number(hasNumber, r.number)
	if m&hasID != 0 {
		b = append(b, r.id[:]...)
	}
	moment(hasSent, r.sent)
	moment(hasUntil, r.until)
	number(hasContent, uint64(r.length))
	text(hasKey, r.key)
	number(hasFlags, r.flags)
	moment(hasFirst, r.first)
	moment(hasAt, r.at)
	moment(hasEnqueued, r.enqueued)
	number(hasReceives, r.receives)
	number(hasCarried, r.carried)
	number(hasPlace, r.place)
	number(hasTurn, r.turn)
	number(hasSource, r.source)
	number(hasBurial, r.burial)
	if m&hasGroup != 0 {
		b = append(b, r.group[:]...)
	}
	if m&hasDedup != 0 {
		b = append(b, r.dedup[:]...)
	}
	moment(hasArrived, r.arrived)
	moment(hasWall, r.wall)
	return b
}

// readRecord is the inverse of append.
func readRecord(d *records, now int64) (r record) {
	r.kind = kind(d.byte())
	m := d.uvarint()
	if r.kind == 0 || r.kind > dated || m >= hasMore {
		d.fail(ErrUnknownVersion)
	}
	number := func(bit uint64, v *uint64) {
		if m&bit != 0 {
			*v = d.uvarint()
		}
	}
	moment := func(bit uint64, t *int64) {
		if m&bit != 0 {
			*t = now + d.varint()
		}
	}
	number(hasNumber, &r.number)
	if m&hasID != 0 {
		copy(r.id[:], d.take(16))
	}
	moment(hasSent, &r.sent)
	moment(hasUntil, &r.until)
	if m&hasContent != 0 {
		r.offset, r.length = d.content()
	}
	if m&hasKey != 0 {
		r.key = d.text()
	}
	number(hasFlags, &r.flags)
	moment(hasFirst, &r.first)
	moment(hasAt, &r.at)
	moment(hasEnqueued, &r.enqueued)
	number(hasReceives, &r.receives)
	number(hasCarried, &r.carried)
	number(hasPlace, &r.place)
	number(hasTurn, &r.turn)
	number(hasSource, &r.source)
	number(hasBurial, &r.burial)
	if m&hasGroup != 0 {
		copy(r.group[:], d.take(16))
	}
	if m&hasDedup != 0 {
		copy(r.dedup[:], d.take(16))
	}
	moment(hasArrived, &r.arrived)
	moment(hasWall, &r.wall)
	return r
}
