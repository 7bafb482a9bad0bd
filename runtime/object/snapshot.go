package object

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"
)

// A snapshot is the state after an entry: counters, the sizes of the log's entries, items,
// pending events. It is written in blocks, and nothing crosses the end of one:
//
//	magic 8 bytes, version 1 byte
//	blocks, each: length 4 bytes, CRC-32C of its contents 4 bytes, contents
//	an empty block
//
// What the log index counts as live follows from the items.
const (
	snapshotMagic   = "MRBUCKET"
	snapshotVersion = 1
	blockSize       = 64 << 10 // a block ends with what fills it
	maxBlock        = blockSize + 1<<20
)

// Snapshot returns a function that writes the present state, and may do so beside later
// batches. Restore with the entries behind LastEntry leads to the same state as all
// entries.
func (m *Machine) Snapshot() func(io.Writer) error {
	s := &Machine{
		objects: m.objects.copy(), uploads: m.uploads.copy(), parts: m.parts.copy(),
		pending: slices.Clone(m.pending), log: m.log,
		lastEntry: m.lastEntry, lastNumber: m.lastNumber, lastEvent: m.lastEvent, handedOver: m.handedOver, closed: m.closed,
	}
	s.log.entries = slices.Clone(m.log.entries)
	return func(to io.Writer) error {
		w := &snapshotWriter{to: to}
		w.write(s)
		return w.err
	}
}

type snapshotWriter struct {
	to    io.Writer
	block []byte // that is being filled, behind its head
	err   error
}

const blockHead = 8

// flush writes the block, and begins the next one.
func (w *snapshotWriter) flush() {
	if w.block != nil && w.err == nil {
		contents := w.block[blockHead:]
		binary.BigEndian.PutUint32(w.block, uint32(len(contents)))
		binary.BigEndian.PutUint32(w.block[4:], crc32.Checksum(contents, castagnoli))
		_, w.err = w.to.Write(w.block)
	}
	w.block = append(w.block[:0], make([]byte, blockHead)...)
}

// put appends numbers and a text, which stay in one block.
func (w *snapshotWriter) put(text string, numbers ...uint64) {
	for _, v := range numbers {
		w.block = binary.AppendUvarint(w.block, v)
	}
	w.block = appendText(w.block, text)
	if len(w.block) >= blockSize {
		w.flush()
	}
}

func (w *snapshotWriter) write(m *Machine) {
	if _, w.err = w.to.Write(append([]byte(snapshotMagic), snapshotVersion)); w.err != nil {
		return
	}
	w.flush()
	var closed uint64
	if m.closed {
		closed = 1
	}
	w.put("", m.lastEntry, m.lastNumber, m.lastEvent, m.handedOver, closed, m.log.base, uint64(m.log.dead), uint64(len(m.log.entries)))
	for _, e := range m.log.entries {
		w.put("", uint64(e.size))
	}
	for _, x := range []*index{m.objects, m.uploads, m.parts} {
		w.put("", uint64(x.Len()))
		x.Scan(func(it item) bool {
			w.put(it.text, uint64(it.key))
			return w.err == nil
		})
	}
	w.put("", uint64(len(m.pending)))
	for _, p := range m.pending {
		w.put(p.data, p.number, p.entry)
	}
	if len(w.block) > blockHead {
		w.flush()
	}
	w.flush()
}

// Restore reads a snapshot. The machine that it returns goes on with the entries behind
// its LastEntry. Errors are ErrDamagedEntry, ErrUnknownVersion and those of reading: the
// log has to be read from its start then.
func Restore(secret [16]byte, from io.Reader) (*Machine, error) {
	head := make([]byte, len(snapshotMagic)+1)
	_, err := io.ReadFull(from, head)
	r := &snapshotReader{from: from}
	switch {
	case err != nil:
		r.fail(err)
	case string(head[:len(snapshotMagic)]) != snapshotMagic:
		r.fail(ErrDamagedEntry)
	case head[len(snapshotMagic)] != snapshotVersion:
		r.fail(ErrUnknownVersion)
	}
	m := New(secret)
	r.read(m)
	if r.next(); r.err == nil && r.block.remaining != "" {
		r.fail(ErrDamagedEntry)
	}
	if r.err != nil {
		return nil, fmt.Errorf("reading a snapshot: %w", r.err)
	}
	return m, nil
}

type snapshotReader struct {
	from  io.Reader
	block reader // what remains of the present block
	b     []byte
	err   error
}

func (r *snapshotReader) fail(err error) {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = fmt.Errorf("%w: truncated", ErrDamagedEntry)
	}
	if r.err == nil {
		r.err = err
	}
	r.block = reader{}
}

// next reads the next block, when nothing remains of the present one.
func (r *snapshotReader) next() {
	if r.err != nil || r.block.remaining != "" {
		return
	}
	var head [blockHead]byte
	if _, err := io.ReadFull(r.from, head[:]); err != nil {
		r.fail(err)
		return
	}
	n := int(binary.BigEndian.Uint32(head[:]))
	if n > maxBlock {
		r.fail(ErrDamagedEntry)
		return
	}
	r.b = slices.Grow(r.b[:0], n)[:n]
	if _, err := io.ReadFull(r.from, r.b); err != nil {
		r.fail(err)
	} else if crc32.Checksum(r.b, castagnoli) != binary.BigEndian.Uint32(head[4:]) {
		r.fail(ErrDamagedEntry)
	} else {
		r.block.remaining = string(r.b)
	}
}

// get is the inverse of put.
func (r *snapshotReader) get(numbers ...*uint64) (text string) {
	r.next()
	for _, v := range numbers {
		*v = r.block.uvarint()
	}
	if text = r.block.text(); r.block.err != nil {
		r.fail(r.block.err)
	}
	return text
}

func (r *snapshotReader) read(m *Machine) {
	var closed, dead, count, size uint64
	r.get(&m.lastEntry, &m.lastNumber, &m.lastEvent, &m.handedOver, &closed, &m.log.base, &dead, &count)
	m.closed, m.log.dead = closed != 0, int64(dead)
	for range count {
		if r.get(&size); r.err != nil {
			return
		}
		m.log.entries = append(m.log.entries, entryUsage{size: int32(size)})
		m.log.total += int64(size)
	}
	for _, x := range []*index{m.objects, m.uploads, m.parts} {
		r.items(m, x)
	}
	r.get(&count)
	for range count {
		var p pendingEvent
		p.data = strings.Clone(r.get(&p.number, &p.entry))
		if r.err != nil {
			return
		}
		m.pending = append(m.pending, p)
		m.holdEvent(p, +1)
	}
}

func (r *snapshotReader) items(m *Machine, x *index) {
	var count, n uint64
	r.get(&count)
	key := ""
	for range count {
		it := item{text: strings.Clone(r.get(&n))}
		if size := uint64(len(it.text)); r.err == nil && (n > size || n+orderBytes+2 > size) {
			r.fail(ErrDamagedEntry)
		}
		if r.err != nil {
			return
		}
		it.key = int(n)
		x.Load(it)
		m.hold(x, it, +1)
		if x == m.objects && it.name() == key && it.flags()&flagNull != 0 {
			m.nulls[key] = numberOf(it)
		}
		key = it.name()
	}
}
