package jetobject

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// checkpoints are which entry of each log was acknowledged last, in a file beside the store:
// JetStream may lose the end of a stream, or all of it, without an error. A checkpoint is
// written before anybody is answered, and outlives the process.
//
// Each bucket has a slot of two halves, which are written in turn: who is killed while one is
// written has the other. A nil *checkpoints keeps nothing.
type checkpoints struct {
	file *os.File

	mu    sync.Mutex
	slots map[uint64]*slot // by generation
	free  []int64
	size  int64 // of the file
}

// A slot has the checkpoints of one bucket. Its leader writes them.
type slot struct {
	file *os.File
	at   int64
	turn uint64 // of the half that was written last
	last uint64
}

const (
	halfSize = 32 // bytes: generation, turn, last entry, checksum
	slotSize = 2 * halfSize
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// openCheckpoints opens the file in a folder, or makes it; "" for none.
func openCheckpoints(dir string) (*checkpoints, error) {
	if dir == "" {
		return nil, nil
	}
	err := os.MkdirAll(dir, 0o700)
	var f *os.File
	if err == nil {
		f, err = os.OpenFile(filepath.Join(dir, "checkpoints"), os.O_RDWR|os.O_CREATE, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the checkpoints of buckets: %w", err)
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reading the checkpoints of buckets: %w", err), f.Close())
	}
	c := &checkpoints{file: f, slots: map[uint64]*slot{}}
	for ; c.size+slotSize <= int64(len(text)); c.size += slotSize {
		s := &slot{file: f, at: c.size}
		if generation := s.read(text[c.size:]); generation != 0 && c.slots[generation] == nil {
			c.slots[generation] = s
		} else {
			c.free = append(c.free, c.size)
		}
	}
	return c, nil
}

// read takes the newer half of a slot, and returns the bucket's generation; 0 when the slot is
// free.
func (s *slot) read(text []byte) (generation uint64) {
	for i := range 2 {
		half := text[i*halfSize:][:halfSize]
		turn := binary.LittleEndian.Uint64(half[8:])
		if binary.LittleEndian.Uint64(half[24:]) == checksumOf(half) && turn > s.turn {
			generation, s.turn, s.last = binary.LittleEndian.Uint64(half), turn, binary.LittleEndian.Uint64(half[16:])
		}
	}
	return generation
}

// checksumOf is never 0, so that an empty half is none.
func checksumOf(half []byte) uint64 { return uint64(crc32.Checksum(half[:24], castagnoli))<<1 | 1 }

// slot returns the slot of a bucket. It takes room on the disk the first time.
func (c *checkpoints) slot(generation uint64) (*slot, error) {
	if c == nil {
		return nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.slots[generation]; s != nil {
		return s, nil
	}
	s := &slot{file: c.file, at: c.size}
	if n := len(c.free); n > 0 {
		s.at, c.free = c.free[n-1], c.free[:n-1]
	} else if _, err := c.file.WriteAt(make([]byte, slotSize), c.size); err != nil {
		return nil, fmt.Errorf("writing the checkpoint of a bucket: %w", err)
	} else {
		c.size += slotSize
	}
	c.slots[generation] = s
	return s, nil
}

// last is which entry of a bucket's log was acknowledged last; 0 when that is not known.
func (c *checkpoints) last(generation uint64) uint64 {
	if c == nil {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.slots[generation]; s != nil {
		return s.last
	}
	return 0
}

// write writes a checkpoint. A nil slot keeps nothing.
func (s *slot) write(generation, last uint64) error {
	if s == nil || s.last == last && s.turn > 0 {
		return nil
	}
	s.turn++
	var half [halfSize]byte
	binary.LittleEndian.PutUint64(half[:], generation)
	binary.LittleEndian.PutUint64(half[8:], s.turn)
	binary.LittleEndian.PutUint64(half[16:], last)
	binary.LittleEndian.PutUint64(half[24:], checksumOf(half[:]))
	if _, err := s.file.WriteAt(half[:], s.at+int64(s.turn%2)*halfSize); err != nil {
		return fmt.Errorf("writing the checkpoint of a bucket: %w", err)
	}
	s.last = last
	return nil
}

// remove frees the slot of a bucket that is deleted.
func (c *checkpoints) remove(generation uint64) error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.slots[generation]
	if s == nil {
		return nil
	}
	delete(c.slots, generation)
	if _, err := c.file.WriteAt(make([]byte, slotSize), s.at); err != nil {
		return fmt.Errorf("removing the checkpoint of a bucket: %w", err)
	}
	c.free = append(c.free, s.at)
	return nil
}

// retain frees the slots of all other buckets.
func (c *checkpoints) retain(isThere func(generation uint64) bool) (err error) {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	var gone []uint64
	for generation := range c.slots {
		if !isThere(generation) {
			gone = append(gone, generation)
		}
	}
	c.mu.Unlock()
	for _, generation := range gone {
		err = errors.Join(err, c.remove(generation))
	}
	return err
}

func (c *checkpoints) close() error {
	if c == nil {
		return nil
	}
	return c.file.Close()
}
