package record_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/store/backbone"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/record"
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
		s := record.New(b.JetStream(), &record.Copies{Dir: dir, OnRestore: func(kind, key string) error {
			restored = append(restored, kind+" "+key)
			return nil
		}})
		if err := s.Start(t.Context()); err != nil {
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
	s.Stop(t.Context())

	s, _ = open()
	if len(restored) != 0 {
		t.Errorf("restored %v from a whole bucket", restored)
	}
	s.Stop(t.Context())

	if err := b.JetStream().DeleteKeyValue(t.Context(), "millrace-records"); err != nil {
		t.Fatal(err)
	}
	s, things = open()
	defer s.Stop(t.Context())
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
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("%d files, want the journal", len(files))
	}
}

// A record whose copy cannot be written is written all the same: who would be
// told otherwise might do it twice. The copy follows.
func TestCopyThatCannotBeWritten(t *testing.T) {
	b := backbonetest.Start(t, t.TempDir())
	dir := filepath.Join(t.TempDir(), "copies")
	var failed []string
	s := record.New(b.JetStream(), &record.Copies{Dir: dir, OnFailure: func(kind, key string, err error) {
		failed = append(failed, key)
	}})
	if err := s.Start(t.Context()); err != nil {
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
	must(s.Stop(t.Context()))

	must(b.JetStream().DeleteKeyValue(t.Context(), "millrace-records"))
	s = record.New(b.JetStream(), &record.Copies{Dir: dir})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer s.Stop(t.Context())
	things = record.NewTable[int](s, "thing")
	if got := fmt.Sprint(things.Keys(""), things.List("")); got != "[a c] [2 2]" {
		t.Errorf("the copies hold %s, want [a c] [2 2]", got)
	}
}

// A copiedStore is one with copies, in a folder that is copied as a killed process
// leaves it.
type copiedStore struct {
	*testing.T
	dir      string
	backbone *backbone.Backbone
	store    *record.Store
	restored []string
}

func openCopied(t *testing.T, dir string) *copiedStore {
	t.Helper()
	c := &copiedStore{T: t, dir: dir, backbone: backbonetest.Start(t, filepath.Join(dir, "store"))}
	c.reopen()
	t.Cleanup(func() { c.store.Stop(context.Background()) })
	return c
}

func (c *copiedStore) reopen() {
	c.Helper()
	c.store = record.New(c.backbone.JetStream(), &record.Copies{Dir: filepath.Join(c.dir, "copies"), OnRestore: func(kind, key string) error {
		c.restored = append(c.restored, key)
		return nil
	}})
	if err := c.store.Start(c.Context()); err != nil {
		c.Fatal(err)
	}
}

// kill returns the folder as it is now.
func (c *copiedStore) kill() (dir string) {
	c.Helper()
	dir = c.TempDir()
	if err := os.CopyFS(dir, os.DirFS(c.dir)); err != nil {
		c.Fatal(err)
	}
	return dir
}

func (c *copiedStore) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

func (c *copiedStore) messages() uint64 {
	c.Helper()
	s, err := c.backbone.JetStream().Stream(c.Context(), "KV_millrace-records")
	c.must(err)
	return s.CachedInfo().State.Msgs
}

// What is deleted leaves nothing behind, in the bucket, the mirror or the copies,
// and does not come back: neither from its copy nor from an older revision in the
// files of a bucket that was killed before it knew all its deletions.
func TestDeletedLeavesNothing(t *testing.T) {
	c := openCopied(t, t.TempDir())
	things := record.NewTable[int](c.store, "thing")
	more := func(n int) (int, error) { return n + 1, nil }
	c.must(things.Create(t.Context(), "stays", 1))
	for i := range 200 {
		key := fmt.Sprint(i % 100) // some twice
		c.must(things.Create(t.Context(), key, 1))
		_, err := things.Update(t.Context(), key, more)
		c.must(err)
		c.must(things.Delete(t.Context(), key))
	}
	if n, rows := c.messages(), c.store.Rows(); n != 1 || rows != 1 {
		t.Errorf("%d messages and %d rows are left, want one each", n, rows)
	}
	killed := openCopied(t, c.kill())
	things = record.NewTable[int](killed.store, "thing")
	if got := fmt.Sprint(things.Keys(""), killed.restored); got != "[stays] []" {
		t.Errorf("after a kill there are %s", got)
	}
	if n := killed.messages(); n != 1 {
		t.Errorf("after a kill the bucket has %d messages", n)
	}
	killed.must(killed.store.Stop(killed.Context()))
	if info, err := os.Stat(filepath.Join(killed.dir, "copies", "journal")); err != nil || info.Size() > 1000 {
		t.Errorf("the copies of one record: %v, %v", info.Size(), err)
	}
}

// A table that is marked knows what was deleted, also after a kill, until it is
// told to forget.
func TestMarked(t *testing.T) {
	c := openCopied(t, t.TempDir())
	things := record.NewTable[int](c.store, "thing").KeepMarkers()
	for _, key := range []string{"a", "b"} {
		c.must(things.Create(t.Context(), key, 1))
		c.must(things.Delete(t.Context(), key))
	}
	killed := openCopied(t, c.kill())
	things = record.NewTable[int](killed.store, "thing").KeepMarkers()
	if got := things.State("a"); got != record.Deleted {
		t.Errorf("state %d after a kill, want %d", got, record.Deleted)
	}
	killed.must(things.Forget(t.Context(), "a"))
	if n, rows := killed.messages(), killed.store.Rows(); n != 1 || rows != 1 {
		t.Errorf("%d messages and %d rows are left, want one each", n, rows)
	}
	killed.must(things.Create(t.Context(), "c", 1))
	killed.must(things.Delete(t.Context(), "c"))
	killed.must(killed.store.ForgetOld(t.Context()))
	if got := fmt.Sprint(things.State("a"), things.State("b"), things.State("c")); got != fmt.Sprint(record.Absent, record.Absent, record.Deleted) {
		t.Errorf("once settled the states are %s", got)
	}
}

// Whatever is damaged in the journal, the bucket's records stay, and a bucket that
// is lost gets back what can be read.
func TestDamagedJournal(t *testing.T) {
	c := openCopied(t, t.TempDir())
	things := record.NewTable[string](c.store, "thing")
	for i := range 9 {
		c.must(things.Create(t.Context(), fmt.Sprint(i), "text"))
	}
	c.must(things.Create(t.Context(), "x", "text"))
	c.must(things.Delete(t.Context(), "x"))
	c.must(c.store.Stop(c.Context()))
	c.reopen() // writes the journal anew
	things = record.NewTable[string](c.store, "thing")
	c.must(things.Create(t.Context(), "9", "text"))
	c.must(c.store.Stop(c.Context()))
	journal := filepath.Join(c.dir, "copies", "journal")
	whole, err := os.ReadFile(journal)
	c.must(err)
	for at := 0; at < len(whole); at += 11 {
		for name, b := range map[string][]byte{"cut": whole[:at], "flipped": slices.Concat(whole[:at], []byte{whole[at] ^ 0x10}, whole[at+1:])} {
			c.must(os.WriteFile(journal, b, 0o600))
			c.reopen()
			if got := len(record.NewTable[string](c.store, "thing").List("")); got != 10 || len(c.restored) != 0 {
				t.Fatalf("%s at %d: %d records are left, and %v restored", name, at, got, c.restored)
			}
			c.must(c.store.Stop(c.Context()))
		}
	}
	c.must(os.WriteFile(journal, bytes.Replace(whole, []byte("thing/4"), []byte("thing/5"), 1), 0o600))
	c.must(c.backbone.JetStream().DeleteKeyValue(t.Context(), "millrace-records"))
	c.reopen()
	if got := len(record.NewTable[string](c.store, "thing").List("")); got != 9 || len(c.restored) != 9 {
		t.Errorf("%d of ten are back, %v restored; want the nine whose copy is whole", got, c.restored)
	}
}

// Copies that a version without a journal made are as good.
func TestCopiesInFiles(t *testing.T) {
	dir := t.TempDir()
	copies := filepath.Join(dir, "copies")
	if err := os.MkdirAll(copies, 0o700); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("7"))
	file := fmt.Sprintf(`{"key":"thing/a","revision":3,"value":"Nw==","sum":"%x"}`, sum)
	for name, text := range map[string]string{"1.json": file, "2.json": "damaged"} {
		if err := os.WriteFile(filepath.Join(copies, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := openCopied(t, dir)
	if v, _ := record.NewTable[int](c.store, "thing").Get("a"); v != 7 {
		t.Errorf("the record is %d, want 7", v)
	}
	if files, _ := os.ReadDir(copies); len(files) != 1 {
		t.Errorf("there are %v, want the journal alone", files)
	}
}
