package jetqueue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"sync"

	"millrace/runtime/queue"
)

// A mark is what the log of a queue was known to hold when its last entry was
// acknowledged. It is kept outside JetStream: JetStream may lose the end of a
// stream, or all of it, without a word.
type mark struct {
	known  bool
	last   uint64 // the last acknowledged entry
	next   uint64 // the number of the next message
	burial uint64 // the last burial
	alive  int    // messages
	base   uint64 // the first entry that counts
	rests  bool   // nothing is to be done before somebody asks
}

// The highest bit of a mark's alive is its rests. Marks of versions that had none are
// not at rest, as far as one knows.
const atRest = 1 << 63

// markOf is the mark of a machine whose log ends with entry last.
func markOf(m *queue.Machine, last uint64) mark {
	at := mark{known: true, last: last, rests: !m.HasTransfers()}
	at.next, at.burial, at.alive, at.base = m.Counters()
	return at
}

// marks is a file of slots, one for each queue, that is mapped into memory: to
// set a mark costs nanoseconds, and it outlives the process. A slot has two
// halves that are written in turn, so a process that is killed while it writes
// leaves the half before. A half that makes no sense is taken for none: then it
// is not known what the log held, and the mark says nothing.
//
// A nil marks keeps nothing.
type marks struct {
	file *os.File

	mu    sync.Mutex // guards what follows
	maps  [][]byte   // chunks of the file
	slots map[uint64][]byte
	free  [][]byte
}

const (
	halfSize  = 64 // source, turn, last, next, burial, alive, base, checksum
	slotSize  = 2 * halfSize
	chunkSize = 64 << 10
)

// openMarks opens the file at path, or makes it. Marks of queues that are not
// known are cleared by keep.
func openMarks(path string) (*marks, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the marks of queues: %w", err)
	}
	m := &marks{file: f, slots: map[uint64][]byte{}}
	info, err := f.Stat()
	for size := int64(0); err == nil && size < info.Size(); size += chunkSize {
		err = m.grow()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reading the marks of queues: %w", err), m.close())
	}
	return m, nil
}

// grow maps the next chunk of the file, and fills up what is not there: room
// that the disk only promised could be missing when it is written to.
func (m *marks) grow() error {
	at := int64(len(m.maps)) * chunkSize
	buf := make([]byte, chunkSize)
	n, err := m.file.ReadAt(buf, at)
	if err != nil && err != io.EOF {
		return err
	}
	if n < chunkSize {
		if _, err := m.file.WriteAt(buf, at); err != nil {
			return err
		}
	}
	chunk, err := mapFile(m.file, at, chunkSize)
	if err != nil {
		return err
	}
	m.maps = append(m.maps, chunk)
	for i := 0; i < chunkSize; i += slotSize {
		slot := chunk[i : i+slotSize]
		source, _, ok := readSlot(slot)
		if _, twice := m.slots[source]; !ok || twice {
			m.free = append(m.free, slot)
			continue
		}
		m.slots[source] = slot
	}
	return nil
}

// keep frees the slots of queues that are not there.
func (m *marks) keep(there func(source uint64) bool) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for source, slot := range m.slots {
		if !there(source) {
			m.drop(source, slot)
		}
	}
}

func (m *marks) drop(source uint64, slot []byte) {
	clear(slot)
	delete(m.slots, source)
	m.free = append(m.free, slot)
}

// forget frees the slot of a queue that is deleted.
func (m *marks) forget(source uint64) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if slot := m.slots[source]; slot != nil {
		m.drop(source, slot)
	}
}

// get returns the mark of a queue.
func (m *marks) get(source uint64) mark {
	if m == nil {
		return mark{}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if slot := m.slots[source]; slot != nil {
		if _, at, ok := readSlot(slot); ok {
			return at
		}
	}
	return mark{}
}

// slot returns where the marks of a queue are written, with [setMark]; nil when
// there is no room.
func (m *marks) slot(source uint64) []byte {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	slot := m.slots[source]
	if slot == nil {
		if len(m.free) == 0 && m.grow() != nil {
			return nil
		}
		last := len(m.free) - 1
		slot, m.free = m.free[last], m.free[:last]
		m.slots[source] = slot
	}
	return slot
}

// setMark writes a mark over the older half of a slot. Only the owner of the
// queue does. A nil slot takes nothing.
func setMark(slot []byte, source uint64, at mark) {
	if slot == nil {
		return
	}
	a, b := turnOf(slot[:halfSize], source), turnOf(slot[halfSize:], source)
	half := slot[:halfSize]
	if a > b {
		half = slot[halfSize:]
	}
	alive := uint64(at.alive)
	if at.rests {
		alive |= atRest
	}
	var buf [halfSize]byte
	for i, v := range [...]uint64{source, max(a, b) + 1, at.last, at.next, at.burial, alive, at.base} {
		binary.LittleEndian.PutUint64(buf[8*i:], v)
	}
	binary.LittleEndian.PutUint64(buf[halfSize-8:], check(buf[:]))
	copy(half, buf[:])
}

func check(half []byte) uint64 {
	return uint64(crc32.Checksum(half[:halfSize-8], castagnoli))<<32 | 1 // an empty half is not a mark
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// turnOf is which write of its slot a half is: 0 when it makes no sense.
func turnOf(half []byte, source uint64) uint64 {
	if binary.LittleEndian.Uint64(half) != source || binary.LittleEndian.Uint64(half[halfSize-8:]) != check(half) {
		return 0
	}
	return binary.LittleEndian.Uint64(half[8:])
}

// readSlot returns the younger half that makes sense. When the other one is
// damaged, the mark is possibly too old, which is no harm: it then asks for less
// than the log holds.
func readSlot(slot []byte) (source uint64, at mark, ok bool) {
	var turn uint64
	for half := range [...]int{0, 1} {
		b := slot[half*halfSize : (half+1)*halfSize]
		s := binary.LittleEndian.Uint64(b)
		t := turnOf(b, s)
		if t <= turn || s == 0 {
			continue
		}
		field := func(i int) uint64 { return binary.LittleEndian.Uint64(b[8*i:]) }
		turn, source, ok = t, s, true
		at = mark{known: true, last: field(2), next: field(3), burial: field(4), alive: int(field(5) &^ atRest), base: field(6), rests: field(5)&atRest != 0}
	}
	return source, at, ok
}

func (m *marks) close() (err error) {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, chunk := range m.maps {
		err = errors.Join(err, unmap(chunk))
	}
	m.maps, m.slots, m.free = nil, nil, nil
	if m.file != nil {
		err = errors.Join(err, m.file.Close())
		m.file = nil
	}
	return err
}
