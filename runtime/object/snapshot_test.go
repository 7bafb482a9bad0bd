package object

import (
	"bytes"
	"errors"
	"testing"
)

func TestDamagedSnapshots(t *testing.T) {
	b := entriesOfAllKinds(t)
	good := stateOf(t, b.m)
	for i := range good {
		damaged := bytes.Clone(good)
		damaged[i] ^= 0x10
		if _, err := Restore([16]byte{1}, bytes.NewReader(damaged)); !errors.Is(err, ErrDamagedEntry) && !errors.Is(err, ErrUnknownVersion) {
			t.Fatalf("a flipped bit in byte %d of %d: %v", i, len(good), err)
		}
		if _, err := Restore([16]byte{1}, bytes.NewReader(good[:i])); !errors.Is(err, ErrDamagedEntry) {
			t.Fatalf("%d bytes of %d: %v", i, len(good), err)
		}
	}
	m, err := Restore([16]byte{1}, bytes.NewReader(good))
	if err != nil || !bytes.Equal(stateOf(t, m), good) || m.LastEntry() != b.m.LastEntry() {
		t.Errorf("%v; the same state has another snapshot", err)
	}
}

// FuzzRestore reads what no machine has written, in blocks that are whole.
func FuzzRestore(f *testing.F) {
	var t testing.T
	b := stateOf(&t, entriesOfAllKinds(&t).m)
	head := len(snapshotMagic) + 1 + blockHead
	f.Add(b[head : len(b)-blockHead])
	f.Fuzz(func(t *testing.T, contents []byte) {
		var to bytes.Buffer
		to.Write(append([]byte(snapshotMagic), snapshotVersion))
		w := snapshotWriter{to: &to}
		w.flush()
		w.block = append(w.block, contents...)
		w.flush()
		w.flush()
		if m, err := Restore([16]byte{1}, &to); err == nil {
			lookAtEverything(t, m)
		}
	})
}
