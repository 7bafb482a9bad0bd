package record_test

import (
	"os"
	"path/filepath"
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
