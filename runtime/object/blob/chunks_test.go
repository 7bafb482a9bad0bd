package blob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/fault"
	"millrace/runtime/object/blob"
	"millrace/runtime/object/blob/blobtest"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/test/needs"
)

func TestMain(m *testing.M) { os.Exit(backbonetest.Main(m)) }

// connect returns the JetStream of a server, as a runtime has it.
func connect(t *testing.T, url string) jetstream.JetStream {
	t.Helper()
	b := backbone.New(backbone.Config{URL: url})
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Stop(context.Background()) })
	return b.JetStream()
}

// chunks is a world on a server of its own.
func chunks(t *testing.T, maxPayload int32) blobtest.World {
	url := backbonetest.Listen(t, maxPayload)
	js := connect(t, url)
	return blobtest.World{
		Store: blob.NewChunks(js),
		Another: func(t *testing.T) blob.Store {
			s := blob.NewChunks(connect(t, url))
			s.SetGrace(-time.Hour)
			return s
		},
		Old: func(t *testing.T) { // what is under way is stored before this
			if _, err := js.Publish(t.Context(), "millrace.blob."+blobtest.Bucket+".no-blob", nil); err != nil {
				t.Fatal(err)
			}
		},
	}
}

func TestChunks(t *testing.T) {
	blobtest.Exercise(t, func(t *testing.T) blobtest.World { return chunks(t, 0) })
}

// With chunks of 2 KiB some of the kit's blobs have an index.
func TestSmallChunks(t *testing.T) {
	needs.Long(t)
	blobtest.Exercise(t, func(t *testing.T) blobtest.World { return chunks(t, 4<<10) })
}

func TestLargeBlobInChunks(t *testing.T) {
	needs.Long(t)
	blobtest.Large(t, chunks(t, 0).Store, 100<<20)
}

// stream returns the stream of the bucket b.
func stream(t *testing.T, js jetstream.JetStream) jetstream.Stream {
	t.Helper()
	st, err := js.Stream(t.Context(), "MILLRACE_BLOB_b")
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// Whatever message of a blob is missing, it is noticed.
func TestMissingChunk(t *testing.T) {
	for _, maxPayload := range []int32{0, 4 << 10} {
		js := connect(t, backbonetest.Listen(t, maxPayload))
		s := blob.NewChunks(js)
		text := blobtest.Text(3<<20, 1)
		name := blobtest.MustPut(t, s, "b", text)
		st := stream(t, js)
		info, err := st.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		last := info.State.LastSeq
		for i, seq := range []uint64{2, last / 2, last - 1, last} {
			if err := st.DeleteMsg(t.Context(), seq); err != nil {
				t.Fatal(err)
			}
			r, err := s.Open(t.Context(), "b", name)
			if err == nil {
				_, err = io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
				if first := make([]byte, 100); i == 0 {
					if _, err := r.ReadAt(first, 0); err != nil || !bytes.Equal(first, text[:100]) {
						t.Errorf("the first chunk: %v", err)
					}
				}
				r.Close()
			}
			if !errors.Is(err, fault.NotFound) {
				t.Errorf("without message %d of %d: got %v", seq, last, err)
			}
		}
	}
}

// Who gets in the way of a blob's messages does not change it.
func TestBlobsOfOneStreamDoNotMix(t *testing.T) {
	s := chunks(t, 0).Store
	var writers [3]blob.Writer
	var texts [3][]byte
	for i := range writers {
		var err error
		if writers[i], err = s.Create(t.Context(), "b"); err != nil {
			t.Fatal(err)
		}
		texts[i] = blobtest.Text(10*blob.MaxChunk, byte(i))
	}
	for at := 0; at < len(texts[0]); at += 100 << 10 {
		for i, w := range writers {
			if _, err := w.Write(texts[i][at:min(at+100<<10, len(texts[i]))]); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, w := range writers {
		name, err := w.Commit()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(blobtest.MustGet(t, s, "b", name), texts[i]) {
			t.Errorf("blob %d is another", i)
		}
	}
}

// What was removed by another runtime fails to be read, and does not read as
// something else.
func TestRemovedByAnother(t *testing.T) {
	w := chunks(t, 0)
	name := blobtest.MustPut(t, w.Store, "b", blobtest.Text(2<<20, 1))
	r, err := w.Store.Open(t.Context(), "b", name)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := w.Another(t).Remove(t.Context(), "b", name); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size())); !errors.Is(err, fault.NotFound) {
		t.Errorf("got %v", err)
	}
}

// A bucket that another runtime removed is made again by the next one that needs it.
func TestBucketRemovedByAnother(t *testing.T) {
	w := chunks(t, 0)
	blobtest.MustPut(t, w.Store, "b", []byte("a"))
	if err := w.Another(t).RemoveBucket(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	b, err := w.Store.Create(t.Context(), "b")
	if err == nil {
		_, err = b.Commit()
		b.Discard()
	}
	if !errors.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
	name := blobtest.MustPut(t, w.Store, "b", []byte("again"))
	if got := blobtest.MustGet(t, w.Store, "b", name); string(got) != "again" {
		t.Errorf("got %q", got)
	}
}

// Messages of strangers on the subjects are no blobs.
func TestStrangeMessages(t *testing.T) {
	js := connect(t, backbonetest.Listen(t, 0))
	s := blob.NewChunks(js)
	blobtest.MustPut(t, s, "b", []byte("a"))
	for i, data := range [][]byte{{}, {1}, {5, 1, 0}, {255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 1, 0, 1}, {1, 0, 0}, {1, 1, 9, 1}, {1, 1, 1, 1}} {
		name := fmt.Sprintf("%032x", i)
		m := &nats.Msg{Subject: "millrace.blob.b." + name, Data: data, Header: nats.Header{"Millrace-Blob-End": {"1"}}}
		if _, err := js.PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		r, err := s.Open(t.Context(), "b", name)
		if err == nil {
			_, err = io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
			r.Close()
		}
		if !errors.Is(err, fault.NotFound) {
			t.Errorf("%v: got %v", data, err)
		}
	}
}

// A replica that lags behind may be asked for what was committed a moment ago.
func TestReadFromAnyReplicaAtOnce(t *testing.T) {
	needs.Long(t)
	cluster := backbonetest.NewCluster(t, 3)
	var stores [3]*blob.Chunks
	for i := range stores {
		b := backbone.New(backbone.Config{URL: cluster.URL(i), Replicas: 3})
		if err := b.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { b.Stop(context.Background()) })
		stores[i] = blob.NewChunks(b.JetStream())
	}
	for i := range 30 {
		text := blobtest.Text(300<<10, byte(i))
		name := blobtest.MustPut(t, stores[i%3], "b", text)
		for j, s := range stores {
			if !bytes.Equal(blobtest.MustGet(t, s, "b", name), text) {
				t.Errorf("blob %d, read by %d, is another", i, j)
			}
		}
	}
}
