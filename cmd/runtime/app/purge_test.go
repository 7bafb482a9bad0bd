package app

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// A purge leaves nothing of a runtime, and what is not the runtime's as it is.
func TestPurge(t *testing.T) {
	for _, foreign := range []bool{false, true} {
		data := filepath.Join(t.TempDir(), "data")
		a := New(Config{Listen: "127.0.0.1:0", Data: data, MQ: MQ{Driver: mqProcess}})
		if err := a.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := Purge(t.Context(), Config{Data: data}); err == nil {
			t.Error("a folder that a runtime holds was purged")
		}
		if _, err := authority(a.cfg).Root(); err != nil {
			t.Fatal(err)
		}
		if err := a.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		notes := filepath.Join(data, "notes.txt")
		if foreign {
			if err := os.WriteFile(notes, []byte("mine"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := Purge(t.Context(), Config{Data: data}); err != nil {
			t.Fatal(err)
		}
		left, err := os.ReadDir(data)
		switch {
		case foreign && (err != nil || len(left) != 1):
			t.Errorf("%v are left, and %v; want what is not the runtime's", left, err)
		case !foreign && !errors.Is(err, fs.ErrNotExist):
			t.Errorf("%v are left", left)
		}
	}
}
