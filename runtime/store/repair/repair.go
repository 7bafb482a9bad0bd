// Package repair checks and repairs the files of a JetStream store before the server
// opens them.
//
// The server loses more than it must when files are damaged: it truncates a block at
// the first record whose checksum is wrong, does not check at all after an orderly
// stop, and skips a stream whose configuration is damaged. So [Run] removes the damaged
// parts first: the server then opens every stream with every record that can be
// read. The original files are backed up.
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
	Bytes  int64  // that belong to no intact record
	End    bool   // the damage is at the end of the stream: a write may have been interrupted
}

func (f Finding) String() string {
	if f.Bytes == 0 {
		return f.File + " does not fit its checksum"
	}
	return fmt.Sprintf("%d bytes of %s cannot be read", f.Bytes, f.File)
}

// Run checks the store in dir, a folder of an embedded server, and repairs damaged
// files. The originals go to the folder backup, which is made then; when backup is ""
// nothing is changed.
//
// A repaired file is not found again. To lose no finding when the process is killed,
// call Check first, store its findings, and then call Run.
func Run(dir, backup string) (found []Finding, err error) {
	r := run{dir: dir, backup: backup, extents: map[string]Extent{}}
	err = r.streams()
	return r.found, err
}

// Check is Run that changes nothing. It also returns the extents of the streams that are
// intact and have no gaps, by name.
func Check(dir string) (found []Finding, whole map[string]Extent, err error) {
	r := run{dir: dir, extents: map[string]Extent{}}
	err = r.streams()
	return r.found, r.extents, err
}

// An Extent is the sequences that a stream's files hold: all from First to Last. Last
// is 0 when there are none.
type Extent struct{ First, Last uint64 }

// streams looks at streams streams: those in folders of their own, to which the server has links,
// and those in the server's.
func (r *run) streams() error {
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
				r.add(filepath.Base(s), found, whole, err)
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
	dir, backup string

	mu      sync.Mutex // guards what follows
	found   []Finding
	extents map[string]Extent
	err     error
}

func (r *run) add(stream string, found []Finding, whole *Extent, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(found) == 0 && whole != nil && err == nil {
		r.extents[stream] = *whole
	}
	r.found = append(r.found, found...)
	r.err = errors.Join(r.err, err)
}

// stream checks one stream. extent is nil when the stream has gaps.
func (r *run) stream(dir string) (found []Finding, extent *Extent, err error) {
	name := filepath.Base(dir)
	if ok, err := metaIntact(dir, name); err != nil || !ok {
		if err != nil {
			return nil, nil, err
		}
		found = append(found, r.finding(name, filepath.Join(dir, "meta.inf"), 0))
		for _, f := range []string{"meta.inf", "meta.sum"} {
			if err := r.backUp(filepath.Join(dir, f), nil); err != nil {
				return found, nil, err
			}
		}
	}
	blocks, err := blocksOf(filepath.Join(dir, "msgs"))
	if err != nil {
		return found, nil, err
	}
	var scan sequenceScan
	for i, b := range blocks {
		data, err := os.ReadFile(b.path)
		if err != nil {
			return found, nil, err
		}
		intact := readBlock(data, name, b.index)
		scan.add(intact.Bytes())
		bad := int64(len(data) - intact.Len())
		if bad == 0 {
			continue
		}
		f := r.finding(name, b.path, bad)
		f.End = i == len(blocks)-1 && bytes.HasPrefix(data, intact.Bytes())
		found = append(found, f)
		if !f.End {
			// When the end is intact, the server reads the block better without its
			// index, which still has the damaged records. Otherwise it needs the index,
			// to know which sequences there were.
			if err := r.backUp(filepath.Join(dir, "msgs", "index.db"), nil); err != nil {
				return found, nil, err
			}
		}
		if err := r.replace(b.path, data, intact.Bytes()); err != nil {
			return found, nil, err
		}
	}
	return found, scan.extent(), nil
}

func (r *run) finding(stream, path string, bad int64) Finding {
	rel, err := filepath.Rel(r.dir, path)
	if err != nil {
		rel = path
	}
	return Finding{Stream: stream, File: filepath.ToSlash(rel), Bytes: bad}
}

// metaIntact reports whether the server will accept the configuration of a stream.
func metaIntact(dir, name string) (bool, error) {
	meta, err := os.ReadFile(filepath.Join(dir, "meta.inf"))
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil // creating the stream again finds its records
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

// backUp keeps the original of a file: a copy of data, or the file itself when data is
// nil. It ignores a file that does not exist.
func (r *run) backUp(path string, data []byte) error {
	if r.backup == "" {
		return nil
	}
	rel, err := filepath.Rel(r.dir, path)
	if err != nil {
		return err
	}
	kept := filepath.Join(r.backup, rel)
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

// replace rewrites a block. Either the old or the new one exists at every moment.
func (r *run) replace(path string, was, whole []byte) error {
	if r.backup == "" {
		return nil
	}
	if err := r.backUp(path, was); err != nil {
		return err
	}
	return atomicfile.Write(path, whole)
}
