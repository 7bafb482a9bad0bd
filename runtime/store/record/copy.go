package record

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"millrace/runtime/fault"
	"millrace/runtime/store/atomicfile"
)

// Copies are a second copy of every record, in one journal. Records are few and
// rarely written, and everything hangs on them: when the file of the bucket is
// damaged, they are put back from here.
type Copies struct {
	Dir string
	// Restored is told which records were lost in the bucket and are put back now,
	// which its error prevents; nil for nobody.
	Restored func(kind, key string) error
	// Failed is told of a copy that could not be written. The record counts, since
	// the bucket has it; its copy is tried again with the next one, and at Close. nil
	// for nobody.
	Failed func(kind, key string, err error)
	// Intact is asked before a record is written or removed, and once the bucket has
	// acknowledged that: an error says that the next start will not find it, and is
	// what the caller gets. nil for nobody.
	Intact func() error

	journal journal
	bucket  []byte // what tells the bucket from another of its name

	mu     sync.Mutex      // guards behind
	behind map[string]bool // keys of the bucket whose copies are older
}

// journalName is the file of the copies, in their folder.
const journalName = "journal"

// intact returns what Copies.Intact says.
func (s *Store) intact() error {
	if s.copies == nil || s.copies.Intact == nil {
		return nil
	}
	return s.copies.Intact()
}

// keep writes the copy of a record as the mirror has it. A process that is killed
// in between leaves an older copy, which the next start sees to.
func (s *Store) keep(wire string) {
	if s.copies == nil {
		return
	}
	if kind, key, ok := parseKey(wire); ok {
		s.note(s.row(kind, key).entry(wire))
	}
}

// note writes an entry, reports whether that succeeded, and tells when it fails
// for the first time.
func (s *Store) note(e entry) bool {
	c := s.copies
	err := c.journal.append(e.appendTo(nil))
	if c.news(e.key, err) && c.Failed != nil {
		kind, key, _ := parseKey(e.key)
		c.Failed(kind, key, err)
	}
	return err == nil
}

// news reports whether a copy is behind that was not. What is written after a
// failure has all that is behind.
func (c *Copies) news(wire string, err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.behind = nil
		return false
	}
	if c.behind[wire] {
		return false
	}
	if c.behind == nil {
		c.behind = map[string]bool{}
	}
	c.behind[wire] = true
	return true
}

func (r *row) entry(wire string) entry {
	if r.gone {
		return entry{op: removed, revision: r.revision, key: wire}
	}
	return entry{op: kept, revision: r.revision, key: wire, value: r.encoded()}
}

// snapshot is a journal of what the mirror has. What is about to be removed is not
// among it.
func (s *Store) snapshot() []byte {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b := make([]byte, 0, s.copies.journal.whole+s.copies.journal.whole/8)
	for name, k := range s.kinds {
		for key, r := range k.rows {
			if wire := wireKey(name, key); !r.gone && !s.leaving[wire] {
				b = r.entry(wire).appendTo(b)
			}
		}
	}
	return entry{op: complete, revision: s.highest, value: s.copies.bucket}.appendTo(b)
}

// match brings copies and bucket together: what the bucket has lost is put back,
// what it has though it was deleted is removed, and what the copies lack is
// written.
func (s *Store) match(ctx context.Context) error {
	c := s.copies
	stream, err := s.js.Stream(ctx, stream)
	if err != nil {
		return err
	}
	c.bucket = strconv.AppendInt(nil, stream.CachedInfo().Created.UnixNano(), 10)
	c.journal.path, c.journal.all = filepath.Join(c.Dir, journalName), s.snapshot
	had, err := c.read()
	if err != nil {
		return err
	}
	same := 0
	for wire, e := range had.entries {
		kind, key, ok := parseKey(wire)
		if !ok || e.op != kept {
			continue
		}
		if r := s.row(kind, key); r.revision >= e.revision {
			if r.there() && r.revision == e.revision {
				same++
			}
			continue
		}
		had.stale = true
		if c.Restored != nil {
			if err := c.Restored(kind, key); err != nil {
				return err
			}
		}
		value := slices.Clone(e.value) // out of the journal
		revision, err := s.kv.Put(ctx, wire, value)
		if err != nil {
			return fault.Wrap(fault.Unavailable, err, "putting %s %s back", kind, key)
		}
		s.set(wire, rowOf(value, revision))
	}
	differ := map[string]*row{}
	if same < s.count() {
		differ = s.all() // which takes a while when there are many
	}
	for wire, r := range differ {
		e, known := had.entries[wire]
		switch {
		case !r.gone && had.deleted(wire, r):
			if err := s.finish(ctx, wire, r.revision); err != nil {
				return err
			}
			had.stale = true
		case r.gone && known && e.op == kept, !r.gone && (!known || e.revision != r.revision):
			c.behind[wire] = true
		}
	}
	if had.stale || len(c.behind) > 0 {
		err := c.journal.renew(true)
		for wire := range c.behind {
			if kind, key, ok := parseKey(wire); ok && err != nil && c.Failed != nil {
				c.Failed(kind, key, err)
			}
		}
		if err != nil {
			return nil // as when a record is written: it counts
		}
		c.behind = nil
	}
	return c.dropFiles()
}

