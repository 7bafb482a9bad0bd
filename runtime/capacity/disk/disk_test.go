package disk

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/fault"
)

const mib = 1 << 20

// A fake is a disk of 48 MiB, of which others have taken so much. The reserve
// counts as it stands in the folder.
type fake struct {
	dir   string
	taken int64
	looks int
	err   error
}

func (f *fake) usage(string) (free, total int64, err error) {
	f.looks++
	free = 48*mib - f.taken
	if info, err := os.Stat(filepath.Join(f.dir, "reserve")); err == nil {
		free -= info.Size()
	}
	return max(free, 0), 48 * mib, f.err
}

func (f *fake) reserve(t *testing.T) int64 {
	t.Helper()
	info, err := os.Stat(filepath.Join(f.dir, "reserve"))
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// later is after what was measured counts no more.
func later() { time.Sleep(time.Second) }

func TestSpace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		f := &fake{dir: t.TempDir()}
		open := func() *Space {
			t.Helper()
			s, err := open(f.dir, slog.New(slog.NewTextHandler(&said, nil)), f.usage)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		s := open()
		if f.reserve(t) != 3*mib {
			t.Errorf("%d bytes are reserved", f.reserve(t))
		}
		if err := s.Admit(1000); err != nil {
			t.Error(err)
		}

		f.taken = 43 * mib // 2 MiB are free
		later()
		for range 3 {
			err := s.Admit(0)
			if what, told := fault.Told(err); !told || !strings.Contains(what, "2.1 MB of 50.3 MB are free") || !strings.Contains(what, f.dir) {
				t.Errorf("said %v", err)
			}
			later()
		}
		if n := strings.Count(said.String(), "is full"); n != 1 {
			t.Errorf("the log says %d times that the disk is full", n)
		}
		if !s.Drain(1*mib) || f.reserve(t) == 0 {
			t.Error("the reserve went while there was room")
		}
		later()

		f.taken = 45 * mib // nothing is free
		if !s.Drain(1*mib) || f.reserve(t) != 0 {
			t.Error("the reserve is kept back")
		}
		if s.Drain(4 * mib) {
			t.Error("there is room for more than the reserve")
		}
		if s.Admit(0) == nil {
			t.Error("the room of the reserve was given to a send")
		}

		f.taken = 42 * mib // what is free is enough for sends, or for the reserve
		later()
		if s.Admit(0) == nil {
			t.Error("a send came before the reserve")
		}
		f.taken = 40 * mib
		later()
		if err := s.Admit(0); err != nil || f.reserve(t) != 3*mib {
			t.Errorf("%d bytes are reserved again, and Admit says %v", f.reserve(t), err)
		}
		if n := strings.Count(said.String(), "room again"); n != 1 {
			t.Errorf("the log says %d times that there is room", n)
		}

		f.taken = 48 * mib // a runtime that starts on a full disk has to write something
		if open(); f.reserve(t) != 0 {
			t.Error("a start on a full disk keeps the reserve")
		}
		open()

		f.err = errors.New("gone")
		later()
		if s.Admit(0) == nil || !s.Drain(1) {
			t.Error("a disk that cannot be asked takes more in, or is not written to")
		}
		f.err = fs.ErrNotExist
		later()
		if err := s.Admit(0); err != nil {
			t.Error("a folder that is gone is a full disk:", err)
		}
	})
}

// What replaces something goes on when sends are refused, and leaves the reserve,
// and half as much, to those who drain.
func TestChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{dir: t.TempDir()}
		s, err := open(f.dir, nil, f.usage)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Admit(1); err != nil { // the first look
			t.Fatal(err)
		}
		admits := func(taken int64, want bool) {
			t.Helper()
			f.taken = taken
			later()
			if err := s.Changes().Admit(mib / 4); (err == nil) != want {
				t.Errorf("with %d MiB taken: %v", taken/mib, err)
			}
		}
		admits(10*mib, true)
		admits(43*mib, true) // 2 MiB are free, and the reserve
		if s.Admit(0) == nil {
			t.Error("a send is admitted too")
		}
		admits(44*mib, false)
		if f.reserve(t) == 0 {
			t.Error("a change took the reserve")
		}
		f.taken = 45 * mib
		later()
		s.Drain(mib) // lets go of the reserve: 3 MiB are free
		admits(45*mib, false)
		admits(43*mib, true)
		var none *Space
		if err := none.Changes().Admit(mib); err != nil {
			t.Error("no disk refuses:", err)
		}
	})
}

// A look at the disk is good for a moment, unless much is admitted in it.
func TestSpaceLooksSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{dir: t.TempDir()}
		s, err := open(f.dir, nil, f.usage)
		if err != nil {
			t.Fatal(err)
		}
		f.looks = 0
		for range 1000 {
			s.Admit(100)
			s.Drain(100)
		}
		if f.looks != 2 {
			t.Errorf("looked %d times for a thousand small sends", f.looks)
		}
		f.looks = 0
		for range 100 {
			s.Admit(1 * mib)
		}
		if f.looks < 50 {
			t.Errorf("looked %d times for 100 MiB", f.looks)
		}
	})
}

// The room of the reserve is taken, not only promised.
func TestReserveIsAllocated(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if free, _, _ := usage(dir); free < 100*mib {
		t.Skip("there is little room here")
	}
	if used := allocated(t, filepath.Join(dir, "reserve")); used < s.reserve {
		t.Errorf("%d of %d bytes are allocated", used, s.reserve)
	}
	if err := fill(mustCreate(t, filepath.Join(dir, "filled")), 1*mib+1); err != nil {
		t.Fatal(err)
	}
	if used := allocated(t, filepath.Join(dir, "filled")); used < 1*mib+1 {
		t.Errorf("%d bytes were written", used)
	}
}

func mustCreate(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func BenchmarkAdmit(b *testing.B) {
	s, err := Open(b.TempDir(), nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s.Admit(256)
	}
}

// A folder that is to be made has the room of the one that is there.
func TestFreeBeforeTheFolder(t *testing.T) {
	dir := t.TempDir()
	here, err := Free(dir)
	if err != nil || here <= 0 {
		t.Fatal(here, err)
	}
	if there, err := Free(filepath.Join(dir, "brokers", "b")); err != nil || there <= 0 {
		t.Error(there, err)
	}
}
