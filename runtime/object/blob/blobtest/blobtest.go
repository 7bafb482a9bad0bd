// Package blobtest is the conformance kit of blob.Store: what every store of blobs
// promises, whatever it stores them in.
//
//	func TestFiles(t *testing.T) {
//		blobtest.Exercise(t, func(t *testing.T) blobtest.World { ... })
//	}
package blobtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"millrace/runtime/fault"
	"millrace/runtime/object/blob"
)

// A World is what is stored somewhere.
type World struct {
	Store blob.Store

	// Another opens it a second time, as a runtime does that runs beside this one, or
	// after it has been killed.
	Another func(t *testing.T) blob.Store

	// Old makes what Store has written old enough for Another to sweep it.
	Old func(t *testing.T)
}

// Bucket is where the kit stores most.
const Bucket = "generation-7"

const bucket = Bucket

// Exercise runs the kit. Each test gets a world of its own, with nothing in it.
func Exercise(t *testing.T, world func(t *testing.T) World) {
	for name, test := range map[string]func(*testing.T, World){
		"RoundTrip": roundTrip, "ReadAt": readAt, "Missing": missing, "Discard": discard, "Ended": ended, "Canceled": canceled,
		"Remove": remove, "RemoveWhileOpen": removeWhileOpen, "RemoveBucket": removeBucket, "RemoveBucketWhileOpen": removeBucketWhileOpen,
		"Buckets": buckets, "BadNames": badNames, "SweepLeftovers": sweepLeftovers, "SweepSparesWhatIsWritten": sweepSpares, "Concurrent": concurrent,
	} {
		t.Run(name, func(t *testing.T) { test(t, world(t)) })
	}
}

// Text is so many bytes, no two pieces of which are alike, the same for a seed.
func Text(size int, seed byte) []byte {
	b := make([]byte, size)
	rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

// MustPut stores a blob, written in pieces.
func MustPut(t testing.TB, s blob.Store, bucket string, text []byte) (name string) {
	t.Helper()
	w, err := s.Create(t.Context(), bucket)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Discard()
	for p := range slices.Chunk(text, 64<<10+16) {
		if n, err := w.Write(p); n != len(p) || err != nil {
			t.Fatal(n, err)
		}
	}
	if name, err = w.Commit(); err != nil {
		t.Fatal(err)
	}
	return name
}

// MustGet reads a blob.
func MustGet(t testing.TB, s blob.Store, bucket, name string) []byte {
	t.Helper()
	r, err := s.Open(t.Context(), bucket, name)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
	if err != nil || int64(len(text)) != r.Size() {
		t.Fatalf("read %d bytes of %d: %v", len(text), r.Size(), err)
	}
	return text
}

func isGone(t *testing.T, s blob.Store, bucket, name string) {
	t.Helper()
	if r, err := s.Open(t.Context(), bucket, name); !errors.Is(err, fault.NotFound) {
		if err == nil {
			r.Close()
		}
		t.Errorf("%s: opened with %v", name, err)
	}
}

func roundTrip(t *testing.T, w World) {
	for i, size := range []int{0, 1, 64<<10 - 1, 64 << 10, 128 << 10, 128<<10 + 1, 256 << 10, 1 << 20, 3<<20 + 5} {
		text := Text(size, byte(i))
		name := MustPut(t, w.Store, bucket, text)
		if len(name) != 32 {
			t.Errorf("its name is %q", name)
		}
		for who, s := range map[string]blob.Store{"": w.Store, "another process: ": w.Another(t)} {
			if !bytes.Equal(MustGet(t, s, bucket, name), text) {
				t.Errorf("%s%d bytes: read others", who, size)
			}
		}
	}
}

func readAt(t *testing.T, w World) {
	text := Text(1<<20+7, 1)
	r, err := w.Store.Open(t.Context(), bucket, MustPut(t, w.Store, bucket, text))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			for range 50 {
				off := random.IntN(len(text))
				p := make([]byte, random.IntN(200<<10))
				n, err := r.ReadAt(p, int64(off))
				want := min(len(p), len(text)-off)
				if n != want || !bytes.Equal(p[:n], text[off:off+n]) || n < len(p) && err != io.EOF || n == len(p) && err != nil && err != io.EOF {
					t.Errorf("%d bytes at %d: got %d, %v", len(p), off, n, err)
				}
			}
		})
	}
	all.Wait()
	if n, err := r.ReadAt(make([]byte, 1), int64(len(text))); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d, %v", n, err)
	}
}

