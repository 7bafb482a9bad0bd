package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"sync"

	"millrace/runtime/store/atomicfile"
)

// A journal is an append-only file of entries, each with a checksum, that is rewritten
// when most of it is out of date.
type journal struct {
	path string
	// snapshot returns the entries of a rewritten journal.
	snapshot func() []byte

	mu   sync.Mutex // guards next
	next *batch     // the entries that wait to be written; nil for none

	writing       sync.Mutex // guards the rest, and the file
	size          int        // of the file
	rewrittenSize int        // its size when it was last rewritten
	broken        bool       // a write failed: the file must be rewritten
}

// A batch is the entries that one fsync makes durable.
type batch struct {
	entries []byte
	written bool
	err     error
}

// slack is by how much a journal may outgrow twice what it needs, in bytes.
const slack = 1 << 20

// append appends an entry, and returns when it is durable. Entries that come during an
// fsync share the next one.
func (j *journal) append(entry []byte) error {
	j.mu.Lock()
	if j.next == nil {
		j.next = &batch{}
	}
	b := j.next
	b.entries = append(b.entries, entry...)
	j.mu.Unlock()

	j.writing.Lock()
	defer j.writing.Unlock()
	if !b.written {
		j.mu.Lock()
		j.next = nil
		j.mu.Unlock()
		b.written, b.err = true, j.write(b.entries)
	}
	return b.err
}

func (j *journal) write(entries []byte) error {
	if !j.broken && j.size <= 2*j.rewrittenSize+slack && j.extend(entries) == nil {
		return nil
	}
	return j.rewrite(entries)
}

// extend writes to the end of the file. It is opened each time: a folder that was
// put back is written to again, and one that is gone is noticed.
func (j *journal) extend(entries []byte) error {
	j.broken = true // until the write has succeeded
	f, err := os.OpenFile(j.path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(entries)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	j.size += len(entries)
	j.broken = false
	return nil
}

// rewrite replaces the file by a snapshot and the given entries.
func (j *journal) rewrite(more []byte) error {
	b := append(j.snapshot(), more...)
	j.broken = true
	if err := atomicfile.Write(j.path, b); err != nil {
		return err
	}
	j.size, j.rewrittenSize, j.broken = len(b), len(b), false
	return nil
}

// compact rewrites the file: always, or only after a failed write.
func (j *journal) compact(always bool) error {
	j.writing.Lock()
	defer j.writing.Unlock()
	if !always && !j.broken {
		return nil
	}
	return j.rewrite(nil)
}

// An op is what a journal entry says of a record.
type op byte

const (
	opSet     op = 1 // the record has this value
	opRemoved op = 2 // the record is deleted, or about to be
	// What came before is all that the bucket has up to this revision. The value is
	// what tells the bucket from another of its name.
	opComplete op = 3
)

type entry struct {
	op       op
	revision uint64
	key      string // as in the bucket
	value    []byte
}

// Each entry begins with entryMagic, so that behind one that is damaged the next is
// found. Then come the length and the CRC of what follows: the op, the revision,
// the length of the key, the key, and the value.
var entryMagic = []byte("\xf5\xc1rec\n")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const headSize, bodySize = 6 + 4 + 4, 1 + 8 + 2 // of mark, length and CRC; of what is in front of the key

func (e entry) appendTo(b []byte) []byte {
	b = append(b, entryMagic...)
	b = binary.LittleEndian.AppendUint32(b, uint32(bodySize+len(e.key)+len(e.value)))
	at := len(b)
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = append(b, byte(e.op))
	b = binary.LittleEndian.AppendUint64(b, e.revision)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(e.key)))
	b = append(b, e.key...)
	b = append(b, e.value...)
	binary.LittleEndian.PutUint32(b[at:], crc32.Checksum(b[at+4:], castagnoli))
	return b
}

// entries calls each with the whole entries of b, in order, and reports whether
// there is nothing else. Values share b's memory.
func entries(b []byte, each func(entry)) (whole bool) {
	whole = true
	for len(b) > 0 {
		e, n, ok := parseEntry(b)
		if ok {
			each(e)
			b = b[n:]
			continue
		}
		whole = false
		next := bytes.Index(b[1:], entryMagic)
		if next < 0 {
			break
		}
		b = b[1+next:]
	}
	return whole
}

func parseEntry(b []byte) (e entry, size int, ok bool) {
	if len(b) < headSize+bodySize || !bytes.HasPrefix(b, entryMagic) {
		return e, 0, false
	}
	n := int(binary.LittleEndian.Uint32(b[len(entryMagic):]))
	sum := binary.LittleEndian.Uint32(b[len(entryMagic)+4:])
	b = b[headSize:]
	if n < bodySize || n > len(b) || crc32.Checksum(b[:n], castagnoli) != sum {
		return e, 0, false
	}
	b = b[:n]
	key := int(binary.LittleEndian.Uint16(b[9:]))
	if key > n-bodySize {
		return e, 0, false
	}
	return entry{op(b[0]), binary.LittleEndian.Uint64(b[1:]), string(b[bodySize : bodySize+key]), b[bodySize+key:]}, headSize + n, true
}
