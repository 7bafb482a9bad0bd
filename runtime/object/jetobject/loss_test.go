package jetobject_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/object"
	"millrace/runtime/object/content"
	"millrace/runtime/store/backbone"
)

// damage changes a byte of each blob.
func (e *env) damageBlobs(at int64) {
	e.Helper()
	err := filepath.WalkDir(filepath.Join(e.dir, "blobs"), func(path string, f os.DirEntry, err error) error {
		if err != nil || f.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		text[at] ^= 1
		return os.WriteFile(path, text, 0o600)
	})
	if err != nil {
		e.Fatal(err)
	}
}

// A content that is damaged or gone is named, and others are served.
func TestDamagedContentsAreNamed(t *testing.T) {
	bubble(t, func(e *env) {
		b := e.create(object.Settings{})
		put(e, b, "damaged", text(1, long))
		e.damageBlobs(long / 2)
		put(e, b, "whole", text(2, long))
		if _, err := read(b, "damaged"); !errors.Is(err, content.ErrDamaged) {
			t.Errorf("reading a damaged content: %v", err)
		}
		want(e, b, "whole", text(2, long))
		if len(e.losses) != 1 || e.losses[0].Name != "arn:aws:s3:::photos" || !strings.Contains(e.losses[0].What, `"damaged"`) {
			t.Errorf("losses: %v", e.losses)
		}
		if err := os.RemoveAll(filepath.Join(e.dir, "blobs")); err != nil {
			t.Fatal(err)
		}
		if _, err := read(b, "whole"); err == nil {
			t.Error("a content that is gone was read")
		}
		if len(e.losses) != 2 {
			t.Errorf("losses: %v", e.losses)
		}
		put(e, b, "damaged", text(3, long))
		want(e, b, "damaged", text(3, long))
	})
}

// withStream runs change on the stream of the only bucket while it is closed.
func (e *env) withStream(change func(b *backbone.Backbone, stream string)) {
	e.Helper()
	e.close()
	b := backbone.New(backbone.Config{Dir: filepath.Join(e.dir, "jetstream")})
	if err := b.Start(ctx); err != nil {
		e.Fatal(err)
	}
	for s := range b.JetStream().ListStreams(ctx).Info() {
		if strings.HasPrefix(s.Config.Name, "MILLRACE_BUCKET_") {
			change(b, s.Config.Name)
		}
	}
	if err := b.Stop(ctx); err != nil {
		e.Fatal(err)
	}
	e.open()
}

func TestMissingEntriesAreReported(t *testing.T) {
	bubble(t, func(e *env) {
		b := e.create(object.Settings{})
		for i := range 10 {
			put(e, b, fmt.Sprint(i), text(i, short))
		}
		e.withStream(func(b *backbone.Backbone, stream string) {
			s, err := b.JetStream().Stream(ctx, stream)
			if err == nil {
				err = s.DeleteMsg(ctx, 4)
			}
			if err != nil {
				t.Fatal(err)
			}
		})
		b = e.bucket()
		wantNone(e, b, "3")
		for _, i := range []int{0, 2, 4, 9} {
			want(e, b, fmt.Sprint(i), text(i, short))
		}
		if len(e.losses) != 1 || e.losses[0].Entries != "4" {
			t.Errorf("losses: %v", e.losses)
		}
		e.reopen()
		want(e, e.bucket(), "9", text(9, short))
		if len(e.losses) != 1 {
			t.Errorf("losses after another restart: %v", e.losses)
		}
	})
}

