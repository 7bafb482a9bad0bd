package jetobject_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"millrace/runtime/fault"
	"millrace/runtime/object"
	"millrace/runtime/object/content"
	"millrace/runtime/object/jetobject"
)

// What was put is read, whole and in part, from the log, from blobs and from parts, after a
// restart and after a kill.
func TestContentsOutliveRestarts(t *testing.T) {
	bubble(t, func(e *env) {
		b := e.create(object.Settings{})
		sizes := map[string]int{"empty": 0, "one": 1, "short": short, "longest inline": object.MaxInline, "shortest blob": object.MaxInline + 1, "long": long}
		for key, size := range sizes {
			put(e, b, key, text(size, size))
		}
		created := &object.CreateUpload{Upload: object.Upload{Key: "parts"}}
		if err := b.Do(ctx, created); err != nil {
			t.Fatal(err)
		}
		whole := bytes.Repeat(text(7, 1<<20), 5)
		listed := []object.CompletedPart{putPart(e, b, "parts", created.Created.ID, 2, whole)}
		listed = append(listed, putPart(e, b, "parts", created.Created.ID, 5, text(8, short)))
		whole = append(whole, text(8, short)...)
		completed := &object.Complete{Key: "parts", Upload: created.Created.ID, Parts: listed, Size: -1}
		if err := errors.Join(b.Do(ctx, completed), completed.Err); err != nil {
			t.Fatal(err)
		}
		check := func() {
			t.Helper()
			b := e.bucket()
			for key, size := range sizes {
				want(e, b, key, text(size, size))
			}
			want(e, b, "parts", whole)
			o, err := b.Get(ctx, "parts", object.Version{})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range [][2]int64{{0, 1}, {5 << 20, 5<<20 + 10}, {5<<20 - 3, 5<<20 + 3}, {o.Size - 1, o.Size}, {1 << 20, 1 << 20}} {
				if got, err := readRange(b, o, r[0], r[1], nil); err != nil || !bytes.Equal(got, whole[r[0]:r[1]]) {
					t.Errorf("bytes %d to %d of parts: %d bytes, %v", r[0], r[1], len(got), err)
				}
			}
		}
		check()
		e.reopen()
		check()
		e.kill()
		check()
		if n := e.blobFiles(); n != 3 {
			t.Errorf("there are %d blobs, want 3", n)
		}
		if len(e.losses) > 0 {
			t.Errorf("losses: %v", e.losses)
		}
	})
}

func TestReplacedAndDeletedContentsAreRemoved(t *testing.T) {
	bubble(t, func(e *env) {
		b := e.create(object.Settings{})
		put(e, b, "a", text(1, long))
		put(e, b, "a", text(2, long))
		put(e, b, "b", text(3, long))
		remove(e, b, "b")
		if c, err := tryPut(b, "a", text(4, long), object.Condition{IfNoneMatch: true}); err != nil || !errors.As(c.Err, new(*object.PreconditionError)) {
			t.Errorf("a put on a condition that does not hold: %v, %v", c.Err, err)
		}
		settle()
		if n := e.blobFiles(); n != 1 {
			t.Errorf("there are %d blobs, want 1", n)
		}
		want(e, b, "a", text(2, long))
		wantNone(e, b, "b")
	})
}

// What is being read is read to its end, though the object is replaced meanwhile; and what is
// opened after that says so.
func TestReadersKeepWhatTheyRead(t *testing.T) {
	bubble(t, func(e *env) {
		b := e.create(object.Settings{})
		old := put(e, b, "a", text(1, long))
		r, err := b.Open(ctx, old, 0, old.Size, nil)
		if err != nil {
			t.Fatal(err)
		}
		begin := make([]byte, 10)
		if _, err := io.ReadFull(r, begin); err != nil {
			t.Fatal(err)
		}
		put(e, b, "a", text(2, long))
		settle()
		rest, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(append(begin, rest...), text(1, long)) {
			t.Errorf("read %d bytes, %v", len(rest), err)
		}
		r.Close()
		settle()
		if n := e.blobFiles(); n != 1 {
			t.Errorf("there are %d blobs, want 1", n)
		}
		if _, err := b.Open(ctx, old, 0, old.Size, nil); !errors.Is(err, jetobject.ErrReplaced) {
			t.Errorf("opening a replaced object: %v", err)
		}
	})
}

