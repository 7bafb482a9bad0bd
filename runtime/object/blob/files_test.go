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
		c := blob.FilesConfig{Dir: dir, Usage: new(blob.Usage)}
		t.Cleanup(func() { wantUsage(t, dir, c.Usage) })
		return blobtest.World{
			Store:   blob.NewFiles(c),
			Another: func(*testing.T) blob.Store { return blob.NewFiles(c) },
			Old:     func(*testing.T) {},
		}
	})
}

// wantUsage compares what was counted with what there is.
func wantUsage(t *testing.T, dir string, counted *blob.Usage) {
	t.Helper()
	var there blob.Usage
	if err := there.Measure(dir); err != nil {
		t.Fatal(err)
	}
	if got, want := counted.Bytes(), there.Bytes(); got != want {
		t.Errorf("%d bytes are counted, and there are %d", got, want)
	}
}

// What a process before this one has written counts, and does not anymore when it is removed;
// so does what was refused in the middle.
func TestUsage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "objects")
	old := blob.NewFiles(blob.FilesConfig{Dir: dir})
	kept, removed := blobtest.MustPut(t, old, "b", make([]byte, 3000)), blobtest.MustPut(t, old, "b", make([]byte, 500))
	blobtest.MustPut(t, old, "leftover", make([]byte, 70_000))
	if err := os.WriteFile(filepath.Join(dir, "b", "of another program"), make([]byte, 10), 0o600); err != nil {
		t.Fatal(err)
	}
	var usage blob.Usage
	if err := usage.Measure(dir); err != nil {
		t.Fatal(err)
	}
	want := func(bytes int64, when string) {
		t.Helper()
		if got := usage.Bytes(); got != bytes {
			t.Errorf("%d bytes %s, want %d", got, when, bytes)
		}
	}
	want(73_500, "at the start")
	s := blob.NewFiles(blob.FilesConfig{Dir: dir, Usage: &usage, Room: quota{&usage, 80_000}})
	if err := s.RemoveBucket(t.Context(), "leftover"); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove(t.Context(), "b", removed, removed, "0123456789abcdef0123456789abcdef"); err != nil {
		t.Fatal(err)
	}
	want(3000, "after removals")
	w, err := s.Create(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = w.Write(make([]byte, 10_000))
		if err == nil && usage.Bytes()%10_000 != 3000 {
			t.Fatalf("%d bytes while one is written", usage.Bytes())
		}
	}
	want(3000, "after a write that was refused")
	if removed, err := s.Sweep(t.Context(), "b", func(name string) bool { return name == kept }); err != nil || removed != 0 {
		t.Errorf("%d swept: %v", removed, err)
	}
	wantUsage(t, dir, &usage)
	if err := new(blob.Usage).Measure(filepath.Join(dir, "none")); err != nil {
		t.Error(err)
	}
}

// A quota is full when so much is used.
type quota struct {
	*blob.Usage
	limit int64
}

func (q quota) Admit(bytes int) error {
	if q.Bytes()+int64(bytes) > q.limit {
		return fault.State(nil, "full")
	}
	return nil
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
