package backbone_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/fault"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/test/patience"
)

// A record of what was logged, for several goroutines.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) count(what string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Count(r.text.String(), what)
}

func (r *record) logger() *slog.Logger { return slog.New(slog.NewTextHandler(r, nil)) }

// eventually tries until it succeeds, or nothing changes for very long.
func eventually(t *testing.T, what string, try func() error) {
	t.Helper()
	var err error
	patience.Until(t, what, func() bool { err = try(); return err == nil }, func() any { return err })
}

func publish(ctx context.Context, b *backbone.Backbone, size int) (uint64, error) {
	ack, err := b.JetStream().Publish(ctx, "s", make([]byte, size))
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// The file of a stream's next block cannot be opened: that is a write error which
// the server keeps for good. Calls fail at once then, with the reason, and work
// again when the cause is gone; what was acknowledged is there.
func TestWriteErrorHeals(t *testing.T) {
	var said record
	dir := t.TempDir()
	b := backbone.New(backbone.Config{Dir: dir, Log: said.logger()})
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer b.Stop(context.Background())
	ctx := t.Context()
	s, err := b.JetStream().CreateStream(ctx, jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, MaxMsgsPerSubject: backbone.SmallBlocks})
	if err != nil {
		t.Fatal(err)
	}
	kv, err := b.JetStream().CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "K"})
	if err != nil {
		t.Fatal(err)
	}
	objects, err := b.JetStream().CreateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: "O"})
	if err != nil {
		t.Fatal(err)
	}
	next := filepath.Join(dir, "streams", "S", "msgs", "2.blk")
	if err := os.MkdirAll(filepath.Join(next, "full"), 0o700); err != nil { // no file, and the server cannot remove it
		t.Fatal(err)
	}
	before := b.Session()

	var acked uint64
	for err == nil {
		var seq uint64
		if seq, err = publish(ctx, b, 100<<10); err == nil {
			acked = seq
		}
	}
	if what, told := fault.Told(err); !told || !errors.Is(err, fault.Unavailable) || !strings.Contains(what, "store") {
		t.Errorf("the failed publish says %v", err)
	}
	if acked == 0 || before.Err() == nil || b.Err() == nil || b.Down() == nil || b.Admit(0) == nil {
		t.Errorf("%d acknowledged, the session %v, Err %v, Down %v, Admit %v", acked, before.Err(), b.Err(), b.Down(), b.Admit(0))
	}
	for what, call := range map[string]func() error{
		"publish": func() error { _, err := publish(ctx, b, 1); return err },
		"put":     func() error { _, err := kv.PutString(ctx, "k", "v"); return err },
		"object":  func() error { _, err := objects.PutString(ctx, "o", "v"); return err },
		"stream":  func() error { _, err := b.JetStream().Stream(ctx, "S"); return err },
	} {
		if _, told := fault.Told(call()); !told {
			t.Errorf("%s: does not say why it cannot be", what)
		}
	}

	if err := os.RemoveAll(next); err != nil {
		t.Fatal(err)
	}
	eventually(t, "publishing", func() error { _, err := publish(ctx, b, 100<<10); return err })
	if b.Err() != nil || b.Session() == before || b.Session().Err() != nil {
		t.Errorf("Err is %v, the session %v", b.Err(), b.Session().Err())
	}
	for seq := uint64(1); seq <= acked; seq++ {
		if _, err := s.GetMsg(ctx, seq); err != nil {
			t.Fatalf("message %d was acknowledged: %v", seq, err)
		}
	}
	if _, err := kv.PutString(ctx, "k", "v"); err != nil {
		t.Error(err)
	}
	if _, err := objects.PutString(ctx, "o", "v"); err != nil {
		t.Error(err)
	}
	if got, err := objects.GetString(ctx, "o"); got != "v" {
		t.Errorf("got %q, %v", got, err)
	}
	if n, m := said.count("the store failed to write"), said.count("the store works again"); n != 1 || m != 1 {
		t.Errorf("said %d times that it failed and %d times that it works:\n%s", n, m, said.text.String())
	}
}

// When the embedded server has disabled its JetStream by itself, whoever finds
// out brings it back.
func TestStoreThatDisablesItself(t *testing.T) {
	b := backbonetest.Start(t, t.TempDir())
	write(t, b)
	if err := b.Disable(); err != nil {
		t.Fatal(err)
	}
	if _, err := publish(t.Context(), b, 1); err == nil {
		t.Error("published to nobody")
	}
	eventually(t, "publishing", func() error { _, err := publish(t.Context(), b, 1); return err })
}

