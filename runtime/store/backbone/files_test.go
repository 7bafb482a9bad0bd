package backbone_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/store/backbone"
)

// aFile is a file beside the store, and its folder.
func aFile(t *testing.T) (path, folder string) {
	folder = filepath.Join(t.TempDir(), "beside")
	path = filepath.Join(folder, "file")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, folder
}

func TestFilesAreSyncedWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counter
		b := startCounting(t, &c)
		defer b.Stop(t.Context())
		time.Sleep(time.Minute)
		path, folder := aFile(t)
		for range 3 {
			if err := b.SyncFiles(path, folder, path+"-gone"); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second - time.Nanosecond)
		synctest.Wait()
		if n := c.of("file"); n != 0 {
			t.Errorf("synced %d times before a second was over", n)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if c.of("file") != 1 || c.of("beside") != 1 {
			t.Errorf("the file was synced %d times, its folder %d times", c.of("file"), c.of("beside"))
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if c.of("file") != 1 {
			t.Error("synced again without a write")
		}
	})
}

func TestUnsyncedFilesAreNotHealthy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counter
		b := startCounting(t, &c)
		defer b.Stop(t.Context())
		time.Sleep(time.Minute)
		path, folder := aFile(t)
		c.set(errors.New("no more sectors"))
		b.SyncFiles(path, folder)
		time.Sleep(time.Second)
		synctest.Wait()
		if b.Admit(0) == nil {
			t.Error("new data is admitted while a file cannot be synced")
		}
		c.set(nil)
		time.Sleep(time.Second)
		synctest.Wait()
		if err := b.Err(); err != nil || c.of("file") != 2 {
			t.Errorf("the file was synced %d times, and yet: %v", c.of("file"), err)
		}
	})
}

func TestFilesAreSyncedAtOnceWithAlways(t *testing.T) {
	var c counter
	b := backbone.New(backbone.Config{Dir: t.TempDir(), Fsync: c.fsync, Sync: backbone.Sync{Always: true}})
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer b.Stop(t.Context())
	path, folder := aFile(t)
	if err := b.SyncFiles(path, folder); err != nil || c.of("file") != 1 || c.of("beside") != 1 {
		t.Errorf("the file was synced %d times, its folder %d times: %v", c.of("file"), c.of("beside"), err)
	}
	broken := errors.New("no more sectors")
	c.set(broken)
	if err := b.SyncFiles(path); !errors.Is(err, broken) || b.Err() == nil {
		t.Errorf("got %v; health says %v", err, b.Err())
	}
	c.set(nil)
}
