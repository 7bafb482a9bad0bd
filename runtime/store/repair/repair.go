// Package repair looks through the files of a JetStream store before the server
// opens them.
//
// The server is hard on damaged files: from the first record of a block that
// does not fit its checksum it cuts off all that follows, and after an orderly
// stop it does not look at all. A stream whose configuration is damaged it passes
// over. So [Run] takes the damaged parts out first, such that what is left is
// whole: the server then opens every stream with every record that can be read,
// and misses the others. Files are kept aside as they were.
//
// The format is that of nats-server 2.12 to 2.15 (filestore.go): records one
// after another, each with its length in front and a HighwayHash of itself behind,
// under a key made of the names of the stream and the block.
package repair

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/minio/highwayhash"

	"millrace/runtime/store/atomicfile"
)

// A Finding is a damaged file.
type Finding struct {
	Stream string
	File   string // below the store's folder
	Bytes  int64  // that belong to no whole record
	End    bool   // they are the last of the stream: it may have been cut short while it was written
}

func (f Finding) String() string {
	if f.Bytes == 0 {
		return f.File + " does not fit its checksum"
	}
	return fmt.Sprintf("%d bytes of %s cannot be read", f.Bytes, f.File)
}

// Run looks through the store in dir, a folder of an embedded server. Damaged
// files are put right, and kept as they were in the folder aside, which is made
// then; when aside is "" nothing is changed.
//
// What was put right is not found again. Who must not lose a finding to a kill
// looks only, writes down what was found, and runs again.
func Run(dir, aside string) (found []Finding, err error) {
	r := run{dir: dir, aside: aside, extents: map[string]Extent{}}
	err = r.all()
	return r.found, err
}

// Survey is Run that changes nothing. It also tells what those streams hold that are
// whole and have no gaps, by their names.
func Survey(dir string) (found []Finding, whole map[string]Extent, err error) {
	r := run{dir: dir, extents: map[string]Extent{}}
	err = r.all()
	return r.found, r.extents, err
}

// An Extent is what the files of a stream hold: the records from First to Last, all of
// them. Last is 0 when there are none.
type Extent struct{ First, Last uint64 }

// all looks at all streams: those in folders of their own, to which the server has links,
// and those in the server's.
func (r *run) all() error {
	roots, err := filepath.Glob(filepath.Join(r.dir, "jetstream", "*", "streams"))
	if err != nil {
		return err
	}
	var streams []string
	for _, root := range append(roots, filepath.Join(r.dir, "streams")) {
		entries, err := os.ReadDir(root)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, e := range entries {
			if e.IsDir() && !strings.HasPrefix(e.Name(), ".") { // those are being deleted
				streams = append(streams, filepath.Join(root, e.Name()))
			}
		}
	}
	work := make(chan string)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), 8) {
		wg.Go(func() {
			for s := range work {
				found, whole, err := r.stream(s)
				r.note(filepath.Base(s), found, whole, err)
			}
		})
	}
	for _, s := range streams {
		work <- s
	}
	close(work)
	wg.Wait()
	slices.SortFunc(r.found, func(a, b Finding) int { return strings.Compare(a.File, b.File) })
	return r.err
}

type run struct {
	dir, aside string

	mu      sync.Mutex // guards what follows
	found   []Finding
	extents map[string]Extent
	err     error
}

func (r *run) note(stream string, found []Finding, whole *Extent, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(found) == 0 && whole != nil && err == nil {
		r.extents[stream] = *whole
	}
	r.found = append(r.found, found...)
	r.err = errors.Join(r.err, err)
}

// stream looks at one stream. What it holds is nil when that has gaps.
func (r *run) stream(dir string) (found []Finding, whole *Extent, err error) {
	name := filepath.Base(dir)
	if ok, err := wholeMeta(dir, name); err != nil || !ok {
		if err != nil {
			return nil, nil, err
		}
		found = append(found, r.finding(name, filepath.Join(dir, "meta.inf"), 0))
		for _, f := range []string{"meta.inf", "meta.sum"} {
			if err := r.setAside(filepath.Join(dir, f), nil); err != nil {
				return found, nil, err
			}
		}
	}
	blocks, err := blocksOf(filepath.Join(dir, "msgs"))
	if err != nil {
		return found, nil, err
	}
	var held tally
	for i, b := range blocks {
		data, err := os.ReadFile(b.path)
		if err != nil {
			return found, nil, err
		}
		view := read(data, name, b.index)
		held.add(view.Bytes())
		bad := int64(len(data) - view.Len())
		if bad == 0 {
			continue
		}
		f := r.finding(name, b.path, bad)
		f.End = i == len(blocks)-1 && bytes.HasPrefix(data, view.Bytes())
		found = append(found, f)
		if !f.End {
			// Where nothing of the end is missing, the server does better without
			// its index, in which the damaged records still are. Otherwise it needs
			// it, to know which sequences there were.
			if err := r.setAside(filepath.Join(dir, "msgs", "index.db"), nil); err != nil {
				return found, nil, err
			}
		}
		if err := r.replace(b.path, data, view.Bytes()); err != nil {
			return found, nil, err
		}
	}
	return found, held.extent(), nil
}

func (r *run) finding(stream, path string, bad int64) Finding {
	rel, err := filepath.Rel(r.dir, path)
	if err != nil {
		rel = path
	}
	return Finding{Stream: stream, File: filepath.ToSlash(rel), Bytes: bad}
}

// wholeMeta tells whether the server will accept the configuration of a stream.
func wholeMeta(dir, name string) (bool, error) {
	meta, err := os.ReadFile(filepath.Join(dir, "meta.inf"))
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil // whoever makes the stream finds its records
	}
	if err != nil {
		return false, err
	}
	sum, err := os.ReadFile(filepath.Join(dir, "meta.sum"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	h, err := hasher(name)
	if err != nil {
		return false, err
	}
	h.Write(meta)
	return hex.EncodeToString(h.Sum(nil)) == string(sum), nil
}

func hasher(name string) (hash.Hash64, error) {
	key := sha256.Sum256([]byte(name))
	return highwayhash.NewDigest64(key[:])
}

type block struct {
	path  string
	index int
}

// blocksOf lists the blocks of a stream in their order.
func blocksOf(dir string) (all []block, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if number, ok := strings.CutSuffix(e.Name(), ".blk"); ok {
			if index, err := strconv.Atoi(number); err == nil {
				all = append(all, block{filepath.Join(dir, e.Name()), index})
			}
		}
	}
	slices.SortFunc(all, func(a, b block) int { return a.index - b.index })
	return all, err
}

// setAside keeps a file as it is now: a copy of data, or the file itself when
// data is nil. Nothing happens to one that is not there.
func (r *run) setAside(path string, data []byte) error {
	if r.aside == "" {
		return nil
	}
	rel, err := filepath.Rel(r.dir, path)
	if err != nil {
		return err
	}
	kept := filepath.Join(r.aside, rel)
	if err := os.MkdirAll(filepath.Dir(kept), 0o700); err != nil {
		return err
	}
	if data != nil {
		return os.WriteFile(kept, data, 0o600)
	}
	if err := os.Rename(path, kept); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// replace writes a block anew. Whatever happens in between, one of both is there.
func (r *run) replace(path string, was, whole []byte) error {
	if r.aside == "" {
		return nil
	}
	if err := r.setAside(path, was); err != nil {
		return err
	}
	return atomicfile.Write(path, whole)
}
