package backbone_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/store/backbone"
	"millrace/runtime/store/backbone/backbonetest"
)

// A counter counts what is synced, by the file's name.
type counter struct {
	mu    sync.Mutex
	files map[string]int
	fail  error
}

func (c *counter) fsync(f *os.File) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.files == nil {
		c.files = map[string]int{}
	}
	c.files[filepath.Base(f.Name())]++
	return c.fail
}

func (c *counter) set(fail error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail = fail
}

func (c *counter) all() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.files {
		n += m
	}
	return n
}

func (c *counter) of(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.files[name]
}

func startCounting(t *testing.T, c *counter) *backbone.Backbone {
	t.Helper()
	b := backbone.New(backbone.Config{Dir: t.TempDir(), Fsync: c.fsync})
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWritesAreSyncedWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counter
		b := startCounting(t, &c)
		defer b.Stop(t.Context())
		time.Sleep(time.Minute)

		write(t, b)
		time.Sleep(time.Second - time.Nanosecond)
		synctest.Wait()
		if n := c.all(); n != 0 {
			t.Errorf("%d files were synced before a second was over", n)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		for _, name := range []string{"1.blk", "msgs", "meta.inf", "meta.sum", "S", "streams"} {
			if c.of(name) == 0 {
				t.Errorf("%s was not synced", name)
			}
		}

		before := c.of("meta.inf")
		if _, err := b.JetStream().Publish(t.Context(), "s", []byte("m")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if c.of("1.blk") != 2 || c.of("meta.inf") != before {
			t.Errorf("the block was synced %d times, the stream's configuration %d times more; want 2 and 0",
				c.of("1.blk"), c.of("meta.inf")-before)
		}
	})
}

func TestNothingIsSyncedAtRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counter
		b := startCounting(t, &c)
		defer b.Stop(t.Context())
		write(t, b)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		before := c.all()
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if n := c.all() - before; n != 0 {
			t.Errorf("%d files were synced in a day without a write", n)
		}
	})
}

func TestSyncReturnsOnceItIsDone(t *testing.T) {
	var c counter
	b := startCounting(t, &c)
	defer b.Stop(t.Context())
	write(t, b)
	if err := b.Sync("S"); err != nil || c.of("1.blk") != 1 {
		t.Errorf("error %v, and the block was synced %d times", err, c.of("1.blk"))
	}
}

func TestSyncTellsWhatWentWrong(t *testing.T) {
	c := counter{fail: errors.New("the disk is broken")}
	b := startCounting(t, &c)
	write(t, b)
	if err := b.Sync("S"); !errors.Is(err, c.fail) {
		t.Errorf("got %v, want %v", err, c.fail)
	}
	if err := b.Stop(t.Context()); !errors.Is(err, c.fail) {
		t.Errorf("stopping: got %v, want %v", err, c.fail)
	}
}

