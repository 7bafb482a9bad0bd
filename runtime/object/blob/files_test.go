package blob_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"millrace/runtime/capacity"
	"millrace/runtime/fault"
	"millrace/runtime/object/blob"
	"millrace/runtime/object/blob/blobtest"
)

func TestFiles(t *testing.T) {
	blobtest.Exercise(t, func(t *testing.T) blobtest.World {
		dir := filepath.Join(t.TempDir(), "objects")
		return blobtest.World{
			Store:   blob.NewFiles(blob.FilesConfig{Dir: dir}),
			Another: func(*testing.T) blob.Store { return blob.NewFiles(blob.FilesConfig{Dir: dir}) },
			Old:     func(*testing.T) {},
		}
	})
}

func TestLargeFileNeedsNoMemory(t *testing.T) {
	s := blob.NewFiles(blob.FilesConfig{Dir: t.TempDir()})
	if n := blobtest.Large(t, s, 100<<20); n > 1<<20 {
		t.Errorf("%d bytes were allocated", n)
	}
}

// files are those in a folder, without folders.
func files(t *testing.T, dir string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	dir := t.TempDir()
	blobtest.MustPut(t, blob.NewFiles(blob.FilesConfig{Dir: dir}), "b", []byte("a"))
	for _, path := range files(t, dir) {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

// A syncer notes what is synced, in order.
type syncer struct {
	always bool
	fail   error
	paths  []string
}

func (s *syncer) SyncFiles(paths ...string) error {
	s.paths = append(s.paths, paths...)
	return s.fail
}

func (s *syncer) SyncsAlways() bool { return s.always }

func TestFilesAreSyncedBeforeTheirNameIsKnown(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "objects")
	var sync syncer
	s := blob.NewFiles(blob.FilesConfig{Dir: dir, Sync: &sync})
	name := blobtest.MustPut(t, s, "b", []byte("a"))
	folder := filepath.Join(dir, "b", name[30:])
	want := []string{filepath.Join(dir, "b"), dir, filepath.Dir(dir), filepath.Join(folder, name), folder}
	if got := strings.Join(sync.paths, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("synced are\n%s", got)
	}
}

func TestUnsyncedFileIsNotCommitted(t *testing.T) {
	dir := t.TempDir()
	var sync syncer
	s := blob.NewFiles(blob.FilesConfig{Dir: dir, Sync: &sync})
	w, err := s.Create(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	sync.fail = errors.New("no more sectors")
	if _, err := w.Commit(); !errors.Is(err, fault.Unavailable) || !errors.Is(err, sync.fail) {
		t.Errorf("got %v", err)
	}
	if left := files(t, dir); len(left) != 0 {
		t.Errorf("left are %q", left)
	}
}

// A large file is synced while it is written, unless that would wait.
func TestLargeFileIsSyncedEarly(t *testing.T) {
	for _, always := range []bool{false, true} {
		sync := &syncer{always: always}
		s := blob.NewFiles(blob.FilesConfig{Dir: t.TempDir(), Sync: sync})
		w, err := s.Create(t.Context(), "b")
		if err != nil {
			t.Fatal(err)
		}
		before := len(sync.paths)
		piece := make([]byte, 1<<20)
		for range 65 {
			if _, err := w.Write(piece); err != nil {
				t.Fatal(err)
			}
		}
		want := 2
		if always {
			want = 0
		}
		if n := len(sync.paths) - before; n != want {
			t.Errorf("always %v: synced %d times", always, n)
		}
		w.Discard()
	}
}

// What a dead process wrote lately is synced by the sweep of the next one.
func TestSweepSyncsWhatIsRecent(t *testing.T) {
	dir := t.TempDir()
	before := blob.NewFiles(blob.FilesConfig{Dir: dir})
	recent, old := blobtest.MustPut(t, before, "b", []byte("a")), blobtest.MustPut(t, before, "b", []byte("b"))
	past := time.Now().Add(-time.Hour)
	folder := func(name string) string { return filepath.Join(dir, "b", name[30:]) }
	for _, path := range []string{filepath.Join(folder(old), old), folder(old)} {
		if folder(old) == folder(recent) && path == folder(old) {
			continue
		}
		if err := os.Chtimes(path, past, past); err != nil {
			t.Fatal(err)
		}
	}
	var sync syncer
	s := blob.NewFiles(blob.FilesConfig{Dir: dir, Sync: &sync})
	if _, err := s.Sweep(t.Context(), "b", func(string) bool { return true }); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(sync.paths, "\n")
	if !strings.Contains(got, recent) || strings.Contains(got, old) {
		t.Errorf("of %s and not %s, synced are\n%s", recent, old, got)
	}
}

// What the own process wrote and nobody named is swept after an hour.
func TestSweepOfOwnLeftovers(t *testing.T) {
	dir := t.TempDir()
	s := blob.NewFiles(blob.FilesConfig{Dir: dir})
	name := blobtest.MustPut(t, s, "b", []byte("a"))
	path := filepath.Join(dir, "b", name[30:], name)
	none := func(string) bool { return false }
	for _, c := range []struct {
		age  time.Duration
		want int
	}{{blob.Grace - time.Minute, 0}, {blob.Grace + time.Minute, 1}} {
		then := time.Now().Add(-c.age)
		if err := os.Chtimes(path, then, then); err != nil {
			t.Fatal(err)
		}
		if n, err := s.Sweep(t.Context(), "b", none); n != c.want || err != nil {
			t.Errorf("after %v: removed %d, %v", c.age, n, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "b")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is left: %v", err)
	}
	if name = blobtest.MustPut(t, s, "b", []byte("again")); string(blobtest.MustGet(t, s, "b", name)) != "again" {
		t.Error("the folder was not made again")
	}
}

// room admits so many bytes, and then says that the disk is full.
type room int

func (r *room) Admit(bytes int) error {
	if *r -= room(bytes); *r < 0 {
		return fault.State(nil, "The disk is full.")
	}
	return nil
}

func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	left := room(1 << 20)
	s := blob.NewFiles(blob.FilesConfig{Dir: dir, Room: &left})
	w, err := s.Create(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	if _, err = w.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	_, err = w.Write([]byte{1})
	if what, told := fault.Told(err); !told || what != "The disk is full." {
		t.Errorf("got %v", err)
	}
	if left := files(t, dir); len(left) != 0 {
		t.Errorf("left are %q", left)
	}
	if _, again := w.Write([]byte{1}); again != err {
		t.Errorf("then %v", again)
	}
	if _, again := w.Commit(); again != err {
		t.Errorf("committed with %v", again)
	}
	if _, err := s.Create(t.Context(), "b"); !errors.Is(err, fault.Unavailable) {
		t.Errorf("created with %v", err)
	}
	left = 1 << 20
	blobtest.MustPut(t, s, "b", []byte("there is room again"))
}

var _ capacity.Limit = (*room)(nil)
