package object

import (
	"encoding/binary"
	"strings"
)

// An item is a version of an object, an upload or a part, as the index keeps it: packed,
// in one allocation. Its text is a key, then
//
//	order   8 bytes, big-endian: the number, which for objects is inverted
//	flags   uvarint
//	entry   uvarint: the entry of the log that has its record
//	content its place, if it has one: flagInline and flagBlob say which
//	rest    what describes it: see encode.go
type item struct {
	text string
	key  int // how long the key is
}

// The flags of an item, and of its record. Their bits are stored: never change one, only
// add.
const (
	flagInline    = 1 << iota // the content is in the log
	flagBlob                  // the content is in a blob
	flagNull                  // of a version: its id is "null"
	flagMarker                // of a version: it is a delete marker
	flagDeleted               // of an upload: its key was deleted since it began
	flagReference             // in records only: the content is in an earlier entry
	flagsKnown    = 1<<iota - 1
)

// A place is what an item says of where it is.
type place struct {
	flags   uint64
	entry   uint64 // of the record
	content Content
	rest    string
}

const orderBytes = 8

func newItem(key string, order uint64, p place) item {
	b := make([]byte, 0, len(key)+orderBytes+3*binary.MaxVarintLen64+len(p.content.Blob)+len(p.rest))
	b = append(b, key...)
	b = binary.BigEndian.AppendUint64(b, order)
	b = binary.AppendUvarint(b, p.flags)
	b = binary.AppendUvarint(b, p.entry)
	b = appendContent(b, p.flags, p.content)
	b = append(b, p.rest...)
	return item{string(b), len(key)}
}

func appendContent(b []byte, flags uint64, c Content) []byte {
	if flags&flagInline != 0 {
		b = binary.AppendUvarint(b, c.Entry)
		b = binary.AppendUvarint(b, uint64(c.Offset))
		b = binary.AppendUvarint(b, uint64(c.Length))
	}
	if flags&flagBlob != 0 {
		b = appendText(b, c.Blob)
	}
	return b
}

func readContent(r *reader, flags uint64) (c Content) {
	if flags&flagInline != 0 {
		c.Entry, c.Offset, c.Length = r.uvarint(), uint32(r.uvarint()), uint32(r.uvarint())
	}
	if flags&flagBlob != 0 {
		c.Blob = r.text()
	}
	return c
}

func (it item) name() string { return it.text[:it.key] }

// order is what items of one key are ordered by.
func (it item) order() uint64 {
	r := reader{remaining: it.text[it.key:]}
	return r.uint64()
}

func (it item) flags() uint64 {
	r := reader{remaining: it.text[it.key+orderBytes:]}
	return r.uvarint()
}

func (it item) place() (p place) {
	r := reader{remaining: it.text[it.key+orderBytes:]}
	p.flags, p.entry = r.uvarint(), r.uvarint()
	p.content = readContent(&r, p.flags)
	p.rest = r.remaining
	return p
}

func (it item) before(other item) bool {
	if c := strings.Compare(it.name(), other.name()); c != 0 {
		return c < 0
	}
	return it.text[it.key:it.key+orderBytes] < other.text[other.key:other.key+orderBytes]
}

// newestFirst is the order of a version, and its inverse.
func newestFirst(number uint64) uint64 { return ^number }
