package function_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestOpenTidiesUpAfterAKill(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir)
	f := w.mustCreate(t, ordersFunction(), "#!one")
	w.Orphan(t, zipOf(t, "#!two"))
	if got := w.Blobs(t); got != 2 {
		t.Fatalf("%d zip files", got)
	}
	w.down(t)
	unfinished := filepath.Join(w.dir, "unpacking-1")
	if err := os.Mkdir(unfinished, 0o755); err != nil {
		t.Fatal(err)
	}
	folders, err := filepath.Glob(filepath.Join(w.dir, "*"))
	if err != nil || len(folders) != 3 {
		t.Fatalf("%v, %v", folders, err)
	}
	old := time.Now().Add(-time.Hour)
	for _, d := range folders {
		if err := os.Chtimes(d, old, old); err != nil {
			t.Fatal(err)
		}
	}

	w = open(t, dir)
	if got := w.Blobs(t); got != 1 {
		t.Errorf("%d zip files for one function", got)
	}
	if left, _ := filepath.Glob(filepath.Join(w.dir, "*")); len(left) != 1 {
		t.Errorf("left %v for one function", left)
	}
	if got := w.bootstrapOf(t, f.ID()); got != "#!one" {
		t.Errorf("runs %q", got)
	}
}

func TestFoldersThatEventsMayRunInAreLeftAlone(t *testing.T) {
	w := open(t, t.TempDir())
	f := w.mustCreate(t, ordersFunction(), "#!one")
	if err := w.Delete(t.Context(), f.ID()); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(w.dir, "*")); len(left) != 1 {
		t.Errorf("left %v right after the delete, want the folder", left)
	}
}
