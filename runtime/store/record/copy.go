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

// Copies are a second copy of every record, in one journal. Records are few, rarely
// written and vital: when the file of the bucket is damaged they are restored from here.
type Copies struct {
	Dir string
	// OnRestore is called before a record that the bucket has lost is restored, which an
	// error prevents; nil for none.
	OnRestore func(kind, key string) error
	// OnFailure is called when a copy could not be written; nil for none. The record is
	// stored in the bucket all the same. Its copy is retried with the next one, and at
	// Stop.
	OnFailure func(kind, key string, err error)
	// Intact is called before a record is written or removed, and again once the bucket has
	// acknowledged the write; nil for none. An error means that the next start will not find
	// the write. It is returned to the caller.
	Intact func() error

	journal journal
	bucket  []byte // identifies the bucket, as opposed to another of the same name

	mu     sync.Mutex      // guards behind
	behind map[string]bool // bucket keys whose copies are out of date
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

// writeCopy writes the mirror's row to the journal. After a crash before that the copy is
// out of date; the next start corrects it.
func (s *Store) writeCopy(wire string) {
	if s.copies == nil {
		return
	}
	if kind, key, ok := parseKey(wire); ok {
		s.appendEntry(s.row(kind, key).entry(wire))
	}
}

// appendEntry writes an entry, reports whether that succeeded, and calls OnFailure at the
// first failure of a key.
func (s *Store) appendEntry(e entry) bool {
	c := s.copies
	err := c.journal.append(e.appendTo(nil))
	if c.setBehind(e.key, err) && c.OnFailure != nil {
		kind, key, _ := parseKey(e.key)
		c.OnFailure(kind, key, err)
	}
	return err == nil
}

// setBehind records the result of a write, and reports whether a copy is out of date that
// was not before. A successful write after a failure contains all copies.
func (c *Copies) setBehind(wire string, err error) bool {
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
	if r.deleted {
		return entry{op: opRemoved, revision: r.revision, key: wire}
	}
	return entry{op: opSet, revision: r.revision, key: wire, value: r.encoded()}
}

// snapshot is a journal of the mirror, without records that are being removed.
func (s *Store) snapshot() []byte {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b := make([]byte, 0, s.copies.journal.rewrittenSize+s.copies.journal.rewrittenSize/8)
	for name, k := range s.kinds {
		for key, r := range k.rows {
			if wire := wireKey(name, key); !r.deleted && !s.removing[wire] {
				b = r.entry(wire).appendTo(b)
			}
		}
	}
	return entry{op: opComplete, revision: s.highest, value: s.copies.bucket}.appendTo(b)
}

// reconcile compares copies and bucket: it restores records that the bucket has lost,
// removes records that were deleted, and writes copies that are missing.
func (s *Store) reconcile(ctx context.Context) error {
	c := s.copies
	stream, err := s.js.Stream(ctx, stream)
	if err != nil {
		return err
	}
	c.bucket = strconv.AppendInt(nil, stream.CachedInfo().Created.UnixNano(), 10)
	c.journal.path, c.journal.snapshot = filepath.Join(c.Dir, journalName), s.snapshot
	journal, err := c.read()
	if err != nil {
		return err
	}
	same := 0
	for wire, e := range journal.entries {
		kind, key, ok := parseKey(wire)
		if !ok || e.op != opSet {
			continue
		}
		if r := s.row(kind, key); r.revision >= e.revision {
			if r.exists() && r.revision == e.revision {
				same++
			}
			continue
		}
		journal.stale = true
		if c.OnRestore != nil {
			if err := c.OnRestore(kind, key); err != nil {
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
		e, known := journal.entries[wire]
		switch {
		case !r.deleted && journal.deleted(wire, r):
			if err := s.finishDelete(ctx, wire, r.revision); err != nil {
				return err
			}
			journal.stale = true
		case r.deleted && known && e.op == opSet, !r.deleted && (!known || e.revision != r.revision):
			c.behind[wire] = true
		}
	}
	if journal.stale || len(c.behind) > 0 {
		err := c.journal.compact(true)
		for wire := range c.behind {
			if kind, key, ok := parseKey(wire); ok && err != nil && c.OnFailure != nil {
				c.OnFailure(kind, key, err)
			}
		}
		if err != nil {
			return nil // as when a record is written: it counts
		}
		c.behind = nil
	}
	return c.dropFiles()
}

// finishDelete completes the deletion of a record.
func (s *Store) finishDelete(ctx context.Context, wire string, revision uint64) error {
	if err := s.purge(ctx, wire, revision); err != nil && !errors.Is(err, errRevision) {
		return fault.Wrap(fault.Unavailable, err, "removing %s, which was deleted", wire)
	}
	s.unmirror(wire)
	return nil
}

// isBehind reports whether a copy is older than its record.
func (c *Copies) isBehind(wire string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.behind[wire]
}

// journalContents is what the journal held at the start.
type journalContents struct {
	entries    map[string]entry // the newest by key
	stale      bool             // the journal must be rewritten
	sameBucket bool             // the journal belongs to this bucket
	completeTo uint64           // all that the bucket had up to this revision is among entries; 0 for unknown
}

// deleted reports whether a record that the bucket has was deleted: the bucket loses a
// deletion when its files are damaged or were not synced.
func (h *journalContents) deleted(wire string, r *row) bool {
	e, known := h.entries[wire]
	if known {
		return e.op == opRemoved && h.sameBucket && r.revision <= e.revision
	}
	return r.revision <= h.completeTo
}

// read reads the journal. Damaged entries are left out; they are rewritten if the
// bucket has the record.
func (c *Copies) read() (*journalContents, error) {
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
	h := &journalContents{entries: map[string]entry{}}
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
		case opComplete:
			h.sameBucket = string(e.value) == string(c.bucket)
		case opSet, opRemoved:
			if h.entries[e.key].revision <= e.revision {
				h.entries[e.key] = e
			}
			h.stale = h.stale || e.op == opRemoved
		}
	})
	if whole && h.sameBucket {
		h.completeTo = highest
	}
	h.stale = h.stale || !whole || !h.sameBucket
	c.journal.size, c.journal.rewrittenSize = len(b), len(b)
	return h, nil
}

// A copyFile is what the file of a record held, when there was one for each.
type copyFile struct {
	Key      string `json:"key"` // as in the bucket
	Revision uint64 `json:"revision"`
	Value    []byte `json:"value"`
	Sum      string `json:"sum"` // SHA-256 of Value
}

func (k copyFile) intact() bool {
	sum := sha256.Sum256(k.Value)
	return k.Key != "" && hex.EncodeToString(sum[:]) == k.Sum
}

// readFiles reads the copies of a version that had no journal.
func (c *Copies) readFiles(h *journalContents) error {
	files, err := filepath.Glob(filepath.Join(c.Dir, "*.json"))
	if err != nil {
		return err
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		var k copyFile
		if json.Unmarshal(b, &k) == nil && k.intact() {
			h.entries[k.Key] = entry{opSet, k.Revision, k.Key, k.Value}
		}
	}
	return nil
}

// dropFiles removes those files once the journal has what they journal.
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
