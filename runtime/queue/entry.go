package queue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
)

// An entry of the log is what one group of commands brought about:
//
//	version  1 byte
//	checksum 4 bytes, CRC-32C of all that follows
//	time     varint, Unix nanoseconds
//	records  until the end
//
// It is stored whole or not at all, so its records are too.
const (
	entryVersion = 1
	entryHeader  = 5
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrEntry says that a log entry cannot be read: it is damaged, or written by a
// newer version of this package.
var ErrEntry = errors.New("unreadable log entry")

func beginEntry(b []byte, now int64) []byte {
	return binary.AppendVarint(append(b, entryVersion, 0, 0, 0, 0), now)
}

func sealEntry(b []byte) {
	binary.BigEndian.PutUint32(b[1:], crc32.Checksum(b[entryHeader:], castagnoli))
}

// readEntry checks an entry and returns its time and a reader of its records.
func readEntry(b []byte) (now int64, d reader, err error) {
	switch {
	case len(b) < entryHeader:
		return 0, d, fmt.Errorf("%w: %w", ErrEntry, errShort)
	case b[0] != entryVersion:
		return 0, d, fmt.Errorf("%w: version %d", ErrEntry, b[0])
	case crc32.Checksum(b[entryHeader:], castagnoli) != binary.BigEndian.Uint32(b[1:]):
		return 0, d, fmt.Errorf("%w: checksum differs", ErrEntry)
	}
	d = reader{rest: string(b[entryHeader:])}
	now = d.varint()
	return now, d, d.err
}

// Contents reads the contents of the messages that an entry holds, by number.
// It skips what it cannot read.
func Contents(entry []byte) iter.Seq2[uint64, Content] {
	return func(yield func(uint64, Content) bool) {
		now, d, err := readEntry(entry)
		for err == nil && d.rest != "" {
			r := readRecord(&d, now)
			err = d.err
			if err == nil && r.content != "" && !yield(r.number, r.content) {
				return
			}
		}
	}
}