func missing(t *testing.T, w World) {
	isGone(t, w.Store, bucket, "00112233445566778899aabbccddeeff")
	MustPut(t, w.Store, bucket, nil)
	isGone(t, w.Store, bucket, "00112233445566778899aabbccddeeff")
	if err := w.Store.Remove(t.Context(), bucket, "00112233445566778899aabbccddeeff"); err != nil {
		t.Error(err)
	}
	if err := w.Store.Remove(t.Context(), "elsewhere", "00112233445566778899aabbccddeeff"); err != nil {
		t.Error(err)
	}
	if n, err := w.Store.Sweep(t.Context(), "elsewhere", nil); n != 0 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
	if err := w.Store.RemoveBucket(t.Context(), "elsewhere"); err != nil {
		t.Error(err)
	}
}

// all counts the blobs of a bucket, also those that are not named.
func all(t *testing.T, w World) (n int) {
	t.Helper()
	w.Old(t)
	if _, err := w.Another(t).Sweep(t.Context(), bucket, func(string) bool { n++; return true }); err != nil {
		t.Fatal(err)
	}
	return n
}

func discard(t *testing.T, w World) {
	for _, size := range []int{0, 100, 1 << 20} {
		b, err := w.Store.Create(t.Context(), bucket)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Write(Text(size, 1)); err != nil {
			t.Fatal(err)
		}
		b.Discard()
		b.Discard()
		if _, err := b.Commit(); err == nil {
			t.Error("committed what was discarded")
		}
	}
	if n := all(t, w); n != 0 {
		t.Errorf("%d blobs are left", n)
	}
}

func ended(t *testing.T, w World) {
	b, err := w.Store.Create(t.Context(), bucket)
	if err != nil {
		t.Fatal(err)
	}
	name, err := b.Commit()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Write([]byte{1}); err == nil {
		t.Error("wrote to what is committed")
	}
	if _, err := b.Commit(); err == nil {
		t.Error("committed twice")
	}
	b.Discard()
	if text := MustGet(t, w.Store, bucket, name); len(text) != 0 {
		t.Errorf("it has %d bytes", len(text))
	}
}

func remove(t *testing.T, w World) {
	var names []string
	for i := range 5 {
		names = append(names, MustPut(t, w.Store, bucket, Text(200<<10, byte(i))))
	}
	if err := w.Store.Remove(t.Context(), bucket, names[:4]...); err != nil {
		t.Fatal(err)
	}
	for _, name := range names[:4] {
		isGone(t, w.Store, bucket, name)
	}
	if !bytes.Equal(MustGet(t, w.Store, bucket, names[4]), Text(200<<10, 4)) {
		t.Error("the last one is another")
	}
	if n := all(t, w); n != 1 {
		t.Errorf("%d are left", n)
	}
}

