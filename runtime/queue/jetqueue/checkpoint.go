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

// A checkpoint is what the log of a queue held when its last entry was acknowledged.
// It is kept outside JetStream, because JetStream may lose the end of a stream, or
// all of it, without an error.
type checkpoint struct {
	known        bool
	lastEntry    uint64 // the last acknowledged entry
	nextNumber   uint64 // of the next message
	lastTransfer uint64 // number of the last transfer
	messages     int    // how many there are
	firstLive    uint64 // the first live entry
	idle         bool   // nothing is to be done before a caller comes
}

// idleBit is stored as the highest bit of messages. Older versions never set it:
// their queues do not count as idle.
const idleBit = 1 << 63

// checkpointOf is the checkpoint of a machine whose log ends with the entry last.
func checkpointOf(m *queue.Machine, last uint64) checkpoint {
	at := checkpoint{known: true, lastEntry: last, idle: !m.HasTransfers()}
	at.nextNumber, at.lastTransfer, at.messages, at.firstLive = m.Counters()
	return at
}

// A checkpointFile is a memory-mapped file of slots, one for each queue. Writing a
// checkpoint costs nanoseconds, and it survives the process. A slot has two halves
// that are written alternately, so a process killed during a write leaves the
// previous half intact. Invalid halves are ignored; without a valid one it is
// unknown what the log held.
//
// A nil *checkpointFile keeps nothing.
type checkpointFile struct {
	file *os.File

	mu     sync.Mutex // guards the fields below
	chunks [][]byte   // the mapped file
	slots  map[uint64][]byte
	free   [][]byte
}

const (
	halfSize  = 64 // bytes: generation, write count, last entry, next number, last transfer, messages, first live entry, checksum
	slotSize  = 2 * halfSize
	chunkSize = 64 << 10
)

// openCheckpoints opens the file at path, or creates it. Slots of unknown queues
// stay until retain.
func openCheckpoints(path string) (*checkpointFile, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the checkpoints of queues: %w", err)
	}
	m := &checkpointFile{file: f, slots: map[uint64][]byte{}}
	info, err := f.Stat()
	for size := int64(0); err == nil && size < info.Size(); size += chunkSize {
		err = m.grow()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reading the checkpoints of queues: %w", err), m.close())
	}
	return m, nil
}

// grow maps the next chunk of the file. It writes the chunk if it is new: a write to
// a mapped page fails hard when the disk has no space for it.
func (m *checkpointFile) grow() error {
	at := int64(len(m.chunks)) * chunkSize
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
	m.chunks = append(m.chunks, chunk)
	for i := 0; i < chunkSize; i += slotSize {
		slot := chunk[i : i+slotSize]
		generation, _, ok := readSlot(slot)
		if _, twice := m.slots[generation]; !ok || twice {
			m.free = append(m.free, slot)
			continue
		}
		m.slots[generation] = slot
	}
	return nil
}

// retain frees the slots of all other queues.
func (m *checkpointFile) retain(there func(generation uint64) bool) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for generation, slot := range m.slots {
		if !there(generation) {
			m.freeSlot(generation, slot)
		}
	}
}

func (m *checkpointFile) freeSlot(generation uint64, slot []byte) {
	clear(slot)
	delete(m.slots, generation)
	m.free = append(m.free, slot)
}

// remove frees the slot of a deleted queue.
func (m *checkpointFile) remove(generation uint64) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if slot := m.slots[generation]; slot != nil {
		m.freeSlot(generation, slot)
	}
}

// get returns the checkpoint of a queue.
func (m *checkpointFile) get(generation uint64) checkpoint {
	if m == nil {
		return checkpoint{}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if slot := m.slots[generation]; slot != nil {
		if _, at, ok := readSlot(slot); ok {
			return at
		}
	}
	return checkpoint{}
}

// slot returns where the checkpoints of a queue are written, with [writeCheckpoint];
// nil when there is no space.
func (m *checkpointFile) slot(generation uint64) []byte {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	slot := m.slots[generation]
	if slot == nil {
		if len(m.free) == 0 && m.grow() != nil {
			return nil
		}
		last := len(m.free) - 1
		slot, m.free = m.free[last], m.free[:last]
		m.slots[generation] = slot
	}
	return slot
}

// writeCheckpoint writes a checkpoint over the older half of a slot. Only the owner
// of the queue calls it. A nil slot is ignored.
func writeCheckpoint(slot []byte, generation uint64, at checkpoint) {
	if slot == nil {
		return
	}
	a, transfers := writeCountOf(slot[:halfSize], generation), writeCountOf(slot[halfSize:], generation)
	half := slot[:halfSize]
	if a > transfers {
		half = slot[halfSize:]
	}
	alive := uint64(at.messages)
	if at.idle {
		alive |= idleBit
	}
	var buf [halfSize]byte
	for i, v := range [...]uint64{generation, max(a, transfers) + 1, at.lastEntry, at.nextNumber, at.lastTransfer, alive, at.firstLive} {
		binary.LittleEndian.PutUint64(buf[8*i:], v)
	}
	binary.LittleEndian.PutUint64(buf[halfSize-8:], checksumOf(buf[:]))
	copy(half, buf[:])
}

func checksumOf(half []byte) uint64 {
	return uint64(crc32.Checksum(half[:halfSize-8], castagnoli))<<32 | 1 // never 0, so that an empty half is invalid
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// writeCountOf is the write count of a half: 0 when the half is invalid.
func writeCountOf(half []byte, generation uint64) uint64 {
	if binary.LittleEndian.Uint64(half) != generation || binary.LittleEndian.Uint64(half[halfSize-8:]) != checksumOf(half) {
		return 0
	}
	return binary.LittleEndian.Uint64(half[8:])
}

// readSlot returns the newer valid half. When the newest half is damaged, the
// checkpoint is older than the log, which is harmless: it then asks for less than
// the log holds.
func readSlot(slot []byte) (generation uint64, at checkpoint, ok bool) {
	var turn uint64
	for half := range [...]int{0, 1} {
		b := slot[half*halfSize : (half+1)*halfSize]
		s := binary.LittleEndian.Uint64(b)
		t := writeCountOf(b, s)
		if t <= turn || s == 0 {
			continue
		}
		field := func(i int) uint64 { return binary.LittleEndian.Uint64(b[8*i:]) }
		turn, generation, ok = t, s, true
		at = checkpoint{known: true, lastEntry: field(2), nextNumber: field(3), lastTransfer: field(4), messages: int(field(5) &^ idleBit), firstLive: field(6), idle: field(5)&idleBit != 0}
	}
	return generation, at, ok
}

func (m *checkpointFile) close() (err error) {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, chunk := range m.chunks {
		err = errors.Join(err, unmap(chunk))
	}
	m.chunks, m.slots, m.free = nil, nil, nil
	if m.file != nil {
		err = errors.Join(err, m.file.Close())
		m.file = nil
	}
	return err
}
