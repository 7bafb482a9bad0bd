package blob

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"millrace/runtime/fault"
)

// sweepBatch is how many names of a folder are in memory at a time.
const sweepBatch = 1024

// writeback is longer than the operating system takes to write back what nobody
// syncs (Linux: vm.dirty_expire_centisecs, half a minute).
const writeback = 2 * time.Minute

// Sweep implements Store. What another process left behind is removed at once: it is
// dead. It also removes empty folders, and has files synced that may not have been when that
// process was killed.
func (s *Files) Sweep(ctx context.Context, bucket string, keep func(name string) bool) (removed int, err error) {
	if err := checkBucket(bucket); err != nil {
		return 0, err
	}
	subs, err := os.ReadDir(s.dir(bucket))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	for _, sub := range subs {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			break
		}
		if !sub.IsDir() || len(sub.Name()) != 2 {
			continue
		}
		var n int
		n, err = s.sweepFolder(ctx, bucket, sub, keep)
		removed += n
		s.removeEmpty(bucket, sub.Name())
	}
	s.removeEmpty(bucket, "")
	if err != nil && fault.Of(err) == fault.Internal {
		err = fault.Wrap(fault.Unavailable, err, "sweeping the files of a bucket")
	}
	return removed, err
}

func (s *Files) sweepFolder(ctx context.Context, bucket string, sub fs.DirEntry, keep func(string) bool) (removed int, err error) {
	dir := filepath.Join(s.dir(bucket), sub.Name())
	info, err := sub.Info()
	if err != nil {
		return 0, err
	}
	recent := time.Since(info.ModTime()) < writeback
	f, err := os.Open(dir)
	if err != nil {
		return 0, err
	}
	defer f.Close()      // was read
	var unknown []string // removed when all are read: some file systems lose their place else
	for {
		files, err := f.ReadDir(sweepBatch)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, err
		}
		for _, file := range files {
			name := file.Name()
			switch {
			case !isName(name) || fanOut(name) != sub.Name(): // of somebody else
			case keep(name) || s.mayBeNamed(name, file):
				if recent {
					s.syncRecent(filepath.Join(dir, name), file)
				}
			default:
				unknown = append(unknown, name)
			}
		}
	}
	if recent {
		s.syncFiles(dir) // an error is the condition of the store
	}
	return len(unknown), s.Remove(ctx, bucket, unknown...)
}

// mayBeNamed reports whether a file is being written, or was so lately that an entry may be
// about to name it. It is asked after keep: who stores the entry later finds the file.
func (s *Files) mayBeNamed(name string, file fs.DirEntry) bool {
	if !strings.HasPrefix(name, s.by) {
		return false
	}
	s.mu.Lock()
	writing := s.writing[name]
	s.mu.Unlock()
	if writing {
		return true
	}
	info, err := file.Info()
	return err != nil || time.Since(info.ModTime()) < Grace // an error: removed meanwhile
}

// syncRecent takes care of what a process before this one wrote, and was killed before
// it could sync it.
func (s *Files) syncRecent(path string, file fs.DirEntry) {
	if info, err := file.Info(); err == nil && time.Since(info.ModTime()) < writeback {
		s.syncFiles(path) // an error is the condition of the store
	}
}

// removeEmpty removes a folder of a bucket, or with "" the bucket's, if it is empty.
func (s *Files) removeEmpty(bucket, sub string) {
	folder := s.folder(bucket)
	folder.mu.Lock()
	defer folder.mu.Unlock()
	if os.Remove(filepath.Join(s.dir(bucket), sub)) == nil { // it fails for one that is not
		delete(folder.made, sub)
	}
}