// finish removes what was deleted, and what came back of it.
func (s *Store) finish(ctx context.Context, wire string, revision uint64) error {
	if err := s.purge(ctx, wire, revision); err != nil && !errors.Is(err, errOther) {
		return fault.Wrap(fault.Unavailable, err, "removing %s, which was deleted", wire)
	}
	s.drop(wire)
	return nil
}

// isBehind reports whether a copy is older than its record.
func (c *Copies) isBehind(wire string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.behind[wire]
}

// had is what the copies had at the start.
type had struct {
	entries map[string]entry // the newest by key
	stale   bool             // the journal is to be written anew
	same    bool             // it is of this bucket
	upTo    uint64           // all that the bucket had up to this revision is among entries; 0 for unknown
}

// deleted reports whether a record that the bucket has was deleted all the same:
// the bucket forgets a deletion when its files are damaged, or were not synced.
func (h *had) deleted(wire string, r *row) bool {
	e, known := h.entries[wire]
	if known {
		return e.op == removed && h.same && r.revision <= e.revision
	}
	return r.revision <= h.upTo
}

// read returns what the copies have. One that is damaged is left out: it is
// written anew when there is such a record.
func (c *Copies) read() (*had, error) {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, err
	}
	unfinished, err := filepath.Glob(filepath.Join(c.Dir, ".*"+atomicfile.Unfinished))
	if err != nil {
		return nil, err
	}
	for _, f := range unfinished { // of a process that was killed
		if err := os.Remove(f); err != nil {
			return nil, err
		}
	}
	c.behind = map[string]bool{}
	h := &had{entries: map[string]entry{}}
	b, err := os.ReadFile(c.journal.path)
	if errors.Is(err, fs.ErrNotExist) {
		h.stale = true
		return h, c.readFiles(h)
	}
	if err != nil {
		return nil, err
	}
	var highest uint64
	whole := entries(b, func(e entry) {
		highest = max(highest, e.revision)
		switch e.op {
		case complete:
			h.same = string(e.value) == string(c.bucket)
		case kept, removed:
			if h.entries[e.key].revision <= e.revision {
				h.entries[e.key] = e
			}
			h.stale = h.stale || e.op == removed
		}
	})
	if whole && h.same {
		h.upTo = highest
	}
	h.stale = h.stale || !whole || !h.same
	c.journal.size, c.journal.whole = len(b), len(b)
	return h, nil
}

// A copied is what the file of a record held, when there was one for each.
type copied struct {
	Key      string `json:"key"` // as in the bucket
	Revision uint64 `json:"revision"`
	Value    []byte `json:"value"`
	Sum      string `json:"sum"` // SHA-256 of Value
}

func (k copied) whole() bool {
	sum := sha256.Sum256(k.Value)
	return k.Key != "" && hex.EncodeToString(sum[:]) == k.Sum
}

// readFiles reads the copies of a version that had no journal.
func (c *Copies) readFiles(h *had) error {
	files, err := filepath.Glob(filepath.Join(c.Dir, "*.json"))
	if err != nil {
		return err
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		var k copied
		if json.Unmarshal(b, &k) == nil && k.whole() {
			h.entries[k.Key] = entry{kept, k.Revision, k.Key, k.Value}
		}
	}
	return nil
}

// dropFiles removes those files once the journal has what they had.
func (c *Copies) dropFiles() error {
	files, err := filepath.Glob(filepath.Join(c.Dir, "*.json"))
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := os.Remove(f); err != nil {
			return err
		}
	}
	return nil
}
