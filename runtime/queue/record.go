package queue

import "encoding/binary"

// A kind says what a record records.
type kind byte

// The kinds of records. Their numbers are stored: never change one, only add.
const (
	kindSent           kind = 1  // a message was sent, or arrived from another queue
	kindReceived       kind = 2  // a message was delivered, and is hidden until Until
	kindHidden         kind = 3  // a visibility timeout was changed
	kindDeleted        kind = 4  // a message was deleted, or its transfer is complete
	kindExpired        kind = 5  // all messages that were enqueued at Until or before expired
	kindPurged         kind = 6  // all messages and deduplication ids were deleted
	kindTransferring   kind = 7  // a message is on its way to the queue Key
	kindReverted       kind = 8  // the transfer failed for good: the message is back
	kindCopiedMessage  kind = 9  // a message in its present state, copied from an older entry
	kindCopiedDedup    kind = 10 // a deduplication id, copied from an older entry
	kindRepeated       kind = 11 // the receive with the attempt id Key was repeated
	kindCopiedAttempt  kind = 12 // one message of a receive with the attempt id Key, copied
	kindCounters       kind = 13 // the counters, copied
	kindLastTransfer   kind = 14 // the highest transfer accepted from SourceGeneration, copied; or the highest numbered send
	kindTakeover       kind = 15 // a new owner took the log over
	kindReportedLosses kind = 16 // the loss of the entries Key was reported
	kindWallClock      kind = 17 // the wall clock says At, which is not the entry's time; first in its entry
)

// A record is one change of the state. Its kind says which fields it has. Times are
// Unix nanoseconds by the machine's clock, 0 for none.
type record struct {
	kind             kind
	number           uint64 // of the message
	id               [16]byte
	sentAt           int64
	until            int64
	content          Content // only when written; a record that was read has offset and length
	offset           int     // of the content in the entry's contents
	length           int
	key              string
	flags            uint64
	firstReceivedAt  int64 // by the wall clock
	at               int64
	enqueuedAt       int64
	arrivedAt        int64 // kindCopiedMessage: from another queue
	wallSentAt       int64 // kindCopiedMessage: the send time by the wall clock, if that is not SentAt
	receives         uint64
	priorReceives    uint64
	position         uint64
	round            uint64
	sourceGeneration uint64
	transferSeq      uint64
	group            fingerprint
	dedup            fingerprint
}

const (
	flagByGroup        uint64 = 1 << iota // the deduplication id counts within its group
	flagDedup                             // the deduplication id is to be remembered
	flagTransferring                      // kindCopiedMessage: on its way to another queue
	flagFirstOfReceive                    // kindReceived: the first message of a receive
	flagNotRetryable                      // kindCopiedAttempt: no longer retryable
	flagAsNew                             // kindTransferring, kindCopiedMessage: it arrives as a new message
	flagNumbered                          // kindSent, kindLastTransfer: SourceGeneration and TransferSeq are Source and Seq of a numbered send
)

// The fields of a record, as bits of the mask that says which are present.
const (
	hasNumber uint64 = 1 << iota
	hasID
	hasSent
	hasUntil
	hasContent
	hasKey
	hasFlags
	hasFirstReceived
	hasAt
	hasEnqueued
	hasReceives
	hasPriorReceives
	hasPosition
	hasRound
	hasSourceGeneration
	hasTransferSeq
	hasGroup
	hasDedup
	hasArrived
	hasWallSent
	hasUnknown // a newer version's field
)

func (r *record) mask() (m uint64) {
	set := func(bit uint64, there bool) {
		if there {
			m |= bit
		}
	}
	set(hasNumber, r.number != 0)
	set(hasID, r.id != [16]byte{})
	set(hasSent, r.sentAt != 0)
	set(hasUntil, r.until != 0)
	set(hasContent, r.length != 0)
	set(hasKey, r.key != "")
	set(hasFlags, r.flags != 0)
	set(hasFirstReceived, r.firstReceivedAt != 0)
	set(hasAt, r.at != 0)
	set(hasEnqueued, r.enqueuedAt != 0)
	set(hasReceives, r.receives != 0)
	set(hasPriorReceives, r.priorReceives != 0)
	set(hasPosition, r.position != 0)
	set(hasRound, r.round != 0)
	set(hasSourceGeneration, r.sourceGeneration != 0)
	set(hasTransferSeq, r.transferSeq != 0)
	set(hasGroup, r.group != fingerprint{})
	set(hasDedup, r.dedup != fingerprint{})
	set(hasArrived, r.arrivedAt != 0)
	set(hasWallSent, r.wallSentAt != 0)
	return m
}

// append encodes r: its kind, a mask of the fields that are not zero, and those
// fields in the order of their bits. Of the content only the length is encoded.
// Times are stored as differences from now, the entry's time.
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
	moment(hasSent, r.sentAt)
	moment(hasUntil, r.until)
	number(hasContent, uint64(r.length))
	text(hasKey, r.key)
	number(hasFlags, r.flags)
	moment(hasFirstReceived, r.firstReceivedAt)
	moment(hasAt, r.at)
	moment(hasEnqueued, r.enqueuedAt)
	number(hasReceives, r.receives)
	number(hasPriorReceives, r.priorReceives)
	number(hasPosition, r.position)
	number(hasRound, r.round)
	number(hasSourceGeneration, r.sourceGeneration)
	number(hasTransferSeq, r.transferSeq)
	if m&hasGroup != 0 {
		b = append(b, r.group[:]...)
	}
	if m&hasDedup != 0 {
		b = append(b, r.dedup[:]...)
	}
	moment(hasArrived, r.arrivedAt)
	moment(hasWallSent, r.wallSentAt)
	return b
}

// readRecord is the inverse of append.
func readRecord(d *recordReader, now int64) (r record) {
	r.kind = kind(d.byte())
	m := d.uvarint()
	if r.kind == 0 || r.kind > kindWallClock || m >= hasUnknown {
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
		copy(r.id[:], d.next(16))
	}
	moment(hasSent, &r.sentAt)
	moment(hasUntil, &r.until)
	if m&hasContent != 0 {
		r.offset, r.length = d.content()
	}
	if m&hasKey != 0 {
		r.key = d.text()
	}
	number(hasFlags, &r.flags)
	moment(hasFirstReceived, &r.firstReceivedAt)
	moment(hasAt, &r.at)
	moment(hasEnqueued, &r.enqueuedAt)
	number(hasReceives, &r.receives)
	number(hasPriorReceives, &r.priorReceives)
	number(hasPosition, &r.position)
	number(hasRound, &r.round)
	number(hasSourceGeneration, &r.sourceGeneration)
	number(hasTransferSeq, &r.transferSeq)
	if m&hasGroup != 0 {
		copy(r.group[:], d.next(16))
	}
	if m&hasDedup != 0 {
		copy(r.dedup[:], d.next(16))
	}
	moment(hasArrived, &r.arrivedAt)
	moment(hasWallSent, &r.wallSentAt)
	return r
}
