package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(b)
}

// watch calls fn before each fsync, which fails if fn says so.
func watch(t *testing.T, fn func(f *os.File) error) {
	was := fsync
	t.Cleanup(func() { fsync = was })
	fsync = func(f *os.File) error { return errors.Join(fn(f), was(f)) }
}

// The content is on the disk before it takes the name, and then the name is.
func TestContentThenName(t *testing.T) {
	for name, write := range map[string]func(string, []byte) error{"Write": Write, "Create": Create} {
		path := filepath.Join(t.TempDir(), "file")
		before := ""
		if name == "Write" {
			before = "before"
			if err := Write(path, []byte(before)); err != nil {
				t.Fatal(err)
			}
		}
		var synced []string
		watch(t, func(f *os.File) error {
			if info, err := f.Stat(); err != nil || info.IsDir() {
				synced = append(synced, "folder of "+read(t, path))
			} else if read(t, path) == before {
				synced = append(synced, read(t, f.Name()))
			}
			return nil
		})
		if err := write(path, []byte("after")); err != nil {
			t.Fatal(err)
		}
		if want := []string{"after", "folder of after"}; !slices.Equal(synced, want) {
			t.Errorf("%s synced %q, want %q", name, synced, want)
		}
		if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestFailureLeavesWhatWasThere(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := Write(path, []byte("before")); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the disk is broken")
	watch(t, func(*os.File) error { return broken })
	if err := Write(path, []byte("after")); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 || read(t, path) != "before" {
		t.Errorf("%v, %v, and it holds %s", files, err, read(t, path))
	}
}

func TestCreateReplacesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := Create(path, []byte("first")); err != nil {
		t.Fatal(err)
	}
	if err := Create(path, []byte("second")); !errors.Is(err, fs.ErrExist) || read(t, path) != "first" {
		t.Errorf("got %v, and it holds %s", err, read(t, path))
	}
}

// A relative path is as good as any.
func TestInTheWorkingFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := Write("file", []byte("text")); err != nil || read(t, "file") != "text" {
		t.Error(err)
	}
}
