package backbone_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/store/backbone"
)

// obstruct puts a folder where S has its block, so that the server cannot open S,
// until the function that it returns is called.
func obstruct(t *testing.T, dir string) (clear func()) {
	t.Helper()
	block, away := filepath.Join(dir, "streams", "S", "msgs", "1.blk"), filepath.Join(t.TempDir(), "1.blk")
	if err := errors.Join(os.Rename(block, away), os.Mkdir(block, 0o700)); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := errors.Join(os.Remove(block), os.Rename(away, block)); err != nil {
			t.Fatal(err)
		}
	}
}

// The server removes the folder of a stream that it cannot open.
func TestAStreamThatAStartCannotOpenIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said record
		dir := t.TempDir()
		b := startWith(t, backbone.Config{Dir: dir})
		makeS(t, b)
		store(t, b, 1)
		stop(t, b)
		clear := obstruct(t, dir)
		b = startWith(t, backbone.Config{Dir: dir, Log: said.logger()})
		if said.count("streams could not be opened") != 1 {
			t.Errorf("it does not say that S is not there")
		}
		stop(t, b)
		clear()
		b = startWith(t, backbone.Config{Dir: dir})
		store(t, b, 2)
		stop(t, b)
	})
}

func TestAStreamThatIsOpenedAnewIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		b := startWith(t, backbone.Config{Dir: dir})
		makeS(t, b)
		store(t, b, 1)
		clear := obstruct(t, dir)
		b.Report(errors.New("a test's"))
		time.Sleep(time.Second)
		if b.Err() == nil {
			t.Error("all is well, without S")
		}
		clear()
		time.Sleep(time.Second)
		if err := b.Err(); err != nil {
			t.Error(err)
		}
		store(t, b, 2)
		stop(t, b)
	})
}

// Versions before this one had no folders but the server's.
func TestFoldersOfTheServerAreTakenOver(t *testing.T) {
	dir := t.TempDir()
	b := startWith(t, backbone.Config{Dir: dir})
	makeS(t, b)
	store(t, b, 1)
	stop(t, b)
	ours, theirs := filepath.Join(dir, "streams", "S"), filepath.Join(dir, "jetstream", "$G", "streams", "S")
	if err := errors.Join(os.Remove(theirs), os.Rename(ours, theirs)); err != nil {
		t.Fatal(err)
	}
	b = startWith(t, backbone.Config{Dir: dir})
	store(t, b, 2)
	stop(t, b)

	if err := errors.Join(os.Remove(theirs), os.CopyFS(theirs, os.DirFS(ours))); err != nil {
		t.Fatal(err)
	}
	err := backbone.New(backbone.Config{Dir: dir}).Start(t.Context())
	if err == nil || !strings.Contains(err.Error(), ours) || !strings.Contains(err.Error(), theirs) {
		t.Errorf("there are two of S, and it says %v", err)
	}
}
