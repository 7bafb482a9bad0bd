// Package disk keeps a data folder working when its disk is full.
//
// A [Space] refuses new data while little is free, and sets a part of the disk aside,
// in a file named reserve. A receive, a delete or a purge also writes a little before
// it frees room: it calls [Space.Drain] first, which releases the reserve when the
// disk has no room even for that, as when another program has filled it.
//
// It promises that a full folder can be drained, also after a restart, unless another
// program takes the reserve's room in the moment in which it is released.
package disk

import (
	random "crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"millrace/runtime/capacity"
	"millrace/runtime/fault"
)

// The reserve is a sixteenth of the disk, within these bounds. Sends leave as much
// free again. Both minimums together are enough to rewrite a log's block of which half
// is still live; see runtime/store/backbone/DESIGN.md.
const (
	share       = 16
	minReserve  = 3 << 20
	maxReserve  = 16 << 20
	reserveName = "reserve"
)

// A Space is the room on the disk of one folder. It implements capacity.Limit.
type Space struct {
	capacity.Gauge
	dir     string
	usage   func(dir string) (free, total int64, err error)
	reserve int64 // bytes: the size of the reserve, and how much more must be free to accept data
	log     *slog.Logger

	spare   atomic.Int64 // bytes that may be written without another look at the disk
	drained atomic.Int64 // until then, in nanoseconds since began

	mu   sync.Mutex // guards held, and the file
	held bool       // the reserve is there
}

var began = time.Now()

// Open looks at the disk of a folder, and allocates the reserve if there is room
// for it. When the disk is full it releases an existing one. log may be nil.
func Open(dir string, log *slog.Logger) (*Space, error) { return open(dir, log, usage) }

func open(dir string, log *slog.Logger, usage func(string) (int64, int64, error)) (*Space, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	free, total, err := usage(dir)
	if err != nil {
		return nil, fmt.Errorf("asking how much of the disk of %s is free: %w", dir, err)
	}
	s := &Space{dir: dir, usage: usage, reserve: min(max(total/share, minReserve), maxReserve), log: log}
	s.Gauge = capacity.Gauge{Measure: s.measure, Log: log, Recovered: "the disk has room again: sends are accepted"}
	info, err := os.Stat(s.path())
	s.held = err == nil && info.Size() >= s.reserve
	switch {
	case s.held && free < s.floor():
		s.release()
	case !s.held && free >= 3*s.reserve:
		s.allocateReserve()
	}
	return s, nil
}

func (s *Space) path() string { return filepath.Join(s.dir, reserveName) }

// floor is what has to be free beside what is about to be written.
func (s *Space) floor() int64 { return s.reserve / 8 }

// measure implements the Gauge.
func (s *Space) measure(full bool) (int64, error) {
	free, total, err := s.usage(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil // the folder is gone: not for want of room, and for others to say
	}
	if err != nil {
		return 0, fault.State(err, "The disk of %s cannot be asked how much is free.", s.dir)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	threshold := s.reserve
	if full {
		threshold += s.reserve / 4
	}
	if !s.held {
		threshold += s.reserve
		if free >= threshold+s.reserve/4 && s.allocateReserve() {
			free -= s.reserve
			threshold -= s.reserve
		}
	}
	if free < threshold {
		return 0, fault.State(nil, "The disk of %s is full: %s of %s are free, and %s are kept to receive and delete messages. "+
			"Delete messages or queues, or make room on the disk; until then sends are refused.",
			s.dir, capacity.Size(free), capacity.Size(total), capacity.Size(threshold))
	}
	return min(free-threshold, s.reserve/2), nil
}

// Changes is a limit for writes that replace or move data. They store nothing more in
// the end, yet the log grows with each of them until it is compacted. So they go on for
// a while when sends are refused, and stop before they use the room that draining needs.
// The Changes of a nil Space admit everything.
func (s *Space) Changes() capacity.Limit {
	if s == nil {
		return capacity.Gate(nil)
	}
	return changes{s}
}

type changes struct{ *Space }

// Admit implements capacity.Limit.
func (c changes) Admit(bytes int) error {
	err := c.Space.Admit(0)
	if err == nil {
		return nil
	}
	free, _, failed := c.usage(c.dir)
	if failed != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	threshold := c.reserve / 2
	if !c.held {
		threshold += c.reserve
	}
	if free-int64(bytes) < threshold {
		return err
	}
	return nil
}

// Drain is called before a write of at most that many bytes that frees room or leads
// to a write that does. It reports whether there is room for it, and releases the reserve
// if need be. It is cheap. A nil Space always reports true.
func (s *Space) Drain(bytes int64) bool {
	if s == nil {
		return true
	}
	now := int64(time.Since(began))
	if s.spare.Add(-bytes) >= 0 && now < s.drained.Load() {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	free, _, err := s.usage(s.dir)
	if err != nil {
		return true // the write will say what is wrong
	}
	if free < bytes+s.floor() && s.held && s.release() {
		free += s.reserve
	}
	s.spare.Store(free - bytes - s.floor())
	s.drained.Store(now + int64(drainAgain))
	return free >= bytes
}

// drainAgain is how long Drain relies on its last reading of the disk.
const drainAgain = 5 * time.Millisecond

// release frees the reserve. Called with mu held, or by Open.
func (s *Space) release() bool {
	if err := os.Truncate(s.path(), 0); err != nil {
		s.log.Error("the disk reserve could not be released", "err", err)
		return false
	}
	s.held = false
	s.log.Warn("the disk is nearly full: its reserve is released to receive and delete messages", "bytes", s.reserve)
	return true
}

// allocateReserve allocates the reserve. Called with mu held, or by Open.
func (s *Space) allocateReserve() bool {
	f, err := os.OpenFile(s.path(), os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		err = allocate(f, s.reserve)
		if e := f.Close(); err == nil {
			err = e
		}
	}
	if err != nil {
		s.log.Warn("the disk reserve could not be allocated", "err", err)
		os.Truncate(s.path(), 0) // there may be a part of it
		return false
	}
	s.held = true
	return true
}

// fill allocates by writing, where the system has no call for it, or the file
// system does not know it. What it writes does not compress.
func fill(f *os.File, size int64) error {
	block := make([]byte, 64<<10)
	for at := int64(0); at < size; at += int64(len(block)) {
		random.Read(block) // never fails
		if _, err := f.WriteAt(block[:min(int64(len(block)), size-at)], at); err != nil {
			return err
		}
	}
	return nil
}
