package blobtest

import (
	"context"
	"errors"
	"io"
	"runtime"
	"testing"

	"millrace/runtime/object/blob"
)

// canceled stops a writer through its context.
func canceled(t *testing.T, w World) {
	ctx, cancel := context.WithCancel(t.Context())
	b, err := w.Store.Create(ctx, bucket)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Write(Text(1<<20, 1)); err != nil {
		t.Fatal(err)
	}
	cancel()
	_, err = b.Commit()
	if !errors.Is(err, context.Canceled) {
		t.Errorf("committed with %v", err)
	}
	b.Discard()
	if n := all(t, w); n != 0 {
		t.Errorf("%d are left", n)
	}
}

// Large stores and reads so many bytes, and returns how many were allocated for that
// in this process.
func Large(t *testing.T, s blob.Store, size int64) (allocated uint64) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	piece := Text(64<<10+16, 1)
	w, err := s.Create(t.Context(), bucket)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Discard()
	for at := int64(0); at < size; at += int64(len(piece)) {
		if _, err := w.Write(piece[:min(int64(len(piece)), size-at)]); err != nil {
			t.Fatal(err)
		}
	}
	name, err := w.Commit()
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Open(t.Context(), bucket, name)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got := make([]byte, len(piece))
	for at := int64(0); at < size; at += int64(len(got)) {
		n, err := r.ReadAt(got, at)
		if want := int(min(int64(len(got)), size-at)); n != want || string(got[:n]) != string(piece[:n]) || err != nil && err != io.EOF {
			t.Fatalf("at %d: %d bytes, %v", at, n, err)
		}
	}
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