// A log whose end is lost, which a snapshot knows of, is served as it is; what is stored then
// is not mixed up with what was lost.
func TestLostEndIsReported(t *testing.T) {
	bubble(t, func(e *env) {
		b := e.create(object.Settings{})
		const n = 300 // enough for a snapshot at Stop
		for i := range n {
			put(e, b, fmt.Sprint(i), text(i, short))
		}
		early := e.TempDir()
		if err := os.CopyFS(early, os.DirFS(filepath.Join(e.dir, "jetstream"))); err != nil {
			t.Fatal(err)
		}
		put(e, b, "late", text(1, short))
		e.close()
		if err := os.RemoveAll(filepath.Join(e.dir, "jetstream")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(early, filepath.Join(e.dir, "jetstream")); err != nil {
			t.Fatal(err)
		}
		e.open()
		b = e.bucket()
		wantNone(e, b, "late")
		want(e, b, fmt.Sprint(n-1), text(n-1, short))
		if len(e.losses) != 1 || e.losses[0].Entries != fmt.Sprint(n+1) {
			t.Errorf("losses: %v", e.losses)
		}
		put(e, b, "new", text(2, short))
		e.kill()
		b = e.bucket()
		want(e, b, "new", text(2, short))
		wantNone(e, b, "late")
		if len(e.losses) != 1 {
			t.Errorf("losses after another restart: %v", e.losses)
		}
	})
}

func TestDamagedSnapshotIsNotNeeded(t *testing.T) {
	bubble(t, func(e *env) {
		b := e.create(object.Settings{})
		for i := range 300 {
			put(e, b, fmt.Sprint(i), text(i, 10))
		}
		remove(e, b, "7")
		for _, change := range []func(path string) error{
			func(string) error { return nil },
			func(path string) error { return os.Truncate(path, 1000) },
			os.Remove,
		} {
			e.close()
			found, err := filepath.Glob(filepath.Join(e.dir, "buckets", "*.snapshot"))
			if err != nil || len(found) != 1 {
				t.Fatalf("snapshots: %q, %v", found, err)
			}
			if err := change(found[0]); err != nil {
				t.Fatal(err)
			}
			e.open()
			b := e.bucket()
			want(e, b, "299", text(299, 10))
			wantNone(e, b, "7")
			for i := range 300 {
				put(e, b, "again", text(i, 10))
			}
		}
		if len(e.losses) > 0 {
			t.Errorf("losses: %v", e.losses)
		}
	})
}

// save returns a function that has the store be what it is now, and all else as it is then.
func (e *env) save() (lose func()) {
	e.Helper()
	saved := e.TempDir()
	if err := os.CopyFS(saved, os.DirFS(filepath.Join(e.dir, "jetstream"))); err != nil {
		e.Fatal(err)
	}
	return func() {
		e.Helper()
		left := e.TempDir()
		if err := os.CopyFS(left, os.DirFS(e.dir)); err != nil { // as it is while it runs
			e.Fatal(err)
		}
		e.close()
		e.dir = left
		err := errors.Join(os.RemoveAll(filepath.Join(e.dir, "jetstream")), os.Rename(saved, filepath.Join(e.dir, "jetstream")))
		if err != nil {
			e.Fatal(err)
		}
		e.open()
	}
}

// Of a log whose end is lost after a kill, the checkpoint knows.
func TestLostEndIsReportedAfterKill(t *testing.T) {
	bubble(t, func(e *env) {
		b := e.create(object.Settings{})
		put(e, b, "early", text(1, short))
		lose := e.save()
		put(e, b, "late", text(2, short))
		put(e, b, "early", text(3, short))
		lose()
		b = e.bucket()
		want(e, b, "early", text(1, short))
		wantNone(e, b, "late")
		if len(e.losses) != 1 || e.losses[0].Entries != "2-3" {
			t.Errorf("losses: %v", e.losses)
		}
		put(e, b, "new", text(4, short))
		e.kill()
		want(e, e.bucket(), "new", text(4, short))
		if len(e.losses) != 1 {
			t.Errorf("losses after another kill: %v", e.losses)
		}
	})
}

// A log that is gone, or its first entries, is reported, and the bucket goes on.
func TestLostLogIsReported(t *testing.T) {
	for _, lost := range []struct {
		name, entries string
		change        func(*backbone.Backbone, string) error
	}{
		{"all", "1-3", func(b *backbone.Backbone, stream string) error { return b.JetStream().DeleteStream(ctx, stream) }},
		{"all but what its last sequence was", "1-3", func(b *backbone.Backbone, stream string) error {
			s, err := b.JetStream().Stream(ctx, stream)
			if err != nil {
				return err
			}
			return s.Purge(ctx)
		}},
		{"front", "1-2", func(b *backbone.Backbone, stream string) error {
			s, err := b.JetStream().Stream(ctx, stream)
			if err != nil {
				return err
			}
			return s.Purge(ctx, jetstream.WithPurgeSequence(3))
		}},
	} {
		t.Run(lost.name, func(t *testing.T) {
			bubble(t, func(e *env) {
				b := e.create(object.Settings{})
				for i := range 3 {
					put(e, b, fmt.Sprint(i), text(i, short))
				}
				e.withStream(func(b *backbone.Backbone, stream string) {
					if err := lost.change(b, stream); err != nil {
						t.Fatal(err)
					}
				})
				b = e.bucket()
				wantNone(e, b, "0")
				if len(e.losses) != 1 || e.losses[0].Entries != lost.entries {
					t.Errorf("losses: %v", e.losses)
				}
				put(e, b, "new", text(4, short))
				e.reopen()
				want(e, e.bucket(), "new", text(4, short))
				if len(e.losses) != 1 {
					t.Errorf("losses after another restart: %v", e.losses)
				}
			})
		})
	}
}
