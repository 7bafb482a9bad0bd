//go:build linux || darwin

package process

import (
	"os"
	"path/filepath"
	"testing"
)

// A removal that was killed in between is finished by the next one: the record, which
// marks the folder as ours, goes last.
func TestRemovalGoesOnAfterAKill(t *testing.T) {
	f := folder(filepath.Join(t.TempDir(), "b-1-1"))
	if err := os.MkdirAll(f.path("data/mnesia"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := f.write(record{Node: "b-1-1"}); err != nil {
		t.Fatal(err)
	}
	if err := f.emptyBut(recordFile); err != nil {
		t.Fatal(err)
	}
	if _, err := f.read(); err != nil {
		t.Fatalf("while the folder is emptied, it is not ours: %v", err)
	}
	if err := os.MkdirAll(f.path("data"), 0o700); err != nil { // as if it had been killed before
		t.Fatal(err)
	}
	if err := f.remove("b-1-1"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(string(f)); !os.IsNotExist(err) {
		t.Errorf("the folder is left: %v", err)
	}
}
