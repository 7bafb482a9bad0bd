package record

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"millrace/runtime/atomicfile"
	"millrace/runtime/fault"
)

// Copies are a second copy of every record, a file each. Records are few and
// rarely written, and everything hangs on them: when the file of the bucket is
// damaged, they are put back from here.
type Copies struct {
	Dir string
	// Restored is told which records were lost in the bucket and are put back now,
	// which its error prevents; nil for nobody.
	Restored func(kind, key string) error
	// Failed is told of a copy that could not be written. The record counts, since
	// the bucket has it; its copy is tried again after the next one that can be
	// written, and at Close. nil for nobody.
	Failed func(kind, key string, err error)
	// Intact is asked before a record is written or removed, and once the bucket has
	// acknowledged that: an error says that the next start will not find it, and is
	// what the caller gets. nil for nobody.
	Intact func() error

	// Held while the copy of a record is written and synced, so that of several
	// writers the newest has the last word. Others do not wait for that.
	writing [64]sync.Mutex

	mu     sync.Mutex      // guards behind
	behind map[string]bool // keys of the bucket whose copies are older
}

// A copied is what the file of a record holds.
type copied struct {
	Key      string `json:"key"` // as in the bucket
	Revision uint64 `json:"revision"`
	Value    []byte `json:"value"`
	Sum      string `json:"sum"` // SHA-256 of Value
}

// intact returns what Copies.Intact says.
func (s *Store) intact() error {
	if s.copies == nil || s.copies.Intact == nil {
		return nil
	}
	return s.copies.Intact()
}

// place is where the copy of a record is, and the lock to hold while it is
// written.
func (c *Copies) place(wire string) (path string, writing *sync.Mutex) {
	sum := sha256.Sum256([]byte(wire))
	return filepath.Join(c.Dir, hex.EncodeToString(sum[:16])+".json"), &c.writing[int(sum[0])%len(c.writing)]
}

// keep writes the copy of a record that the bucket has acknowledged, or removes
// that of one that is deleted. A process that is killed in between leaves an
// older copy, which the next start sees to.
func (s *Store) keep(wire string) {
	if s.copies == nil {
		return
	}
	if s.copy(wire) {
		s.catchUp()
	}
}

// catchUp writes the copies that could not be written before.
func (s *Store) catchUp() {
	c := s.copies
	c.mu.Lock()
	behind := slices.Collect(maps.Keys(c.behind))
	c.mu.Unlock()
	for _, wire := range behind {
		s.copy(wire)
	}
}

// copy writes one copy, and tells when that fails for the first time.
func (s *Store) copy(wire string) bool {
	kind, key, ok := parseKey(wire)
	if !ok {
		return true
	}
	c := s.copies
	path, writing := c.place(wire)
	writing.Lock()
	defer writing.Unlock()
	err := write(path, wire, s.row(kind, key)) // the newest, whoever of several writers comes last here
	if c.note(wire, err != nil) && c.Failed != nil {
		c.Failed(kind, key, err)
	}
	return err == nil
}

// note remembers whether a copy is behind, and reports whether that is news of one
// that is.
func (c *Copies) note(wire string, behind bool) (news bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !behind {
		delete(c.behind, wire)
		return false
	}
	if c.behind == nil {
		c.behind = map[string]bool{}
	}
	news = !c.behind[wire]
	c.behind[wire] = true
	return news
}

func write(path, wire string, r *row) error {
	if r.gone {
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	b, err := json.Marshal(copied{wire, r.revision, r.value, sumOf(r.value)})
	if err != nil {
		return err
	}
	return atomicfile.Write(path, b)
}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// match brings copies and bucket together: what the bucket has lost is put back,
// and what is older among the copies is written anew.
func (s *Store) match(ctx context.Context) error {
	kept, err := s.copies.read()
	if err != nil {
		return err
	}
	for _, k := range kept {
		kind, key, ok := parseKey(k.Key)
		if !ok {
			continue
		}
		// A record that was deleted is known in the bucket, as gone.
		if s.row(kind, key).revision >= k.Revision {
			continue
		}
		if s.copies.Restored != nil {
			if err := s.copies.Restored(kind, key); err != nil {
				return err
			}
		}
		revision, err := s.kv.Put(ctx, k.Key, k.Value)
		if err != nil {
			return fault.Wrap(fault.Unavailable, err, "putting %s %s back", kind, key)
		}
		s.set(k.Key, &row{value: k.Value, revision: revision})
	}
	for wire, r := range s.all() {
		if r.gone && kept[wire].Key == "" || r.revision == kept[wire].Revision {
			continue
		}
		s.keep(wire)
	}
	return nil
}

// read returns the copies by their keys. One that is damaged itself is left out:
// it is written anew when there is such a record.
func (c *Copies) read() (map[string]copied, error) {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, err
	}
	unfinished, err := filepath.Glob(filepath.Join(c.Dir, "*"+atomicfile.Unfinished))
	if err != nil {
		return nil, err
	}
	for _, f := range unfinished { // of a process that was killed
		if err := os.Remove(f); err != nil {
			return nil, err
		}
	}
	files, err := filepath.Glob(filepath.Join(c.Dir, "*.json"))
	if err != nil {
		return nil, err
	}
	all := map[string]copied{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		var k copied
		if json.Unmarshal(b, &k) == nil && sumOf(k.Value) == k.Sum {
			if path, _ := c.place(k.Key); path == f {
				all[k.Key] = k
			}
		}
	}
	return all, nil
}