func TestUnfinishedBodiesLeaveNothing(t *testing.T) {
	bubble(t, func(e *env) {
		b := e.create(object.Settings{})
		write := func() *jetobject.Body {
			body, err := b.NewBody(ctx, object.Encryption{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := body.Write(text(1, long)); err != nil {
				t.Fatal(err)
			}
			return body
		}
		write().Discard()
		finished := write()
		if _, err := finished.Finish(); err != nil {
			t.Fatal(err)
		}
		finished.Discard()
		deleted := e.bucket()
		refused := write()
		written, err := refused.Finish()
		if err != nil {
			t.Fatal(err)
		}
		over, cancel := context.WithCancel(ctx)
		cancel()
		if err := e.buckets.Delete(ctx, name); err != nil {
			t.Fatal(err)
		}
		c := &object.Put{Object: object.Object{Key: "a", Size: written.Size, ETag: written.ETag}}
		c.Object.Content, _ = written.Content()
		if err := deleted.Do(over, c); err == nil {
			t.Error("a put into a deleted bucket")
		}
		refused.Discard()
		b = e.create(object.Settings{})
		settle()
		if n := e.blobFiles(); n != 0 {
			t.Errorf("there are %d blobs, want none", n)
		}
		killed, whole := write(), write()
		if _, err := whole.Finish(); err != nil {
			t.Fatal(err)
		}
		put(e, b, "a", text(2, long))
		e.kill()
		want(e, e.bucket(), "a", text(2, long))
		settle()
		if n := e.blobFiles(); n != 1 {
			t.Errorf("there are %d blobs after a kill, want 1", n)
		}
		killed.Discard()
		whole.Discard()
	})
}

func TestCustomerKeys(t *testing.T) {
	bubble(t, func(e *env) {
		b := e.create(object.Settings{})
		for _, size := range []int{short, long} {
			key := &content.CustomerKey{1, 2, 3}
			body, err := b.NewBody(ctx, object.Encryption{Customer: "md5"}, key)
			if err != nil {
				t.Fatal(err)
			}
			body.Write(text(1, size))
			written, err := body.Finish()
			if err != nil {
				t.Fatal(err)
			}
			c := &object.Put{Object: object.Object{Key: "a", Size: written.Size, ETag: written.ETag, Encryption: object.Encryption{Customer: "md5"}}}
			c.Object.Content, c.Inline = written.Content()
			if err := errors.Join(b.Do(ctx, c), c.Err); err != nil {
				t.Fatal(err)
			}
			if got, err := readRange(b, c.Stored, 0, int64(size), key); err != nil || !bytes.Equal(got, text(1, size)) {
				t.Errorf("with the key: %d bytes, %v", len(got), err)
			}
			if _, err := readRange(b, c.Stored, 0, int64(size), &content.CustomerKey{1}); err == nil {
				t.Error("another key opens it")
			}
			if _, err := readRange(b, c.Stored, 0, int64(size), nil); err == nil {
				t.Error("it opens without a key")
			}
		}
	})
}

func TestBuckets(t *testing.T) {
	bubble(t, func(e *env) {
		b := e.create(object.Settings{})
		there, err := e.buckets.Create(ctx, jetobject.Draft{ID: object.ID{Account: "111111111111", Region: "eu-west-1", Name: name}})
		if !errors.Is(err, fault.Exists) || there != b {
			t.Errorf("a second bucket of the name: %v", err)
		}
		if err := b.Update(ctx, func(s *object.Settings) error { s.Versioning = object.VersioningEnabled; return nil }); err != nil {
			t.Fatal(err)
		}
		put(e, b, "a", text(1, short))
		remove(e, b, "a")
		if err := e.buckets.Delete(ctx, name); !errors.Is(err, fault.Conflict) {
			t.Errorf("deleting a bucket with versions: %v", err)
		}
		e.reopen()
		b = e.bucket()
		if b.Info().Settings.Versioning != object.VersioningEnabled {
			t.Errorf("settings after a restart: %+v", b.Info())
		}
		page, err := b.ListVersions(ctx, object.VersionsQuery{Max: 10})
		if err != nil || len(page.Versions) != 2 {
			t.Fatalf("versions: %+v, %v", page, err)
		}
		for _, v := range page.Versions {
			id := b.VersionID(v)
			named, err := b.ParseVersionID(id)
			if err != nil || named.Number != v.Number {
				t.Errorf("version %s: %v, %v", id, named, err)
			}
			if err := b.Do(ctx, &object.Delete{Key: "a", Version: named}); err != nil {
				t.Fatal(err)
			}
		}
		if err := e.buckets.Delete(ctx, name); err != nil {
			t.Errorf("deleting an empty bucket: %v", err)
		}
		if _, err := b.Get(ctx, "a", object.Version{}); !errors.Is(err, fault.NotFound) || errors.Is(err, object.ErrNoSuchKey) {
			t.Errorf("reading a deleted bucket: %v", err)
		}
		if _, err := tryPut(b, "a", nil, object.Condition{}); !errors.Is(err, fault.NotFound) {
			t.Errorf("writing to a deleted bucket: %v", err)
		}
		if _, err := e.buckets.Find(ctx, name); !errors.Is(err, fault.NotFound) {
			t.Errorf("finding a deleted bucket: %v", err)
		}
		e.reopen()
		if n, _ := e.buckets.Count(); n != 0 || len(e.losses) > 0 {
			t.Errorf("%d buckets after a restart, losses: %v", n, e.losses)
		}
		put(e, e.create(object.Settings{}), "a", text(2, long))
		if err := e.buckets.Reset(ctx); err != nil {
			t.Fatal(err)
		}
		if n := e.blobFiles(); n != 0 || len(e.buckets.All()) != 0 {
			t.Errorf("after a reset: %d blobs, %v", n, e.buckets.All())
		}
		wantNone(e, e.create(object.Settings{}), "a")
	})
}

// Sixteen callers share entries, and each has its own answer.
func TestCallersShareEntries(t *testing.T) {
	bubble(t, func(e *env) {
		b := e.create(object.Settings{})
		done := make(chan error)
		for c := range 16 {
			go func() {
				var err error
				for i := range 50 {
					key := fmt.Sprintf("%d/%d", c, i)
					p, e := tryPut(b, key, text(i, short), object.Condition{IfNoneMatch: true})
					err = errors.Join(err, e, p.Err)
					if got, e := read(b, key); e != nil || !bytes.Equal(got, text(i, short)) {
						err = errors.Join(err, e, errors.New("another content"))
					}
					p, e = tryPut(b, "same", text(c, short), object.Condition{})
					err = errors.Join(err, e, p.Err)
				}
				done <- err
			}()
		}
		for range 16 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		for range 2 {
			page, err := e.bucket().List(ctx, object.ListQuery{Max: 1000})
			if err != nil || len(page.Objects) != 16*50+1 {
				t.Errorf("%d objects, %v", len(page.Objects), err)
			}
			e.kill()
		}
	})
}
