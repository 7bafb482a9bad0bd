package record_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/backbone"
	"millrace/runtime/backbone/backbonetest"
	"millrace/runtime/record"
)

// copied opens records with copies beside the backbone.
func copied(t *testing.T, b *backbone.Backbone, dir string) *record.Store {
	t.Helper()
	s, err := record.OpenCopied(t.Context(), b.JetStream(), &record.Copies{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// stored counts what is in the bucket, markers included.
func stored(t *testing.T, b *backbone.Backbone) int {
	t.Helper()
	s, err := b.JetStream().Stream(t.Context(), "KV_millrace-records")
	if err != nil {
		t.Fatal(err)
	}
	return int(s.CachedInfo().State.Msgs)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// What is deleted leaves nothing behind, in the bucket, in memory and among the
// copies, and does not come back.
func TestDeletedIsForgotten(t *testing.T) {
	b := backbonetest.Start(t, t.TempDir())
	dir := filepath.Join(t.TempDir(), "copies")
	s := copied(t, b, dir)
	things := record.NewTable[thing](s, "thing")
	must(t, things.Create(t.Context(), "stays", thing{1}))
	for i := range 250 {
		key := fmt.Sprint(i)
		must(t, things.Create(t.Context(), key, thing{i}))
		must(t, things.Delete(t.Context(), key))
		if n := stored(t, b); n > 101 {
			t.Fatalf("%d messages in the bucket after %d records came and went", n, i+1)
		}
	}
	absent := 0
	for i := range 250 {
		if things.State(fmt.Sprint(i)) == record.Absent {
			absent++
		}
	}
	if absent < 150 {
		t.Errorf("%d of 250 are forgotten", absent)
	}
	must(t, things.Create(t.Context(), "0", thing{7})) // it can be used again
	must(t, s.Close())
	if copies, _ := os.ReadDir(dir); len(copies) != 2 {
		t.Errorf("%d copies, want 2", len(copies))
	}
	s = copied(t, b, dir)
	defer s.Close()
	if got := fmt.Sprint(record.NewTable[thing](s, "thing").Keys("")); got != "[0 stays]" {
		t.Errorf("after a restart there are %s", got)
	}
}

// Who asks what was deleted is told so until he needs it no more.
func TestMarkedDeletions(t *testing.T) {
	b := backbonetest.Start(t, t.TempDir())
	dir := filepath.Join(t.TempDir(), "copies")
	s := copied(t, b, dir)
	queues := record.NewTable[thing](s, "queue").Marked()
	churn := func() {
		t.Helper()
		things := record.NewTable[thing](s, "thing")
		for i := range 120 {
			must(t, things.Create(t.Context(), fmt.Sprint(i), thing{}))
			must(t, things.Delete(t.Context(), fmt.Sprint(i)))
		}
	}
	for _, k := range []string{"a", "b"} {
		must(t, queues.Create(t.Context(), k, thing{}))
		must(t, queues.Delete(t.Context(), k))
	}
	churn()
	must(t, s.Close())
	s = copied(t, b, dir)
	defer func() { s.Close() }()
	queues = record.NewTable[thing](s, "queue").Marked()
	churn()
	if queues.State("a") != record.Deleted || queues.State("b") != record.Deleted {
		t.Fatalf("a is %v, b is %v", queues.State("a"), queues.State("b"))
	}
	queues.Forget("a")
	churn()
	if queues.State("a") != record.Absent || queues.State("b") != record.Deleted {
		t.Errorf("after Forget a is %v, b is %v", queues.State("a"), queues.State("b"))
	}
	queues.ForgetAll()
	churn()
	if queues.State("b") != record.Absent {
		t.Errorf("after ForgetAll b is %v", queues.State("b"))
	}
}

// A marker stays as long as the copy of what was deleted does: the next start would
// bring it back.
func TestMarkersOutliveCopies(t *testing.T) {
	b := backbonetest.Start(t, t.TempDir())
	dir := filepath.Join(t.TempDir(), "copies")
	s := copied(t, b, dir)
	things := record.NewTable[thing](s, "thing")
	for i := range 150 {
		must(t, things.Create(t.Context(), fmt.Sprint(i), thing{}))
	}
	must(t, os.Rename(dir, dir+".away"))
	must(t, os.WriteFile(dir, nil, 0o600)) // a file in place of the folder
	for i := range 150 {
		must(t, things.Delete(t.Context(), fmt.Sprint(i)))
	}
	must(t, os.Remove(dir)) // as a kill would leave it
	must(t, os.Rename(dir+".away", dir))
	s = copied(t, b, dir)
	defer s.Close()
	if keys := record.NewTable[thing](s, "thing").Keys(""); len(keys) != 0 {
		t.Errorf("%d of what was deleted came back", len(keys))
	}
}

// A meddler does something just before markers are purged.
type meddler struct {
	jetstream.JetStream
	before func()
}

func (m *meddler) Stream(ctx context.Context, name string) (jetstream.Stream, error) {
	m.before()
	return m.JetStream.Stream(ctx, name)
}

// What is made again while markers are purged is not lost.
func TestForgettingLosesNothing(t *testing.T) {
	b := backbonetest.Start(t, t.TempDir())
	js := &meddler{b.JetStream(), func() {}}
	s, err := record.OpenCopied(t.Context(), js, &record.Copies{Dir: filepath.Join(t.TempDir(), "copies")})
	must(t, err)
	defer s.Close()
	things := record.NewTable[thing](s, "thing")
	again := 0
	js.before = func() {
		again++
		must(t, things.Create(t.Context(), "0", thing{7}))
	}
	for i := range 100 {
		must(t, things.Create(t.Context(), fmt.Sprint(i), thing{i}))
		must(t, things.Delete(t.Context(), fmt.Sprint(i)))
	}
	if v, ok := record.NewTable[thing](open(t, b), "thing").Get("0"); !ok || v.N != 7 || again != 1 {
		t.Errorf("what was made again is %v, %v; markers were purged %d times", v, ok, again)
	}
	if v, ok := things.Get("0"); !ok || v.N != 7 {
		t.Errorf("here it is %v, %v", v, ok)
	}
}

// A record that is over is found by nobody, can be made again, and is removed.
func TestExpiring(t *testing.T) {
	b := backbonetest.Start(t, t.TempDir())
	s := open(t, b)
	now := time.Unix(1000, 0)
	table := record.NewTable[time.Time](s, "lent").Expiring(func(until time.Time) time.Time { return until }, func() time.Time { return now })
	must(t, table.Create(t.Context(), "short", now.Add(time.Second)))
	must(t, table.Create(t.Context(), "long", now.Add(time.Hour)))
	if _, ok := table.Get("short"); !ok {
		t.Error("it is over before its time")
	}
	now = now.Add(time.Second)
	if _, ok := table.Get("short"); ok {
		t.Error("Get finds one that is over")
	}
	if _, err := table.Find(t.Context(), "short"); err == nil {
		t.Error("Find finds one that is over")
	}
	if got := fmt.Sprint(table.Keys(""), len(table.List(""))); got != "[long] 1" {
		t.Errorf("there are %s", got)
	}
	same := func(v time.Time) (time.Time, error) { return v, nil }
	if _, err := table.Update(t.Context(), "short", same); err == nil {
		t.Error("one that is over was changed")
	}
	must(t, table.Create(t.Context(), "short", now.Add(time.Second)))
	if _, ok := table.Get("short"); !ok {
		t.Error("made again, it is not there")
	}
	now = now.Add(time.Minute)
	must(t, table.Create(t.Context(), "other", now.Add(time.Hour)))
	if got := fmt.Sprint(record.NewTable[time.Time](s, "lent").Keys("")); got != "[long other]" {
		t.Errorf("%s are stored, want [long other]", got)
	}
}
