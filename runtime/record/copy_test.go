package record_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/backbone/backbonetest"
	"millrace/runtime/record"
)

// Records that the bucket has lost come back from their copies; deleted ones do
// not, and neither do those whose copy is damaged.
func TestCopies(t *testing.T) {
	b := backbonetest.Start(t, t.TempDir())
	dir := filepath.Join(t.TempDir(), "copies")
	var restored []string
	open := func() (*record.Store, *record.Table[string]) {
		t.Helper()
		restored = nil
		s, err := record.OpenCopied(t.Context(), b.JetStream(), &record.Copies{Dir: dir, Restored: func(kind, key string) error {
			restored = append(restored, kind+" "+key)
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		return s, record.NewTable[string](s, "thing")
	}
	s, things := open()
	for _, k := range []string{"a", "b", "c"} {
		if err := things.Create(t.Context(), k, "old"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := things.Update(t.Context(), "a", func(string) (string, error) { return "new", nil }); err != nil {
		t.Fatal(err)
	}
	if err := things.Delete(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	s.Close()

	s, _ = open()
	if len(restored) != 0 {
		t.Errorf("restored %v from a whole bucket", restored)
	}
	s.Close()

	if err := b.JetStream().DeleteKeyValue(t.Context(), "millrace-records"); err != nil {
		t.Fatal(err)
	}
	s, things = open()
	defer s.Close()
	if v, _ := things.Get("a"); v != "new" || len(restored) != 2 {
		t.Errorf("a is %q; restored %v", v, restored)
	}
	if v, there := things.Get("b"); there {
		t.Errorf("b is back: %q", v)
	}
	kv, err := b.JetStream().KeyValue(t.Context(), "millrace-records")
	if err != nil {
		t.Fatal(err)
	}
	if e, err := kv.Get(t.Context(), "thing/a"); err != nil || e.Operation() != jetstream.KeyValuePut {
		t.Error("a is not in the bucket:", err)
	}
	files, _ := os.ReadDir(dir)
	if len(files) != 2 {
		t.Errorf("%d copies, want 2", len(files))
	}
}

// A record whose copy cannot be written is written all the same: who would be
// told otherwise might do it twice. The copy follows.
func TestCopyThatCannotBeWritten(t *testing.T) {
	b := backbonetest.Start(t, t.TempDir())
	dir := filepath.Join(t.TempDir(), "copies")
	var failed []string
	s, err := record.OpenCopied(t.Context(), b.JetStream(), &record.Copies{Dir: dir, Failed: func(kind, key string, err error) {
		failed = append(failed, key)
	}})
	if err != nil {
		t.Fatal(err)
	}
	things := record.NewTable[int](s, "thing")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	count := func(key string) {
		t.Helper()
		_, err := things.Update(t.Context(), key, func(n int) (int, error) { return n + 1, nil })
		must(err)
	}
	obstruct := func() { // a file in place of the folder
		t.Helper()
		must(os.Rename(dir, dir+".away"))
		must(os.WriteFile(dir, nil, 0o600))
	}
	clear := func() {
		t.Helper()
		must(os.Remove(dir))
		must(os.Rename(dir+".away", dir))
	}
	for _, k := range []string{"a", "b", "c"} {
		must(things.Create(t.Context(), k, 0))
	}

	obstruct()
	count("a")
	count("a")
	must(things.Delete(t.Context(), "b"))
	if v, _ := things.Get("a"); v != 2 {
		t.Errorf("a is %d after two counts", v)
	}
	if want := []string{"a", "b"}; !slices.Equal(failed, want) {
		t.Errorf("told of %v, want %v", failed, want)
	}
	clear()
	count("c")
	obstruct()
	count("c")
	clear()
	must(s.Close())

	must(b.JetStream().DeleteKeyValue(t.Context(), "millrace-records"))
	if s, err = record.OpenCopied(t.Context(), b.JetStream(), &record.Copies{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	things = record.NewTable[int](s, "thing")
	if got := fmt.Sprint(things.Keys(""), things.List("")); got != "[a c] [2 2]" {
		t.Errorf("the copies hold %s, want [a c] [2 2]", got)
	}
}
