package backbone

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// SyncFiles makes files and folders durable that are beside the store: those whose
// names are in a stream. With Sync.Always it returns when they are, and an error is
// reported too; else it returns at once, and they are synced with the streams that are
// written to, before them. A path that is not there, or no longer, is left out.
//
// Call it before the entry that has their names is published.
func (b *Backbone) SyncFiles(paths ...string) error {
	if b.syncer != nil && !b.config.Sync.Always {
		b.syncer.wroteFiles(paths)
		return nil
	}
	for _, path := range paths {
		if err := syncPath(b.config.fsync(), path); err != nil {
			b.Report(err)
			return err
		}
	}
	return nil
}

// A pathSet is paths, each of them once.
type pathSet struct {
	paths []string
	has   map[string]bool
}

func (s *pathSet) add(paths ...string) {
	for _, path := range paths {
		if s.has[path] {
			continue
		}
		if s.has == nil {
			s.has = map[string]bool{}
		}
		s.has[path] = true
		s.paths = append(s.paths, path)
	}
}

func (d *syncer) wroteFiles(paths []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files.add(paths...)
	d.notify()
}

// syncFiles returns the files that could not be synced, and the first error.
func (d *syncer) syncFiles(paths []string) (left []string, failed error) {
	for _, path := range paths {
		err := syncPath(d.fsync, path)
		if err == nil {
			continue
		}
		left = append(left, path)
		if failed == nil {
			failed = err
		}
	}
	return left, failed
}

func syncPath(fsync func(*os.File) error, path string) error {
	info, err := os.Stat(path)
	if err == nil {
		err = syncFile(fsync, path, info.IsDir())
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("syncing %s: %w", path, err)
	}
	return nil
}