// What failed is tried again, without another write, and there is no rest before.
func TestSyncIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := counter{fail: errors.New("the disk is full")}
		var rests atomic.Int32
		b := backbone.New(backbone.Config{Dir: t.TempDir(), Fsync: c.fsync, OnIdle: func() { rests.Add(1) }})
		if err := b.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		write(t, b)
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := rests.Load(); n != 0 {
			t.Errorf("%d rests before everything was synced", n)
		}
		c.mu.Lock()
		c.fail, c.files = nil, nil
		c.mu.Unlock()
		time.Sleep(time.Second)
		synctest.Wait()
		if c.of("1.blk") != 1 {
			t.Errorf("the block was synced %d times within a second, want 1", c.of("1.blk"))
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if c.of("1.blk") != 1 || rests.Load() != 1 {
			t.Errorf("the block was synced %d times, with %d rests, want 1 of both", c.of("1.blk"), rests.Load())
		}
		if err := b.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Every way to write is noticed: each leaves something to sync.
func TestEveryWriteIsNoticed(t *testing.T) {
	var (
		ctx     context.Context
		js      jetstream.JetStream
		records jetstream.KeyValue
		objects jetstream.ObjectStore
	)
	config := jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}
	about := jetstream.ObjectMeta{Name: "o"}
	steps := []struct {
		name string
		do   func() error
	}{
		{"CreateStream", func() error { _, err := js.CreateStream(ctx, config); return err }},
		{"Publish", func() error { _, err := js.Publish(ctx, "s", []byte("m")); return err }},
		{"UpdateStream", func() error { config.Description = "d"; _, err := js.UpdateStream(ctx, config); return err }},
		{"DeleteStream", func() error { return js.DeleteStream(ctx, "S") }},
		{"CreateKeyValue", func() (err error) {
			records, err = js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "K"})
			return err
		}},
		{"Create", func() error { _, err := records.Create(ctx, "k", []byte("1")); return err }},
		{"Put", func() error { _, err := records.PutString(ctx, "k", "2"); return err }},
		{"Update", func() error { _, err := records.Update(ctx, "k", []byte("3"), 2); return err }},
		{"Delete", func() error { return records.Delete(ctx, "k") }},
		{"Purge", func() error { return records.Purge(ctx, "k") }},
		{"DeleteKeyValue", func() error { return js.DeleteKeyValue(ctx, "K") }},
		{"CreateObjectStore", func() (err error) {
			objects, err = js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: "O"})
			return err
		}},
		{"Put", func() error { _, err := objects.Put(ctx, about, patient{strings.NewReader("1")}); return err }},
		{"UpdateMeta", func() error { about.Description = "d"; return objects.UpdateMeta(ctx, "o", about) }},
		{"AddBucketLink", func() error { _, err := objects.AddBucketLink(ctx, "l", objects); return err }},
		{"Delete", func() error { return objects.Delete(ctx, "o") }},
		{"Seal", func() error { return objects.Seal(ctx) }},
		{"DeleteObjectStore", func() error { return js.DeleteObjectStore(ctx, "O") }},
	}
	synctest.Test(t, func(t *testing.T) {
		var c counter
		b := startCounting(t, &c)
		defer b.Stop(t.Context())
		ctx, js = t.Context(), b.JetStream()
		for _, s := range steps {
			before := c.all()
			if err := s.do(); err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
			time.Sleep(time.Second)
			synctest.Wait()
			if c.all() == before {
				t.Errorf("nothing was synced after %s", s.name)
			}
		}
	})
}

// A patient reader ends late: putting an object starts a goroutine, and forgets
// one that has not begun when the object ends (nats.go 1.55).
type patient struct{ io.Reader }

func (p patient) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	if err == io.EOF {
		time.Sleep(time.Millisecond)
	}
	return n, err
}

// What a runtime wrote and was killed before syncing is synced by the next.
func TestWhatAKilledRuntimeWroteIsSynced(t *testing.T) {
	dir := t.TempDir()
	b := backbonetest.Start(t, dir)
	write(t, b)
	killed := filepath.Join(t.TempDir(), "killed")
	if err := os.CopyFS(killed, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	var c counter
	next := backbone.New(backbone.Config{Dir: killed, Fsync: c.fsync})
	if err := next.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := next.Stop(t.Context()); err != nil { // at the latest
		t.Fatal(err)
	}
	if c.of("1.blk") == 0 {
		t.Error("the block was not synced")
	}
}

func TestRestIsToldOnceForEachRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var rests atomic.Int32
		b := backbone.New(backbone.Config{Dir: t.TempDir(), OnIdle: func() { rests.Add(1) }})
		if err := b.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer b.Stop(t.Context())
		for want := int32(1); want <= 3; want++ {
			for range 5 {
				write(t, b)
				time.Sleep(15*time.Second - time.Nanosecond)
			}
			synctest.Wait()
			if got := rests.Load(); got != want-1 {
				t.Errorf("%d rests between writes, want %d", got, want-1)
			}
			time.Sleep(time.Hour)
			synctest.Wait()
			if got := rests.Load(); got != want {
				t.Errorf("%d rests after an hour, want %d", got, want)
			}
		}
	})
}
