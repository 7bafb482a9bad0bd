package queue

import (
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
	"math"
	"math/rand/v2"
)

// An entry of the log is what one group of commands brought about:
//
//	version  1 byte
//	checksum 4 bytes, CRC-32C of all that follows
//	time     varint, Unix nanoseconds by the machine's clock
//	key      text, says how to find the key of the contents; "" when they are in clear
//	records  text, one after another
//	contents until the end: of the messages in the records, in their order; sealed
//	         with AES-256-GCM, a nonce of 12 bytes in front, when there is a key
//
// It is stored whole or not at all, so its records are too. What the seal is
// bound to is all that stands before it but the checksum. So a machine can be
// restored without any key, and what senders gave is nowhere in clear.
const (
	entryVersion = 2
	entryHeader  = 5
	nonceSize    = 12
	sealOverhead = nonceSize + 16
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrDamagedEntry says that a log entry is damaged: there is nothing in it to rely on.
var ErrDamagedEntry = errors.New("damaged log entry")

// A ContentKey seals what senders gave. The zero Key leaves it in clear.
type ContentKey struct {
	Name string // says how to find it again: a wrapped data key, say
	cipher.AEAD
}

// An Entry is a log entry taken apart.
type Entry struct {
	KeyName  string // of the contents; "" when they are in clear
	time     int64
	records  string
	bound    string // what the seal covers beside the contents
	contents string // as they are stored
	size     int64
}

// writeEntry appends an entry to b. Nonces come from random, which has to be
// cryptographically strong when there is a key.
func writeEntry(b []byte, now int64, records, contents []byte, k ContentKey, random rand.Source) []byte {
	if len(contents) == 0 {
		k = ContentKey{}
	}
	start := len(b)
	b = binary.AppendVarint(append(b, entryVersion, 0, 0, 0, 0), now)
	b = appendText(b, k.Name)
	b = binary.AppendUvarint(b, uint64(len(records)))
	b = append(b, records...)
	if k.AEAD == nil {
		b = append(b, contents...)
	} else {
		bound := b[start+entryHeader:]
		b = binary.LittleEndian.AppendUint64(b, random.Uint64())
		b = binary.LittleEndian.AppendUint32(b, uint32(random.Uint64()))
		b = k.Seal(b, b[len(b)-nonceSize:], contents, bound)
	}
	binary.BigEndian.PutUint32(b[start+1:], crc32.Checksum(b[start+entryHeader:], castagnoli))
	return b
}

// ReadEntry checks an entry and takes it apart. ErrEntry when it is damaged.
func ReadEntry(b []byte) (e Entry, err error) {
	switch {
	case len(b) < entryHeader:
		return e, fmt.Errorf("%w: %w", ErrDamagedEntry, errShort)
	case crc32.Checksum(b[entryHeader:], castagnoli) != binary.BigEndian.Uint32(b[1:]):
		return e, fmt.Errorf("%w: checksum differs", ErrDamagedEntry)
	case b[0] != entryVersion: // and undamaged: the checksum stays where it is in every version
		return e, fmt.Errorf("version %d: %w", b[0], ErrUnknownVersion)
	}
	e.bound = string(b[entryHeader:])
	r := reader{rest: e.bound}
	e.time, e.KeyName, e.records, e.size = r.varint(), r.text(), r.text(), int64(len(b))
	e.contents = r.rest
	e.bound = e.bound[:len(e.bound)-len(r.rest)]
	if r.err != nil {
		return e, fmt.Errorf("%w: %w", ErrDamagedEntry, r.err)
	}
	return e, nil
}

// Decrypt returns the contents. k is the key that e.Key names; nil when that is "".
func (e Entry) Decrypt(k cipher.AEAD) (Plaintext, error) {
	if e.KeyName == "" {
		return Plaintext{e.contents, true}, nil
	}
	if len(e.contents) < nonceSize {
		return Plaintext{}, fmt.Errorf("%w: %w", ErrDamagedEntry, errShort)
	}
	b, err := k.Open(nil, []byte(e.contents[:nonceSize]), []byte(e.contents[nonceSize:]), []byte(e.bound))
	if err != nil {
		return Plaintext{}, fmt.Errorf("%w: its contents do not fit its key", ErrDamagedEntry)
	}
	return Plaintext{string(b), true}, nil
}

// Plaintext are the contents of an entry in clear. The zero Opened is for an entry
// that was not opened.
type Plaintext struct {
	text string
	ok   bool
}

// Contents returns the contents of the messages that an entry brings, by number.
func (e Entry) Contents(o Plaintext) iter.Seq2[uint64, Content] {
	return func(yield func(uint64, Content) bool) {
		for d := e.all(); d.more(); {
			r := readRecord(&d, e.time)
			if d.err != nil || r.offset+r.length > len(o.text) {
				return
			}
			if r.length > 0 && !yield(r.number, Content(o.text[r.offset:r.offset+r.length])) {
				return
			}
		}
	}
}

func (e Entry) all() records { return records{reader: reader{rest: e.records}} }

// records reads the records of an entry.
type records struct {
	reader
	offset int // where the next content begins
}

func (r *records) more() bool { return r.err == nil && r.rest != "" }

// content reads the length of a content, and says where it is.
func (r *records) content() (offset, length int) {
	n := r.uvarint()
	if n > math.MaxInt32 || r.offset > math.MaxInt32 {
		r.fail(errShort)
		return 0, 0
	}
	offset, length = r.offset, int(n)
	r.offset += length
	return offset, length
}
