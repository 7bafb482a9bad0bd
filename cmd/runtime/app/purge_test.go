package app

import (
	"errors"
	"io/fs"
	"millrace/runtime/broker/driver/docker"
	"os"
	"path/filepath"
	"strings"
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
		// A runtime that was killed has left the note of who held the folder.
		if err := (&lock{dir: data}).announce(Holder{PID: 1}); err != nil {
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

// What an engine has of brokers cannot be removed while it is away, and must not be forgotten.
func TestPurgeWaitsForTheEngineOfBrokers(t *testing.T) {
	data := t.TempDir()
	for name, text := range map[string]string{"jetstream": "", docker.File: "unix://" + filepath.Join(data, "nobody") + "\n"} {
		if err := os.WriteFile(filepath.Join(data, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := Purge(t.Context(), Config{Data: data}); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("without its engine: %v", err)
	}
	if err := os.Remove(filepath.Join(data, docker.File)); err != nil {
		t.Errorf("where brokers are was forgotten: %v", err)
	}
	if err := Purge(t.Context(), Config{Data: data}); err != nil {
		t.Errorf("without brokers in an engine: %v", err)
	}
}
