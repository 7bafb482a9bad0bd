//go:build !windows

package blob

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"millrace/runtime/fault"
)

type refusing struct{ err error }

func (r refusing) Admit(int) error { return r.err }

// A disk that is found full by a write is told of as one that was found full before.
func TestNoSpaceLeft(t *testing.T) {
	noSpace := &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}
	full := fault.State(nil, "The disk of x is full: 3.0 MB are kept.")
	if err := NewFiles(FilesConfig{Room: refusing{full}}).failed(noSpace); err != full {
		t.Errorf("got %v", err)
	}
	for _, room := range []FilesConfig{{Dir: "x"}, {Dir: "x", Room: refusing{}}} {
		err := NewFiles(room).failed(noSpace)
		if what, told := fault.Told(err); !told || !strings.HasPrefix(what, "The disk of x is full") || !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("got %v", err)
		}
	}
	if err := NewFiles(FilesConfig{}).failed(syscall.EIO); !errors.Is(err, fault.Unavailable) || !errors.Is(err, syscall.EIO) {
		t.Errorf("got %v", err)
	}
}
