package object

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"slices"
)

// A snapshot is the state after an entry:
//
//	magic    8 bytes
//	version  1 byte
//	state    counters, the sizes of the log's entries, items, pending events
//	checksum 4 bytes, CRC-32C of all before it
//
// What the log index counts as live follows from the items.
const (
	snapshotMagic   = "MRBUCKET"
	snapshotVersion = 1
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
		w := &snapshotWriter{to: bufio.NewWriterSize(to, 256<<10), sum: crc32.New(castagnoli)}
		w.write(s)
		return errors.Join(w.err, w.to.Flush())
	}
}

type snapshotWriter struct {
	to  *bufio.Writer
	sum hash.Hash32
	b   []byte
	err error
}

// flush writes what has gathered.
func (w *snapshotWriter) flush(atLeast int) {
	if len(w.b) < atLeast {
		return
	}
	w.sum.Write(w.b)
	if _, err := w.to.Write(w.b); err != nil && w.err == nil {
		w.err = err
	}
	w.b = w.b[:0]
}

func (w *snapshotWriter) number(v uint64) { w.b = binary.AppendUvarint(w.b, v) }

func (w *snapshotWriter) text(s string) {
	w.b = appendText(w.b, s)
	w.flush(32 << 10)
}

func (w *snapshotWriter) write(m *Machine) {
	w.b = append(append(w.b, snapshotMagic...), snapshotVersion)
	var closed uint64
	if m.closed {
		closed = 1
	}
	for _, v := range []uint64{m.lastEntry, m.lastNumber, m.lastEvent, m.handedOver, closed, m.log.base, uint64(m.log.dead), uint64(len(m.log.entries))} {
		w.number(v)
	}
	for _, e := range m.log.entries {
		w.number(uint64(e.size))
		w.flush(32 << 10)
	}
	for _, x := range []*index{m.objects, m.uploads, m.parts} {
		w.number(uint64(x.Len()))
		x.Scan(func(it item) bool {
			w.number(uint64(it.key))
			w.text(it.text)
			return w.err == nil
		})
	}
	w.number(uint64(len(m.pending)))
	for _, p := range m.pending {
		w.number(p.number)
		w.number(p.entry)
		w.text(p.data)
	}
	w.flush(0)
	w.b = binary.BigEndian.AppendUint32(w.b, w.sum.Sum32())
	w.flush(0)
}

// Restore reads a snapshot. The machine that it returns goes on with the entries behind
// its LastEntry. Errors are ErrDamagedEntry, ErrUnknownVersion and those of reading: the
// log has to be read from its start then.
func Restore(secret [16]byte, from io.Reader) (*Machine, error) {
	r := &snapshotReader{from: bufio.NewReaderSize(from, 256<<10), sum: crc32.New(castagnoli)}
	if head := r.bytes(len(snapshotMagic) + 1); r.err == nil && string(head[:len(snapshotMagic)]) != snapshotMagic {
		r.err = ErrDamagedEntry
	} else if r.err == nil && head[len(snapshotMagic)] != snapshotVersion {
		r.err = ErrUnknownVersion
	}
	m := New(secret)
	r.read(m)
	want := r.sum.Sum32()
	if sum := r.bytes(4); r.err == nil && binary.BigEndian.Uint32(sum) != want {
		r.err = ErrDamagedEntry
	}
	if r.err != nil {
		return nil, fmt.Errorf("reading a snapshot: %w", r.err)
	}
	return m, nil
}

type snapshotReader struct {
	from *bufio.Reader
	sum  hash.Hash32
	b    []byte
	one  [1]byte
	err  error
}

// ReadByte makes a snapshotReader an io.ByteReader.
func (r *snapshotReader) ReadByte() (byte, error) {
	c, err := r.from.ReadByte()
	r.one[0] = c
	r.sum.Write(r.one[:])
	return c, err
}

func (r *snapshotReader) number() uint64 {
	if r.err != nil {
		return 0
	}
	v, err := binary.ReadUvarint(r)
	r.fail(err)
	return v
}

func (r *snapshotReader) fail(err error) {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = fmt.Errorf("%w: truncated", ErrDamagedEntry)
	}
	if r.err == nil {
		r.err = err
	}
}

// bytes reads n bytes, which are valid until the next call.
func (r *snapshotReader) bytes(n int) []byte {
	if n > maxText {
		r.fail(ErrDamagedEntry)
		n = 0
	}
	r.b = slices.Grow(r.b[:0], n)[:n]
	if r.err == nil {
		_, err := io.ReadFull(r.from, r.b)
		r.fail(err)
		r.sum.Write(r.b)
	}
	return r.b
}

// maxText is more than an item or an event can have, in bytes.
const maxText = 1 << 20

func (r *snapshotReader) text() string { return string(r.bytes(int(min(r.number(), maxText+1)))) }

func (r *snapshotReader) read(m *Machine) {
	m.lastEntry, m.lastNumber, m.lastEvent, m.handedOver = r.number(), r.number(), r.number(), r.number()
	m.closed = r.number() != 0
	m.log.base, m.log.dead = r.number(), int64(r.number())
	for range r.number() {
		if r.err != nil {
			return
		}
		e := entryUsage{size: int32(r.number())}
		m.log.entries = append(m.log.entries, e)
		m.log.total += int64(e.size)
	}
	for _, x := range []*index{m.objects, m.uploads, m.parts} {
		r.items(m, x)
	}
	for range r.number() {
		if r.err != nil {
			return
		}
		p := pendingEvent{r.number(), r.number(), r.text()}
		m.pending = append(m.pending, p)
		m.holdEvent(p, +1)
	}
}

func (r *snapshotReader) items(m *Machine, x *index) {
	key := ""
	for i := range r.number() {
		n := r.number()
		it := item{r.text(), int(n)}
		if size := uint64(len(it.text)); n > size || n+orderBytes+2 > size {
			r.fail(ErrDamagedEntry)
		}
		if r.err != nil {
			return
		}
		x.Load(it)
		m.hold(x, it, +1)
		if x == m.objects && i > 0 && it.name() == key && it.flags()&flagNull != 0 {
			m.nulls[it.name()] = numberOf(it)
		}
		key = it.name()
	}
}
