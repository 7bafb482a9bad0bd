package function

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/fault"
)

// A silentStore never says which objects it has.
type silentStore struct{ jetstream.ObjectStore }

func (silentStore) List(ctx context.Context, _ ...jetstream.ListObjectsOpt) ([]*jetstream.ObjectInfo, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// A goneStore has no objects.
type goneStore struct{ jetstream.ObjectStore }

func (goneStore) Delete(context.Context, string) error { return jetstream.ErrObjectNotFound }

// Code that was dropped just now may still be run, whatever a clock that was set
// in between makes of the folder's date.
func TestDroppedFolderStaysWhenTheClockJumps(t *testing.T) {
	s := cache(t.TempDir(), "boot")
	s.blobs = goneStore{}
	const sum = "YWJj"
	dir := s.path(sum)
	sweep := func(date time.Time) (stays bool) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(dir, 0o755), os.Chtimes(dir, date, date), s.sweepFolders(nil)); err != nil {
			t.Fatal(err)
		}
		_, err := os.Stat(dir)
		return err == nil
	}
	day := 24 * time.Hour
	if sweep(time.Now().Add(day)) {
		t.Error("a folder that was abandoned under a clock a day ahead stays")
	}
	if err := errors.Join(os.MkdirAll(dir, 0o755), s.drop(t.Context(), sum)); err != nil {
		t.Fatal(err)
	}
	if !sweep(time.Now().Add(-day)) {
		t.Error("the folder is gone")
	}
}

// A start does not wait for ever to sweep.
func TestSweepIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &codeStore{blobs: silentStore{}}
		if err := s.sweepBlobs(t.Context(), nil); fault.Of(err) != fault.Unavailable {
			t.Errorf("got %v, want fault.Unavailable", err)
		}
	})
}

func cache(dir, boot string) *codeStore {
	return &codeStore{dir: dir, boot: boot, unpacking: map[string]chan struct{}{}}
}

// What was unpacked under another boot of the machine may have lost what was
// written last: it is unpacked anew, and swept away.
func TestFoldersOfAnotherBootAreNotTrusted(t *testing.T) {
	dir := t.TempDir()
	code := zipEntries(t, entry{"bootstrap", 0o755, "#!"})
	before, now := cache(dir, "before"), cache(dir, "now")
	sum, err := before.unpack(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(before.path(sum), "bootstrap"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := now.unpack(t.Context(), code); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(now.path(sum), "bootstrap")); string(b) != "#!" {
		t.Errorf("bootstrap is %q, %v", b, err)
	}
	old := time.Now().Add(-2 * folderGrace)
	for _, s := range []*codeStore{before, now} {
		if err := os.Chtimes(s.path(sum), old, old); err != nil {
			t.Fatal(err)
		}
	}
	if err := now.sweepFolders(map[string]bool{blobName(sum): true}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(before.path(sum)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder of the boot before: %v", err)
	}
	if _, err := os.Stat(now.path(sum)); err != nil {
		t.Errorf("the folder in use: %v", err)
	}
}

// While one zip file is unpacked, others are too; who wants the same one waits.
func TestUnpackingHoldsUpNobodyElse(t *testing.T) {
	s := cache(t.TempDir(), "boot")
	one, two := zipEntries(t, entry{"bootstrap", 0o755, "#!one"}), zipEntries(t, entry{"bootstrap", 0o755, "#!two"})
	sum, err := cache(t.TempDir(), "boot").unpack(t.Context(), one)
	if err != nil {
		t.Fatal(err)
	}
	done, err := s.lock(t.Context(), sum)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.unpack(t.Context(), two); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.unpack(ctx, one); !errors.Is(err, context.Canceled) {
		t.Errorf("the one that is unpacked: %v", err)
	}
	done()
	if _, err := s.unpack(t.Context(), one); err != nil {
		t.Error(err)
	}
}
