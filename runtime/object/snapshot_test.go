package object

import (
	"bytes"
	"errors"
	"fmt"
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

// A snapshot is written beside later batches, and has nothing of them.
func TestSnapshotBesideBatches(t *testing.T) {
	b := newBucket(t, Unversioned)
	for i := range 1000 {
		b.do(put(fmt.Sprint(i), "before"))
	}
	want, write := stateOf(t, b.m), b.m.Snapshot()
	var got bytes.Buffer
	done := make(chan error)
	go func() { done <- write(&got) }()
	for i := range 1000 {
		b.do(put(fmt.Sprint(i), "after"), &Delete{Key: fmt.Sprint(i + 1)})
	}
	if err := <-done; err != nil || !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%v; the snapshot is not of the state before", err)
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
