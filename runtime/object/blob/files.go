package blob

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"millrace/runtime/capacity"
	"millrace/runtime/fault"
)

// Files is a Store in a folder, of one process:
//
//	<bucket>/<last two digits of the name>/<name>
//
// A file is written in its place: a killed process leaves some behind for a sweep. The
// names of a process begin alike, and with other digits than those of every other one, so a
// sweep tells what was left behind from what is about to be named.
type Files struct {
	c    FilesConfig
	by   string // what the names of this process begin with
	pins pins

	mu      sync.Mutex             // guards the rest
	writing map[string]bool        // names that have been created, and neither committed nor discarded
	folders map[string]*fileFolder // by bucket
}

// FilesConfig says where files are.
type FilesConfig struct {
	// Dir holds a folder for each bucket. It is made when the first one is.
	Dir string

	// Sync makes what is committed durable; nil for never, in tests.
	Sync Syncer

	// Room is asked before each write for room for it; nil admits all.
	Room capacity.Limit

	// Usage is kept up to date; nil for nobody who asks.
	Usage *Usage
}

// A Syncer makes files and folders durable, at once or within a time.
// *backbone.Backbone implements it.
type Syncer interface {
	SyncFiles(paths ...string) error

	// SyncsAlways reports whether SyncFiles returns when they are durable.
	SyncsAlways() bool
}

var _ Store = (*Files)(nil)

// NewFiles makes a Store that has done nothing yet.
func NewFiles(c FilesConfig) *Files {
	by := make([]byte, 4)
	rand.Read(by) // never fails, says its documentation
	s := &Files{c: c, by: hex.EncodeToString(by), writing: map[string]bool{}, folders: map[string]*fileFolder{}}
	s.pins.remove = func(bucket, name string) { s.remove(bucket, name) } // else it is swept
	s.pins.removeBucket = func(bucket string) { s.removeAll(bucket) }
	return s
}

// A fileFolder is the folder of a bucket, and those in it.
type fileFolder struct {
	mu   sync.Mutex
	made map[string]bool // those that are there, and durable if anything is; by name
}

func (s *Files) folder(bucket string) *fileFolder {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.folders[bucket]
	if f == nil {
		f = &fileFolder{made: map[string]bool{}}
		s.folders[bucket] = f
	}
	return f
}

func fanOut(name string) string { return name[len(name)-2:] }

func (s *Files) dir(bucket string) string { return filepath.Join(s.c.Dir, bucket) }

func (s *Files) path(bucket, name string) string {
	return filepath.Join(s.c.Dir, bucket, fanOut(name), name)
}

func (s *Files) syncFiles(paths ...string) error {
	if s.c.Sync == nil {
		return nil
	}
	return s.c.Sync.SyncFiles(paths...)
}

func (s *Files) admit(bytes int) error {
	if s.c.Room == nil {
		return nil
	}
	return s.c.Room.Admit(bytes)
}

// Create implements Store.
func (s *Files) Create(ctx context.Context, bucket string) (Writer, error) {
	if err := errors.Join(checkBucket(bucket), ctx.Err()); err != nil {
		return nil, err
	}
	if err := s.admit(0); err != nil {
		return nil, err
	}
	name := newName(s.by)
	s.mu.Lock()
	s.writing[name] = true // before it is there
	s.mu.Unlock()
	f, err := s.create(bucket, name)
	if err != nil {
		s.endWriting(name)
		return nil, s.failed(err)
	}
	return &fileWriter{s: s, ctx: ctx, bucket: bucket, name: name, f: f}, nil
}

