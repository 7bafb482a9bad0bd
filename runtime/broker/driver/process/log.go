//go:build linux || darwin

package process

import (
	"context"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"millrace/runtime/broker/driver"
	"millrace/runtime/fault"
)

// lookForOutput is how often a log that is followed looks for more: nothing tells of it.
const lookForOutput = 200 * time.Millisecond

// Log implements driver.Driver.
func (d *Driver) Log(ctx context.Context, node string, follow bool) (io.ReadCloser, error) {
	if err := driver.ValidateName(node); err != nil {
		return nil, err
	}
	f := d.folder(node)
	if _, err := f.read(); os.IsNotExist(err) {
		return nil, fault.New(fault.NotFound, "there is no node %s", node)
	} else if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(string(f))
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "opening %s", string(f))
	}
	r := &logReader{ctx: ctx, root: root, follow: follow, closed: make(chan struct{})}
	r.setAside(0)
	return r, nil
}

// A logReader reads the output of a node: what was set aside, and what is there now. In
// between, that may be set aside too. Then the older output is another file, which has
// all that was there before, so that reading goes on in it where it was.
type logReader struct {
	ctx    context.Context
	root   *os.Root
	follow bool

	known  os.FileInfo // the older output, as it was seen last; nil when there was none
	old    *os.File    // while there is more to be read of it; else nil
	at     int64       // in old
	offset int64       // in the output that is there now

	once   sync.Once
	closed chan struct{}
	mu     sync.Mutex // while the files are in use
}

func (r *logReader) open(name string) *os.File {
	f, err := r.root.OpenFile(name, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	return f
}

// setAside goes on in the older output, from a place on. It returns false when that
// cannot be read.
func (r *logReader) setAside(from int64) bool {
	f := r.open(oldOutput)
	if f == nil {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return false
	}
	r.old, r.known, r.at = f, info, from
	return true
}

// Read implements io.Reader.
func (r *logReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		select {
		case <-r.closed:
			return 0, os.ErrClosed
		default:
		}
		if err := r.ctx.Err(); err != nil {
			return 0, err
		}
		if n, err := r.next(p); n > 0 || err != nil {
			return n, err
		}
		if _, err := r.root.Lstat(recordFile); !r.follow || err != nil { // without it, the node was removed
			return 0, io.EOF
		}
		look := time.NewTimer(lookForOutput)
		select {
		case <-look.C:
		case <-r.ctx.Done():
		case <-r.closed:
		}
		look.Stop()
	}
}

// next reads what there is now: nothing when all was read.
func (r *logReader) next(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		if r.old != nil {
			n, err := r.old.ReadAt(p, r.at)
			r.at += int64(n)
			if n > 0 {
				return n, nil
			}
			if err != io.EOF {
				return 0, err
			}
			r.old.Close()
			r.old = nil
		}
		current, err := r.root.Lstat(outputFile)
		if err != nil {
			return 0, ignoreNotExist(err)
		}
		// Looked at after the output: as long as it is the same one, nothing was set aside.
		if old, err := r.root.Lstat(oldOutput); err == nil && (r.known == nil || !os.SameFile(old, r.known)) {
			if r.setAside(r.offset) {
				r.offset = r.known.Size()
				continue
			}
		}
		if current.Size() < r.offset {
			r.offset = 0
		}
		f := r.open(outputFile)
		if f == nil {
			return 0, nil
		}
		n, err := f.ReadAt(p, r.offset)
		f.Close()
		r.offset += int64(n)
		if err == io.EOF {
			err = nil
		}
		return n, err
	}
}

// Close implements io.Closer. A Read under way returns.
func (r *logReader) Close() error {
	r.once.Do(func() {
		close(r.closed)
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.old != nil {
			r.old.Close()
		}
		r.root.Close()
	})
	return nil
}
