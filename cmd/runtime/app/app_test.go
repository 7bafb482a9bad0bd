package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestStoreKeepsThePasswordBack(t *testing.T) {
	got := Config{NATS: "nats://mill:secret@127.0.0.1:4222"}.Store()
	if strings.Contains(got, "secret") || !strings.Contains(got, "127.0.0.1:4222") {
		t.Errorf("got %s", got)
	}
}

// A second runtime on a data folder is told who holds it; once the first is
// gone, the folder is free, also when its note was left behind.
func TestDataFolderHasOneHolder(t *testing.T) {
	dir := t.TempDir()
	first, err := acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.announce(Holder{PID: 4242, Endpoint: "http://127.0.0.1:4566"}); err != nil {
		t.Fatal(err)
	}
	_, err = acquire(dir)
	if err == nil || !strings.Contains(err.Error(), "4242") || !strings.Contains(err.Error(), "http://127.0.0.1:4566") {
		t.Errorf("the second was told %v", err)
	}
	if !Held(dir) {
		t.Error("a held folder counts as free")
	}
	if err := first.unlock(); err != nil { // as the kernel does for a killed process
		t.Fatal(err)
	}
	if Held(dir) {
		t.Error("a free folder counts as held")
	}
	again, err := acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.release(); err != nil {
		t.Error(err)
	}
}

// What a killed process left of its functions is gone at the next start.
func TestTemporaryFolderStartsEmpty(t *testing.T) {
	data := t.TempDir()
	left := filepath.Join(data, "tmp", "millrace-orders-1")
	if err := os.MkdirAll(left, 0o700); err != nil {
		t.Fatal(err)
	}
	dir, err := freshTemp(data)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 0 || !filepath.IsAbs(dir) {
		t.Errorf("%s holds %v, %v", dir, entries, err)
	}
}
