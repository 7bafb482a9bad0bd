package record_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"millrace/runtime/fault"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/record"
)

func TestMain(m *testing.M) { os.Exit(backbonetest.Main(m)) }

type thing struct{ N int }

func open(t *testing.T, b *backbone.Backbone) *record.Store {
	t.Helper()
	s := record.New(b.JetStream(), nil)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop(context.Background()) })
	return s
}

func TestRecords(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	b := backbonetest.Start(t, dir)
	things := record.NewTable[thing](open(t, b), "thing")
	others := record.NewTable[thing](open(t, b), "other")

	for i, key := range []string{"b", "a", "a/b.c d=é", "c"} {
		if err := things.Create(ctx, key, thing{i}); err != nil {
			t.Fatal(err)
		}
	}
	if err := things.Create(ctx, "a", thing{}); !errors.Is(err, fault.Exists) {
		t.Errorf("creating again: %v", err)
	}
	if got := fmt.Sprint(things.Keys("a")); got != "[a a/b.c d=é]" {
		t.Errorf("keys %s", got)
	}
	if got := fmt.Sprint(things.List("")); got != "[{1} {2} {0} {3}]" {
		t.Errorf("list %s", got)
	}
	if _, ok := others.Get("a"); ok {
		t.Error("tables are mixed up")
	}

	add := func(v thing) (thing, error) { v.N += 10; return v, nil }
	if v, err := things.Update(ctx, "a", add); err != nil || v.N != 11 {
		t.Errorf("update: %v, %v", v, err)
	}
	if _, err := things.Update(ctx, "none", add); !errors.Is(err, fault.NotFound) {
		t.Errorf("updating nothing: %v", err)
	}
	refused := errors.New("refused")
	if _, err := things.Update(ctx, "a", func(v thing) (thing, error) { return v, refused }); err != refused {
		t.Errorf("the error of the change: %v", err)
	}

	if err := things.Delete(ctx, "b"); err != nil {
		t.Fatal(err)
	}
	if err := things.Delete(ctx, "b"); !errors.Is(err, fault.NotFound) {
		t.Errorf("deleting again: %v", err)
	}
	if err := things.Create(ctx, "b", thing{20}); err != nil {
		t.Errorf("creating what was deleted: %v", err)
	}

	if err := b.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	s := open(t, backbonetest.Start(t, dir))
	things = record.NewTable[thing](s, "thing")
	if got := fmt.Sprint(things.List("")); got != "[{11} {2} {20} {3}]" {
		t.Errorf("after a restart: %s", got)
	}
	newest := s.Newest()
	if err := things.Create(ctx, "new", thing{4}); err != nil {
		t.Fatal(err)
	}
	if err := s.RemoveUpTo(ctx, newest); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(things.List("")); got != "[{4}]" {
		t.Errorf("after the removal of what was older: %s", got)
	}
	if err := s.Reset(ctx); err != nil {
		t.Fatal(err)
	}
	if got := things.List(""); got != nil {
		t.Errorf("after a reset: %v", got)
	}
}

// A record that cannot be read, say of a newer version, is not one that was
// deleted, nor one that never was.
// A key that NATS could not take is refused, and the connection lives on.
func TestOverlongKey(t *testing.T) {
	ctx := t.Context()
	things := record.NewTable[thing](open(t, backbonetest.Start(t, t.TempDir())), "thing")
	long := strings.Repeat("é", 2000)
	if err := things.Create(ctx, long, thing{}); !errors.Is(err, fault.Invalid) {
		t.Errorf("creating: %v", err)
	}
	if _, err := things.Find(ctx, long); !errors.Is(err, fault.NotFound) {
		t.Errorf("finding: %v", err)
	}
	if err := things.Create(ctx, "a", thing{}); err != nil {
		t.Error(err)
	}
}

// When nothing may be created or changed, what is there can be removed, and what
// makes room be written.
func TestGuard(t *testing.T) {
	ctx := t.Context()
	store := open(t, backbonetest.Start(t, t.TempDir()))
	things, vital := record.NewTable[thing](store, "thing"), record.NewTable[thing](store, "vital").Unguarded()
	if err := things.Create(ctx, "a", thing{}); err != nil {
		t.Fatal(err)
	}
	more := func(v thing) (thing, error) { v.N++; return v, nil }
	created, changed := errors.New("created"), errors.New("changed")
	store.Guard(full{created}, full{changed})
	if err := things.Create(ctx, "b", thing{}); !errors.Is(err, created) {
		t.Errorf("creating: %v", err)
	}
	if _, err := things.Update(ctx, "a", more); !errors.Is(err, changed) {
		t.Errorf("changing: %v", err)
	}
	if err := vital.Create(ctx, "a", thing{}); err != nil {
		t.Errorf("creating what is vital: %v", err)
	}
	if _, err := vital.Update(ctx, "a", more); err != nil {
		t.Errorf("changing what is vital: %v", err)
	}
	if err := things.Delete(ctx, "a"); err != nil {
		t.Errorf("deleting: %v", err)
	}
}

