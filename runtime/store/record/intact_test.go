package record_test

import (
	"errors"
	"path/filepath"
	"testing"

	"millrace/runtime/fault"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/record"
)

// A write that the bucket acknowledged is told to nobody when the next start will
// not find it; before that, nothing is written.
func TestWritesThatAreNotIntact(t *testing.T) {
	b := backbonetest.Start(t, t.TempDir())
	gone := fault.New(fault.Unavailable, "the folder is gone")
	well := 0 // how often all is well, from now on
	s := record.New(b.JetStream(), &record.Copies{Dir: filepath.Join(t.TempDir(), "copies"), Intact: func() error {
		if well--; well < 0 {
			return gone
		}
		return nil
	}})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer s.Stop(t.Context())
	things := record.NewTable[int](s, "thing")
	create := func(key string) error { return things.Create(t.Context(), key, 1) }
	for well = range 2 { // gone before, and gone meanwhile
		if err := create("a"); !errors.Is(err, gone) || fault.Of(err) != fault.Unavailable {
			t.Errorf("a create, after %d times well: %v", well, err)
		}
	}
	well = 2
	if err := create("b"); err != nil {
		t.Fatal(err)
	}
	for well = range 2 {
		if err := things.Delete(t.Context(), "b"); !errors.Is(err, gone) {
			t.Errorf("a delete, after %d times well: %v", well, err)
		}
	}
	well = 0
	if err := things.Refresh(t.Context(), "c"); !errors.Is(err, gone) {
		t.Errorf("a refresh: %v", err)
	}
}
