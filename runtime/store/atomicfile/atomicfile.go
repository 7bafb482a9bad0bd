// Package atomicfile writes files that a crash or a power cut leaves whole: all
// of what was there before, or all of what was written.
//
// What it returns without an error outlives a power cut. A crash in between may
// leave a file beside the one that was meant, with a dot before its name and
// [Unfinished] at the end, which nobody needs.
package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Unfinished ends the names of files that are not whole yet.
const Unfinished = ".new"

// Write makes the file at path, of mode 0600, or replaces the one that is there.
// After an error that is as it was.
func Write(path string, data []byte) error { return write(path, whole(data), os.Rename) }

// WriteTo is Write for what content writes, whose error it returns as it is.
func WriteTo(path string, content func(io.Writer) error) error {
	return write(path, content, os.Rename)
}

func whole(data []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}
}

// Create is Write for a file that must not be there yet, else it is fs.ErrExist.
func Create(path string, data []byte) error {
	return write(path, whole(data), func(whole, path string) error {
		// Unlike a rename, a link fails when somebody else was first. Not every
		// file system has links.
		err := os.Link(whole, path)
		if err == nil || errors.Is(err, fs.ErrExist) {
			return err
		}
		if _, err := os.Lstat(path); err == nil {
			return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
		}
		return os.Rename(whole, path)
	})
}

// fsync is what tests watch.
var fsync = (*os.File).Sync

func write(path string, content func(io.Writer) error, place func(whole, path string) error) error {
	dir, name := filepath.Split(path)
	f, err := os.CreateTemp(filepath.Clean(dir), "."+name+".*"+Unfinished) // of mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // unless it was renamed
	if err = content(f); err == nil {
		err = fsync(f)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := place(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Clean(dir))
}

// syncDir makes the names in a folder outlive a power cut. On Windows folders
// cannot be synced; NTFS keeps a journal of names.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(fsync(d), d.Close())
}
