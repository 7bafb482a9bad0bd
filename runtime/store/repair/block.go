package repair

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash"
)

// A record of a block:
//
//	0  length of all of it, 4 bytes, the highest bit set when there are headers
//	4  sequence and flags of deletion, 8 bytes
//	12 time, 8 bytes
//	20 length of the subject, 2 bytes
//	22 subject, headers and their length, message
//	   checksum of all from 4 on but the two lengths behind the time, 8 bytes
const (
	headerSize    = 22
	checksumSize  = 8
	maxRecordSize = 32 << 20 // a longer one is damaged
	hasHeaders    = 1 << 31
)

// An intactRecords is the intact records of a block: all of it, as long as nothing is
// damaged.
type intactRecords struct {
	all    []byte
	prefix int // length of the intact beginning of all, while nothing was skipped
	kept   *bytes.Buffer
}

func (v *intactRecords) keep(from, to int) {
	if v.kept != nil {
		v.kept.Write(v.all[from:to])
	} else {
		v.prefix = to
	}
}

// skip says that bytes are left out.
func (v *intactRecords) skip() {
	if v.kept == nil {
		v.kept = bytes.NewBuffer(bytes.Clone(v.all[:v.prefix]))
	}
}

func (v *intactRecords) Bytes() []byte {
	if v.kept != nil {
		return v.kept.Bytes()
	}
	return v.all[:v.prefix]
}

// compressed is the beginning of a compressed block. Our streams have none.
var compressed = []byte("cmp")

func (v *intactRecords) Len() int { return len(v.Bytes()) }

// readBlock finds the intact records of a block. Behind a damaged one it looks for the
// next with a valid checksum, byte by byte.
func readBlock(data []byte, stream string, index int) *intactRecords {
	v := &intactRecords{all: data}
	if bytes.HasPrefix(data, compressed) {
		v.prefix = len(data)
		return v
	}
	h, err := hasher(fmt.Sprintf("%s-%d", stream, index))
	if err != nil {
		panic(err) // the key has the right length
	}
	for at := 0; at < len(data); {
		n := recordSize(data[at:], h)
		if n == 0 {
			v.skip()
			at++
			continue
		}
		v.keep(at, at+n)
		at += n
	}
	return v
}

// recordSize returns the length of the record that data begins with; 0 when there is
// none.
func recordSize(data []byte, h hash.Hash64) int {
	if len(data) < headerSize+checksumSize {
		return 0
	}
	length := binary.LittleEndian.Uint32(data)
	headers := length&hasHeaders != 0
	length &^= hasHeaders
	if length < headerSize+checksumSize || length > maxRecordSize || int(length) > len(data) {
		return 0
	}
	subject := int(binary.LittleEndian.Uint16(data[20:]))
	body := data[headerSize : length-checksumSize]
	before := subject
	if headers {
		before += 4 // the length of the headers
	}
	if before > len(body) {
		return 0
	}
	h.Reset()
	h.Write(data[4:20])
	h.Write(body[:subject])
	h.Write(body[before:])
	var sum [checksumSize]byte
	if !bytes.Equal(h.Sum(sum[:0]), data[length-checksumSize:length]) {
		return 0
	}
	return int(length)
}

// A sequenceScan goes through the records of a stream, intact ones only.
type sequenceScan struct {
	first, last uint64
	deleted     uint64 // the last that is, by a record elsewhere
	gaps        bool
}

// What the highest bits of a sequence mean.
const (
	erased    = 1 << 63 // the message was there
	tombstone = 1 << 62 // one of another place is deleted
)

func (t *sequenceScan) add(records []byte) {
	if bytes.HasPrefix(records, compressed) {
		t.gaps = true
		return
	}
	for at := 0; at < len(records); at += int(binary.LittleEndian.Uint32(records[at:]) &^ hasHeaders) {
		seq := binary.LittleEndian.Uint64(records[at+4:])
		switch {
		case seq&tombstone != 0:
			t.deleted = max(t.deleted, seq&^tombstone)
		case t.first == 0 && seq&erased == 0:
			t.first, t.last = seq, seq
		case seq == t.last+1:
			t.last = seq
		default:
			t.gaps = true
		}
	}
}

// extent is nil when there are gaps.
func (t *sequenceScan) extent() *Extent {
	switch {
	case t.gaps:
		return nil
	case t.first == 0:
		return &Extent{t.deleted + 1, 0}
	}
	return &Extent{max(t.first, t.deleted+1), t.last}
}