func removeWhileOpen(t *testing.T, w World) {
	text := Text(1<<20, 1)
	name := MustPut(t, w.Store, bucket, text)
	var readers [2]blob.Reader
	for i := range readers {
		var err error
		if readers[i], err = w.Store.Open(t.Context(), bucket, name); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := w.Store.Remove(t.Context(), bucket, name); err != nil {
			t.Fatal(err)
		}
	}
	isGone(t, w.Store, bucket, name)
	for _, r := range readers {
		if got, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size())); err != nil || !bytes.Equal(got, text) {
			t.Errorf("read %d bytes, %v", len(got), err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	isGone(t, w.Store, bucket, name)
	if n := all(t, w); n != 0 {
		t.Errorf("%d are left", n)
	}
}

func removeBucket(t *testing.T, w World) {
	name, other := MustPut(t, w.Store, bucket, []byte("a")), MustPut(t, w.Store, "other", []byte("b"))
	if err := w.Store.RemoveBucket(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	isGone(t, w.Store, bucket, name)
	if got := MustGet(t, w.Store, "other", other); string(got) != "b" {
		t.Errorf("of the other bucket: %q", got)
	}
	name = MustPut(t, w.Store, bucket, []byte("again"))
	if got := MustGet(t, w.Store, bucket, name); string(got) != "again" {
		t.Errorf("got %q", got)
	}
}

func removeBucketWhileOpen(t *testing.T, w World) {
	text := Text(1<<20, 1)
	name := MustPut(t, w.Store, bucket, text)
	r, err := w.Store.Open(t.Context(), bucket, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Store.RemoveBucket(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	isGone(t, w.Store, bucket, name)
	if got, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size())); err != nil || !bytes.Equal(got, text) {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
	r.Close()
	if names, err := w.Store.Buckets(t.Context()); len(names) != 0 || err != nil {
		t.Errorf("there are still %q, %v", names, err)
	}
}

func buckets(t *testing.T, w World) {
	if names, err := w.Store.Buckets(t.Context()); len(names) != 0 || err != nil {
		t.Errorf("at first: %q, %v", names, err)
	}
	MustPut(t, w.Store, "b2", nil)
	MustPut(t, w.Store, "b1", nil)
	MustPut(t, w.Store, "b1", nil)
	names, err := w.Another(t).Buckets(t.Context())
	if slices.Sort(names); !slices.Equal(names, []string{"b1", "b2"}) || err != nil {
		t.Errorf("got %q, %v", names, err)
	}
}

// A name is read from the log, which may be damaged.
func badNames(t *testing.T, w World) {
	s := w.Store
	for _, name := range []string{"", ".", "x", "../../00112233445566778899aabbccddeeff", "00112233445566778899aabbccddee/f", "*", "00112233445566778899AABBCCDDEEFF"} {
		isGone(t, s, bucket, name)
		if err := s.Remove(t.Context(), bucket, name); err != nil {
			t.Errorf("removing %q: %v", name, err)
		}
	}
	for _, bucket := range []string{"", "..", "a/b", "a.b", "*", ">"} {
		if _, err := s.Create(t.Context(), bucket); !errors.Is(err, fault.Invalid) {
			t.Errorf("creating in %q: %v", bucket, err)
		}
		if err := s.RemoveBucket(t.Context(), bucket); !errors.Is(err, fault.Invalid) {
			t.Errorf("removing %q: %v", bucket, err)
		}
	}
}

// What a killed process left behind is swept, what is named is kept.
func sweepLeftovers(t *testing.T, w World) {
	kept, leftover := MustPut(t, w.Store, bucket, Text(1<<20, 1)), MustPut(t, w.Store, bucket, Text(1<<20, 2))
	half, err := w.Store.Create(t.Context(), bucket)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := half.Write(Text(1<<20, 3)); err != nil {
		t.Fatal(err)
	}
	w.Old(t)
	after := w.Another(t)
	removed, err := after.Sweep(t.Context(), bucket, func(name string) bool { return name == kept })
	if removed != 2 || err != nil {
		t.Errorf("removed %d, %v", removed, err)
	}
	isGone(t, after, bucket, leftover)
	if !bytes.Equal(MustGet(t, after, bucket, kept), Text(1<<20, 1)) {
		t.Error("what was kept is another")
	}
	if n := all(t, w); n != 1 {
		t.Errorf("%d are left", n)
	}
	if err := after.Remove(t.Context(), bucket, kept); err != nil {
		t.Fatal(err)
	}
	if removed, err := after.Sweep(t.Context(), bucket, func(string) bool { return false }); removed != 0 || err != nil {
		t.Errorf("of nothing, removed %d, %v", removed, err)
	}
}

// What is being written, and what was written a moment ago, may yet be named.
func sweepSpares(t *testing.T, w World) {
	s := w.Store
	committed := MustPut(t, s, bucket, []byte("committed"))
	b, err := s.Create(t.Context(), bucket)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Write(Text(1<<20, 3)); err != nil {
		t.Fatal(err)
	}
	if removed, err := s.Sweep(t.Context(), bucket, func(string) bool { return false }); removed != 0 || err != nil {
		t.Errorf("removed %d, %v", removed, err)
	}
	name, err := b.Commit()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(MustGet(t, s, bucket, name), Text(1<<20, 3)) || string(MustGet(t, s, bucket, committed)) != "committed" {
		t.Error("they are others")
	}
}

// concurrent has many write, read and remove while others sweep.
func concurrent(t *testing.T, w World) {
	s := w.Store
	stop := make(chan struct{})
	var sweeper, all sync.WaitGroup
	sweeper.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if n, err := s.Sweep(t.Context(), bucket, func(string) bool { return false }); n != 0 || err != nil {
				t.Errorf("swept %d, %v", n, err)
				return
			}
		}
	})
	for i := range 4 {
		all.Go(func() {
			for j := range 8 {
				if err := putAndRemove(t, s, Text(150<<10*(1+j%3), byte(10*i+j))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	close(stop)
	sweeper.Wait()
}

func putAndRemove(t *testing.T, s blob.Store, text []byte) error {
	b, err := s.Create(t.Context(), bucket)
	if err != nil {
		return err
	}
	defer b.Discard()
	if _, err := b.Write(text); err != nil {
		return err
	}
	name, err := b.Commit()
	if err != nil {
		return err
	}
	r, err := s.Open(t.Context(), bucket, name)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := s.Remove(t.Context(), bucket, name); err != nil {
		return err
	}
	got, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
	if err == nil && !bytes.Equal(got, text) {
		err = fmt.Errorf("%s: read %d other bytes, not %d", name, len(got), len(text))
	}
	return err
}