// full is a limit that is reached.
type full struct{ error }

func (f full) Admit(int) error { return f.error }

func TestStates(t *testing.T) {
	s := open(t, backbonetest.Start(t, t.TempDir()))
	things, newer := record.NewTable[thing](s, "thing"), record.NewTable[string](s, "thing")
	for _, key := range []string{"present", "deleted"} {
		if err := things.Create(t.Context(), key, thing{1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := things.Delete(t.Context(), "deleted"); err != nil {
		t.Fatal(err)
	}
	if err := newer.Create(t.Context(), "unreadable", "PT30S"); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]record.State{
		"absent": record.Absent, "deleted": record.Deleted, "present": record.Present, "unreadable": record.Unreadable,
	} {
		if got := things.State(key); got != want {
			t.Errorf("%s: state %d, want %d", key, got, want)
		}
	}
	if got := fmt.Sprint(things.Keys(""), things.List("")); got != "[present unreadable] [{1}]" {
		t.Errorf("keys and list: %s", got)
	}
}

// TestTwoRuntimes has two stores on one bucket, each with a mirror of its own.
func TestTwoRuntimes(t *testing.T) {
	b := backbonetest.Start(t, t.TempDir())
	one := record.NewTable[thing](open(t, b), "thing")
	two := record.NewTable[thing](open(t, b), "thing")
	ctx := t.Context()
	if err := one.Create(ctx, "k", thing{}); err != nil {
		t.Fatal(err)
	}
	if got, err := two.Find(ctx, "k"); err != nil {
		t.Errorf("what the other created: %v, %v", got, err)
	}
	if got, err := two.Find(ctx, "none"); !errors.Is(err, fault.NotFound) {
		t.Errorf("what nobody created: %v, %v", got, err)
	}
	if err := two.Create(ctx, "k", thing{}); !errors.Is(err, fault.Exists) {
		t.Fatalf("creating what the other created: %v", err)
	}
	if err := one.Create(ctx, "l", thing{}); err != nil {
		t.Fatal(err)
	}
	if err := two.Create(ctx, "l", thing{}); !errors.Is(err, fault.Exists) {
		t.Fatalf("creating what the other created: %v", err)
	}
	if _, ok := two.Get("l"); !ok {
		t.Error("what is there is not seen after it was in the way")
	}
	const each = 50
	var wg sync.WaitGroup
	for _, table := range []*record.Table[thing]{one, two} {
		wg.Go(func() {
			for range each {
				for { // the mirror may not have seen the creation yet
					_, err := table.Update(ctx, "k", func(v thing) (thing, error) { v.N++; return v, nil })
					if err == nil {
						break
					}
					if !errors.Is(err, fault.NotFound) {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	v, err := one.Update(ctx, "k", func(v thing) (thing, error) { return v, nil })
	if err != nil || v.N != 2*each {
		t.Errorf("got %v, %v, want %d increments", v, err, 2*each)
	}
}

// TestDeletedStaysDeleted lets the follower catch up after each write: what it
// brings late must not undo what was written since.
func TestDeletedStaysDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		b := backbone.New(backbone.Config{Dir: t.TempDir()})
		if err := b.Start(ctx); err != nil {
			t.Fatal(err)
		}
		defer b.Stop(ctx)
		s := record.New(b.JetStream(), nil)
		if err := s.Start(ctx); err != nil {
			t.Fatal(err)
		}
		defer s.Stop(t.Context())
		things := record.NewTable[thing](s, "thing")
		for i := range 20 {
			if err := things.Create(ctx, "k", thing{i}); err != nil {
				t.Fatal(err)
			}
			if err := things.Delete(ctx, "k"); err != nil {
				t.Fatal(err)
			}
			if i%2 == 0 {
				synctest.Wait()
			}
			if _, ok := things.Get("k"); ok {
				t.Fatal("it is back")
			}
		}
	})
}

// What a reader does to what it was given, no other reader sees, and no change
// begins with.
func TestReadersOwnWhatTheyGet(t *testing.T) {
	things := record.NewTable[map[string][]string](open(t, backbonetest.Start(t, t.TempDir())), "thing")
	made := map[string][]string{"a": {"b"}}
	if err := things.Create(t.Context(), "k", made); err != nil {
		t.Fatal(err)
	}
	harm := func(v map[string][]string) { v["a"][0], v["c"] = "z", nil }
	harm(made)
	for range 2 {
		v, _ := things.Get("k")
		harm(v)
		harm(things.List("")[0])
		things.Keys("")[0] = "z"
	}
	refused := errors.New("refused")
	if _, err := things.Update(t.Context(), "k", func(v map[string][]string) (map[string][]string, error) { harm(v); return v, refused }); err != refused {
		t.Fatal(err)
	}
	v, _ := things.Get("k")
	if got := fmt.Sprint(v, things.Keys("")); got != "map[a:[b]] [k]" {
		t.Errorf("the record is %s", got)
	}
}
