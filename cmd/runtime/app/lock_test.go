package app

import (
	"os"
	"path/filepath"
	"testing"
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
