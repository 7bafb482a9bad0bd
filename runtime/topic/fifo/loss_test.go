package fifo_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/topic/fifo"
)

// A power cut takes the end of the stream, which a receiver has had, and nobody knows: the
// numbers of what is published afterwards are new.
func TestNumbersAreNotReused(t *testing.T) {
	bubble(t, func(e *env) {
		s := e.follow("a")
		e.publish("1", "2")
		settle()
		e.close()
		synced := t.TempDir()
		if err := os.CopyFS(synced, os.DirFS(e.dir)); err != nil {
			t.Fatal(err)
		}
		e.open()
		e.again("a", s)
		e.publish("lost 1", "lost 2", "lost 3")
		time.Sleep(100 * time.Millisecond)
		s.want("1", "2", "lost 1", "lost 2", "lost 3")
		e.close()
		e.dir = synced
		e.open()
		e.again("a", s)
		e.publish("3", "4")
		settle()
		s.want("1", "2", "lost 1", "lost 2", "lost 3", "3", "4")
	})
}

// The stream is behind what its record says: that is a loss, and readers go on behind it.
func TestTruncatedLog(t *testing.T) {
	bubble(t, func(e *env) {
		s := e.follow("a")
		e.publish("1")
		settle()
		e.close()
		before := t.TempDir()
		if err := os.CopyFS(before, os.DirFS(e.dir)); err != nil {
			t.Fatal(err)
		}
		e.open()
		e.again("a", s)
		e.publish("lost 1", "lost 2")
		settle()
		e.close()
		stream := e.streamDir(e.dir)
		if err := os.RemoveAll(stream); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(stream, os.DirFS(e.streamDir(before))); err != nil {
			t.Fatal(err)
		}
		e.config.TruncatedStreams = map[string]bool{filepath.Base(stream): true}
		e.open()
		e.again("a", s)
		settle()
		if len(e.losses) != 1 || e.losses[0].Entries != "2-3" || e.losses[0].Messages != 2 || e.losses[0].Name != topic {
			t.Errorf("losses %+v", e.losses)
		}
		e.publish("2")
		settle()
		s.want("1", "lost 1", "lost 2", "2")
		e.reopen() // it is truncated, and nobody can say what is missing
		if len(e.losses) != 2 || e.losses[1].Entries != "" {
			t.Errorf("losses %+v", e.losses)
		}
		e.again("a", s)
		e.publish("3")
		settle()
		s.want("1", "lost 1", "lost 2", "2", "3")
		if len(e.losses) != 2 {
			t.Errorf("losses %+v", e.losses)
		}
	})
}

// streamDir is where the embedded server keeps the stream of the topic, in a store's folder.
func (e *env) streamDir(store string) string {
	e.Helper()
	rel := strings.TrimPrefix(e.backbone.StreamsDir(), e.dir)
	all, err := os.ReadDir(store + rel)
	if err != nil {
		e.Fatal(err)
	}
	for _, d := range all {
		if fifo.IsLog(d.Name()) {
			return store + rel + "/" + d.Name()
		}
	}
	e.Fatal("the topic has no stream")
	return ""
}

// The whole stream is gone.
func TestLostLog(t *testing.T) {
	bubble(t, func(e *env) {
		s := e.follow("a")
		e.publish("1", "2")
		settle()
		e.close()
		if err := os.RemoveAll(e.streamDir(e.dir)); err != nil {
			t.Fatal(err)
		}
		e.open()
		e.again("a", s)
		e.publish("3")
		settle()
		s.want("1", "2", "3")
		if len(e.losses) != 1 || !e.losses[0].AtMost {
			t.Errorf("losses %+v", e.losses)
		}
	})
}

// Entries in the middle are gone: they are reported, and left out.
func TestMissingEntries(t *testing.T) {
	bubble(t, func(e *env) {
		blocked := e.follow("a")
		blocked.fail = func([]fifo.Item) (int, error) { return 0, os.ErrClosed }
		e.publish(numbered(1, 9)...)
		stream := e.stream()
		for _, seq := range []uint64{1, 2, 5, 9} {
			if err := stream.DeleteMsg(ctx, seq); err != nil {
				t.Fatal(err)
			}
		}
		e.kill()
		blocked.fail = nil
		e.again("a", blocked)
		settle()
		blocked.want("3", "4", "6", "7", "8")
		var lost []string
		for _, l := range e.losses {
			lost = append(lost, l.Entries)
		}
		slices.Sort(lost)
		lost = slices.Compact(lost) // the reader may have met the first ones before the kill
		if fmt.Sprint(lost) != "[1-2 5 9]" {
			t.Errorf("losses %v", lost)
		}
	})
}

func (e *env) stream() jetstream.Stream {
	e.Helper()
	for _, name := range e.streams() {
		if fifo.IsLog(name) {
			s, err := e.backbone.JetStream().Stream(ctx, name)
			if err != nil {
				e.Fatal(err)
			}
			return s
		}
	}
	e.Fatal("the topic has no stream")
	return nil
}

// The record is gone: it is made anew, and the numbers do not begin anew.
func TestLostRecord(t *testing.T) {
	bubble(t, func(e *env) {
		s := e.follow("a")
		e.publish("1")
		settle()
		kv, err := e.backbone.JetStream().KeyValue(ctx, bucket(e))
		if err != nil {
			t.Fatal(err)
		}
		keys, err := kv.Keys(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range keys {
			if err := kv.Purge(ctx, k); err != nil {
				t.Fatal(err)
			}
		}
		synced := e.config
		e.kill()
		e.config = synced
		if len(e.losses) != 1 || len(e.logs.Names()) != 1 {
			t.Errorf("losses %+v, logs %v", e.losses, e.logs.Names())
		}
		e.again("a", s)
		e.publish("2")
		settle()
		s.want("1", "2")
	})
}

func bucket(e *env) string {
	e.Helper()
	names := e.backbone.JetStream().KeyValueStoreNames(ctx)
	for n := range names.Name() {
		return n
	}
	e.Fatal("there is no bucket")
	return ""
}

// The stream loses its end while a reader has that under way: the reader goes on with what
// gets the same sequences.
func TestEndIsLostDuringADelivery(t *testing.T) {
	bubble(t, func(e *env) {
		s := &sink{TB: t}
		held, release := make(chan struct{}), make(chan struct{})
		r := s.reader("a")
		r.Deliver = func(ctx context.Context, items []fifo.Item) (int, error) {
			if string(items[0].Content) == "lost" {
				close(held)
				<-release
			}
			return s.deliver(ctx, items)
		}
		if err := e.logs.Follow(ctx, r); err != nil {
			t.Fatal(err)
		}
		e.publish("1")
		settle()
		e.publish("lost")
		<-held
		stream := e.stream()
		config := stream.CachedInfo().Config
		if err := e.backbone.JetStream().DeleteStream(ctx, config.Name); err != nil {
			t.Fatal(err)
		}
		again, err := e.backbone.JetStream().CreateStream(ctx, config)
		if err == nil {
			_, err = e.backbone.JetStream().Publish(ctx, config.Subjects[0], []byte("1"))
		}
		if err != nil || again == nil {
			t.Fatal(err)
		}
		e.backbone.Report(errors.New("the server was away"))
		time.Sleep(5 * time.Second)
		e.publish("2", "3")
		close(release)
		time.Sleep(20 * time.Second)
		s.want("1", "lost", "2", "3")
		if len(e.losses) != 1 || e.losses[0].Entries != "2" {
			t.Errorf("losses %+v", e.losses)
		}
	})
}
