package app

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/gofrs/flock"
)

// A folder that holds other things may be a project's: a .gitignore of ours would
// hide them from Git.
func TestOnlyANewFolderIsHiddenFromGit(t *testing.T) {
	old := t.TempDir()
	if err := os.WriteFile(filepath.Join(old, "main.go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]bool{filepath.Join(t.TempDir(), "new"): true, t.TempDir(): true, old: false} {
		held, err := acquire(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := held.release(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(dir, ".gitignore")); (err == nil) != want {
			t.Errorf("%s: .gitignore is there: %v, want %v", dir, err == nil, want)
		}
	}
}

// Who removes the file lock has not let a second runtime in; the holder puts it back.
func TestFolderIsHeldWithoutItsFileLock(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("folders cannot be locked here")
	}
	dir := t.TempDir()
	first, err := acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer first.release()
	if err := os.Remove(lockPath(dir)); err != nil {
		t.Fatal(err)
	}
	if _, err := acquire(dir); err == nil || !strings.Contains(err.Error(), "file lock was removed") {
		t.Errorf("the second was told %v", err)
	}
	if !Held(dir) {
		t.Error("a held folder counts as free")
	}
	var log bytes.Buffer
	for range 2 {
		first.restore(slog.New(slog.NewTextHandler(&log, nil)))
	}
	if n := strings.Count(log.String(), "was put back"); n != 1 {
		t.Errorf("told %d times that it was put back:\n%s", n, &log)
	}
	if held, err := flock.New(lockPath(dir)).TryLock(); held || err != nil {
		t.Errorf("the file lock is free, %v", err)
	}

	if err := os.RemoveAll(dir); err != nil { // so that it cannot be put back
		t.Fatal(err)
	}
	log.Reset()
	for range 3 {
		first.restore(slog.New(slog.NewTextHandler(&log, nil)))
	}
	if n := strings.Count(log.String(), "could not be put back"); n != 1 {
		t.Errorf("told %d times that it could not be put back:\n%s", n, &log)
	}
}
