package blob

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"millrace/runtime/fault"
)

// syncEach is how much of a file is written before it is synced a first time. The
// syncer then never has much of one file to wait for.
const syncEach = 32 << 20

var errEnded = fault.New(fault.Internal, "the blob was committed or discarded before")

// A fileWriter removes its file as soon as something fails: on a full disk that
// gives room back at once.
type fileWriter struct {
	s            *Files
	ctx          context.Context
	bucket, name string
	f            *os.File
	size         int64 // bytes
	unsynced     int   // bytes
	err          error // lasting; errEnded after Commit and Discard
}

func (w *fileWriter) Write(p []byte) (n int, err error) {
	if w.err != nil {
		return 0, w.err
	}
	if w.err = w.ctx.Err(); w.err == nil {
		w.err = w.s.admit(len(p))
	}
	if w.err == nil {
		n, err = w.f.Write(p)
		w.size += int64(n)
		w.s.c.Usage.add(int64(n))
		if err != nil {
			w.err = w.s.failed(err)
		}
	}
	if w.err != nil {
		w.remove()
		return n, w.err
	}
	if w.unsynced += n; w.unsynced >= syncEach {
		w.unsynced = 0
		if w.s.c.Sync != nil && !w.s.c.Sync.SyncsAlways() {
			w.s.syncFiles(w.path()) // does not wait, and does not fail
		}
	}
	return n, nil
}

func (w *fileWriter) path() string { return w.s.path(w.bucket, w.name) }

func (w *fileWriter) Commit() (string, error) {
	if w.err != nil {
		return "", w.err
	}
	if w.err = w.ctx.Err(); w.err == nil {
		w.err = w.close()
	}
	if w.err != nil {
		w.remove()
		return "", w.err
	}
	w.err = errEnded
	w.s.endWriting(w.name)
	return w.name, nil
}

func (w *fileWriter) close() error {
	if err := w.f.Close(); err != nil {
		return w.s.failed(err)
	}
	folder := filepath.Dir(w.path())
	now := time.Now()
	os.Chtimes(folder, now, now) // so that a sweep sees that something in it may not be synced; else that is not known
	if err := w.s.syncFiles(w.path(), folder); err != nil {
		return w.s.failed(err)
	}
	return nil
}

func (w *fileWriter) Discard() {
	if w.err == nil {
		w.err = errEnded
		w.remove()
	}
}

// remove removes the file. What cannot be removed is swept.
func (w *fileWriter) remove() {
	if w.name == "" {
		return
	}
	if err := w.f.Close(); err == nil || errors.Is(err, os.ErrClosed) {
		if err := os.Remove(w.path()); err == nil || errors.Is(err, os.ErrNotExist) {
			w.s.c.Usage.add(-w.size)
		}
	}
	w.s.endWriting(w.name)
	w.name = ""
}