// The store is not reopened while a write or a sync of its disk fails.
func TestStoreIsNotOpenedWhileItsDiskFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said record
		var c counter
		b := backbone.New(backbone.Config{Dir: t.TempDir(), Fsync: c.fsync, Log: said.logger()})
		if err := b.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer b.Stop(context.Background())
		write(t, b)
		c.set(errors.New("input/output error"))
		b.Report(errors.New("a write failed"))
		time.Sleep(time.Minute)
		synctest.Wait()
		if b.Down() == nil {
			t.Error("it works on a disk that fails")
		}
		if n := said.count("the store failed"); n != 1 {
			t.Errorf("said %d times that it failed", n)
		}
		c.set(nil)
		time.Sleep(time.Second)
		synctest.Wait()
		if err := b.Down(); err != nil {
			t.Error("a second later:", err)
		}
		write(t, b)
	})
}

// A sync that fails is said once, whatever the number of streams and tries. Until
// one succeeds nothing is taken in, and what is there goes on.
func TestFailedSyncIsSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said record
		var c counter
		b := backbone.New(backbone.Config{Dir: t.TempDir(), Fsync: c.fsync, Log: said.logger()})
		if err := b.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer b.Stop(context.Background())
		for i := range 20 {
			name := fmt.Sprint("s", i)
			if _, err := b.JetStream().CreateStream(t.Context(), jetstream.StreamConfig{Name: name, Subjects: []string{name}}); err != nil {
				t.Fatal(err)
			}
		}
		c.set(errors.New("input/output error"))
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := said.count("level=ERROR"); n != 1 {
			t.Errorf("%d errors were logged:\n%s", n, said.text.String())
		}
		if _, told := fault.Told(b.Admit(1)); !told || b.Err() == nil {
			t.Errorf("Admit says %v, Err %v", b.Admit(1), b.Err())
		}
		if b.Down() != nil {
			t.Errorf("what gives room back must go on: %v", b.Down())
		}
		write(t, b)
		c.set(nil)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if b.Err() != nil || b.Admit(1) != nil {
			t.Errorf("Err is %v", b.Err())
		}
	})
}

// A connection that the server ends is made again, and who waited is told.
func TestLostConnectionIsMadeAgain(t *testing.T) {
	b := backbonetest.Start(t, t.TempDir())
	write(t, b)
	sub, err := b.Conn().SubscribeSync("kept")
	if err != nil {
		t.Fatal(err)
	}
	before := b.Session()
	if err := b.Disconnect(); err != nil {
		t.Fatal(err)
	}
	<-before.Done()
	if _, told := fault.Told(context.Cause(before)); !told {
		t.Errorf("the session ended with %v", context.Cause(before))
	}
	eventually(t, "publishing", func() error { _, err := publish(t.Context(), b, 1); return err })
	eventually(t, "health", func() error { return b.Err() })
	if err := b.Conn().Publish("kept", nil); err != nil {
		t.Error(err)
	}
	if _, err := sub.NextMsg(10 * time.Second); err != nil {
		t.Error("a subscription was lost:", err)
	}
}

// The connection for log entries ends the session too, when it is lost alone, and is
// made again.
func TestLostConnectionForEntriesIsMadeAgain(t *testing.T) {
	b := backbonetest.Start(t, t.TempDir())
	lost, before := b.Direct(), b.Session()
	if err := lost.Open(nil).Publish("has a space", nil, nil); err != nil { // which the server does not understand
		t.Fatal(err)
	}
	<-before.Done()
	if _, told := fault.Told(context.Cause(before)); !told {
		t.Errorf("the session ended with %v", context.Cause(before))
	}
	eventually(t, "health", func() error { return b.Err() })
	if b.Direct() == lost || b.Session().Err() != nil {
		t.Error("there is no other connection, or no session")
	}
	write(t, b)
	answer := make(chan string, 1)
	in := b.Direct().Open(func(_ string, data []byte) { answer <- string(data) })
	if err := in.Publish("s", []byte("NATS/1.0\r\n\r\n"), []byte("x")); err != nil {
		t.Fatal(err)
	}
	if got := <-answer; !strings.Contains(got, `"seq":`) {
		t.Errorf("it was answered %q", got)
	}
}

// A subject that is longer than NATS takes by default ends the connection there;
// not here.
func TestLongSubject(t *testing.T) {
	b := backbonetest.Start(t, t.TempDir())
	write(t, b)
	if err := b.Conn().Publish(strings.Repeat("x", 5000), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := publish(t.Context(), b, 1); err != nil {
		t.Error(err)
	}
	if b.Err() != nil {
		t.Error(b.Err())
	}
}

// An external server that ends the connection for good is said to have.
func TestConnectionThatEndsForGood(t *testing.T) {
	b := backbone.New(backbone.Config{URL: backbonetest.Listen(t, 0)})
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer b.Stop(context.Background())
	if err := b.Conn().Publish(strings.Repeat("x", 5000), nil); err != nil {
		t.Fatal(err)
	}
	if err := <-b.Failed(); err == nil || !strings.Contains(err.Error(), "maximum control line") {
		t.Errorf("it failed with %v", err)
	}
	if b.Err() == nil {
		t.Error("and says that all is well")
	}
}
