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

// An entry of the log has the records of one batch of commands:
//
//	version  1 byte
//	checksum 4 bytes, CRC-32C of all that follows
//	time     varint, Unix nanoseconds by the machine's clock
//	key      text, says how to find the key of the contents; "" when they are in clear
//	records  text, one after another
//	contents until the end: of the messages in the records, in their order; sealed
//	         with AES-256-GCM, a nonce of 12 bytes in front, when there is a key
//
// JetStream stores an entry whole or not at all, so a batch too. The encryption
// authenticates all that stands before the contents, except the checksum. So a
// machine is restored without any key, and what senders gave is nowhere in clear.
const (
	entryVersion       = 2
	entryHeaderBytes   = 5
	nonceBytes         = 12
	encryptionOverhead = nonceBytes + 16
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrDamagedEntry says that a log entry is damaged: nothing in it can be relied on.
var ErrDamagedEntry = errors.New("damaged log entry")

// A ContentKey encrypts what senders gave. The zero ContentKey leaves it in clear.
type ContentKey struct {
	Name string // how to find the key again: for example a wrapped data key
	cipher.AEAD
}

// An Entry is a parsed log entry.
type Entry struct {
	KeyName        string // of the key that encrypts the contents; "" when they are in clear
	time           int64
	records        string
	additionalData string // of the encryption: what is authenticated beside the contents
	contents       string // as stored
	size           int64
}

// writeEntry appends an entry to b. random makes the nonces; it has to be
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
		additionalData := b[start+entryHeaderBytes:]
		b = binary.LittleEndian.AppendUint64(b, random.Uint64())
		b = binary.LittleEndian.AppendUint32(b, uint32(random.Uint64()))
		b = k.Seal(b, b[len(b)-nonceBytes:], contents, additionalData)
	}
	binary.BigEndian.PutUint32(b[start+1:], crc32.Checksum(b[start+entryHeaderBytes:], castagnoli))
	return b
}

// ReadEntry checks and parses an entry. Its errors are ErrDamagedEntry and
// ErrUnknownVersion.
func ReadEntry(b []byte) (e Entry, err error) {
	switch {
	case len(b) < entryHeaderBytes:
		return e, fmt.Errorf("%w: %w", ErrDamagedEntry, errTruncated)
	case crc32.Checksum(b[entryHeaderBytes:], castagnoli) != binary.BigEndian.Uint32(b[1:]):
		return e, fmt.Errorf("%w: checksum differs", ErrDamagedEntry)
	case b[0] != entryVersion: // the checksum is right, and at the same place in every version
		return e, fmt.Errorf("version %d: %w", b[0], ErrUnknownVersion)
	}
	e.additionalData = string(b[entryHeaderBytes:])
	r := reader{remaining: e.additionalData}
	e.time, e.KeyName, e.records, e.size = r.varint(), r.text(), r.text(), int64(len(b))
	e.contents = r.remaining
	e.additionalData = e.additionalData[:len(e.additionalData)-len(r.remaining)]
	if r.err != nil {
		return e, fmt.Errorf("%w: %w", ErrDamagedEntry, r.err)
	}
	return e, nil
}

// Decrypt returns the contents. k is the key named e.KeyName; nil when that is "".
func (e Entry) Decrypt(k cipher.AEAD) (Plaintext, error) {
	if e.KeyName == "" {
		return Plaintext{e.contents, true}, nil
	}
	if len(e.contents) < nonceBytes {
		return Plaintext{}, fmt.Errorf("%w: %w", ErrDamagedEntry, errTruncated)
	}
	b, err := k.Open(nil, []byte(e.contents[:nonceBytes]), []byte(e.contents[nonceBytes:]), []byte(e.additionalData))
	if err != nil {
		return Plaintext{}, fmt.Errorf("%w: its key does not decrypt its contents", ErrDamagedEntry)
	}
	return Plaintext{string(b), true}, nil
}

// A Plaintext is the decrypted contents of an entry. The zero Plaintext is for an
// entry that was not decrypted.
type Plaintext struct {
	text string
	ok   bool
}

// Contents returns the contents of the messages in an entry, by message number.
func (e Entry) Contents(o Plaintext) iter.Seq2[uint64, Content] {
	return func(yield func(uint64, Content) bool) {
		for d := e.newRecordReader(); d.more(); {
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

func (e Entry) newRecordReader() recordReader {
	return recordReader{reader: reader{remaining: e.records}}
}

// A recordReader reads the records of an entry.
type recordReader struct {
	reader
	offset int // where the next content begins
}

func (r *recordReader) more() bool { return r.err == nil && r.remaining != "" }

// content reads the length of a content, and returns where it is.
func (r *recordReader) content() (offset, length int) {
	n := r.uvarint()
	if n > math.MaxInt32 || r.offset > math.MaxInt32 {
		r.fail(errTruncated)
		return 0, 0
	}
	offset, length = r.offset, int(n)
	r.offset += length
	return offset, length
}