func (s *Files) create(bucket, name string) (*os.File, error) {
	folder, sub := s.folder(bucket), fanOut(name)
	folder.mu.Lock() // so that no sweep removes the folder before the file is in it
	defer folder.mu.Unlock()
	if !folder.made[sub] {
		if err := os.MkdirAll(filepath.Join(s.dir(bucket), sub), 0o700); err != nil {
			return nil, err
		}
		if err := s.syncFiles(s.dir(bucket), s.c.Dir, filepath.Dir(s.c.Dir)); err != nil {
			return nil, err
		}
		folder.made[sub] = true
	}
	f, err := os.OpenFile(s.path(bucket, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrNotExist) { // somebody removed the folder: the next one makes it
		folder.made[sub] = false
	}
	return f, err
}

// endWriting says that a blob is not being written anymore.
func (s *Files) endWriting(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.writing, name)
}

// failed is what a failed write means to the client: it is told of a full disk as it
// is of one that was found full before.
func (s *Files) failed(err error) error {
	if !isFull(err) {
		return fault.Wrap(fault.Unavailable, err, "writing a file of an object")
	}
	if full := s.admit(0); full != nil {
		return full
	}
	return fault.State(err, "The disk of %s is full. Delete objects, or make room on the disk.", s.c.Dir)
}

// Open implements Store.
func (s *Files) Open(ctx context.Context, bucket, name string) (Reader, error) {
	release, err := s.pins.openNamed(ctx, bucket, name)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(s.path(bucket, name))
	if err == nil {
		var info os.FileInfo
		if info, err = f.Stat(); err == nil {
			return &fileReader{File: f, size: info.Size(), release: release}, nil
		}
		f.Close()
	}
	release()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notFound(err, bucket, name)
	}
	return nil, fault.Wrap(fault.Unavailable, err, "opening a file of an object")
}

type fileReader struct {
	*os.File
	size    int64
	release func()
}

func (r *fileReader) Size() int64 { return r.size }

func (r *fileReader) Close() error {
	err := r.File.Close()
	r.release()
	return err
}

// Remove implements Store.
func (s *Files) Remove(_ context.Context, bucket string, names ...string) error {
	return s.pins.removeNamed(bucket, names, func(name string) error {
		if err := s.remove(bucket, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fault.Wrap(fault.Unavailable, err, "removing a file of an object")
		}
		return nil
	})
}

// remove removes a file that is written.
func (s *Files) remove(bucket, name string) error {
	path, size := s.path(bucket, name), int64(0)
	if s.c.Usage != nil {
		if info, err := os.Lstat(path); err == nil {
			size = info.Size()
		}
	}
	err := os.Remove(path)
	if err == nil {
		s.c.Usage.add(-size)
	}
	return err
}

// RemoveBucket implements Store.
func (s *Files) RemoveBucket(_ context.Context, bucket string) error {
	if err := checkBucket(bucket); err != nil {
		return err
	}
	if !s.pins.removingBucket(bucket) {
		return nil
	}
	defer s.pins.removedBucket(bucket)
	return fault.Wrap(fault.Unavailable, s.removeAll(bucket), "removing the files of a bucket")
}

func (s *Files) removeAll(bucket string) error {
	folder := s.folder(bucket)
	folder.mu.Lock()
	defer folder.mu.Unlock()
	clear(folder.made)
	before := s.sizeOf(bucket)
	err := os.RemoveAll(s.dir(bucket))
	s.c.Usage.add(s.sizeOf(bucket) - before)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.folders, bucket)
	return err
}

// sizeOf is how many bytes are in the files of a bucket, if somebody asks. Those that are
// being written are their writers' to count.
func (s *Files) sizeOf(bucket string) int64 {
	if s.c.Usage == nil {
		return 0
	}
	bytes, _ := sizeBelow(s.dir(bucket), func(name string) bool { // what cannot be read is not removed either
		s.mu.Lock()
		defer s.mu.Unlock()
		return !s.writing[name]
	})
	return bytes
}

// Buckets implements Store.
func (s *Files) Buckets(context.Context) (names []string, err error) {
	all, err := os.ReadDir(s.c.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Wrap(fault.Unavailable, err, "reading the folder of objects")
	}
	for _, e := range all {
		if e.IsDir() && isBucket(e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}
