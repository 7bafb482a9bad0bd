package backbone_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/store/backbone"
)

// startParking starts a backbone that parks stream S.
func startParking(t *testing.T, dir string) *backbone.Backbone {
	t.Helper()
	return startWith(t, backbone.Config{Dir: dir, IsParked: func(stream string) bool { return stream == "S" }})
}

func startWith(t *testing.T, c backbone.Config) *backbone.Backbone {
	t.Helper()
	b := backbone.New(c)
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Stop(context.Background()) })
	return b
}

func stop(t *testing.T, b *backbone.Backbone) {
	t.Helper()
	if err := b.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// store stores one message in S, which must be there.
func store(t *testing.T, b *backbone.Backbone, want uint64) {
	t.Helper()
	ack, err := b.JetStream().Publish(t.Context(), "s", []byte("m"))
	if err != nil || ack.Sequence != want {
		t.Fatalf("stored as %+v, want %d: %v", ack, want, err)
	}
}

func wantAsleep(t *testing.T, b *backbone.Backbone, want ...string) {
	t.Helper()
	_, err := b.JetStream().Stream(t.Context(), "S")
	if got := b.Asleep(); !slices.Equal(got, want) || errors.Is(err, jetstream.ErrStreamNotFound) != (len(want) > 0) {
		t.Fatalf("asleep are %v, want %v; the server says %v", got, want, err)
	}
}

func wake(t *testing.T, b *backbone.Backbone) {
	t.Helper()
	if err := b.Wake(t.Context(), "S"); err != nil {
		t.Fatal(err)
	}
	wantAsleep(t, b)
}

func makeS(t *testing.T, b *backbone.Backbone) {
	t.Helper()
	c := jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, Description: "as it was made"}
	if _, err := b.JetStream().CreateStream(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

func TestAParkedStreamIsOpenedWhenItIsWoken(t *testing.T) {
	dir := t.TempDir()
	b := startParking(t, dir)
	makeS(t, b)
	store(t, b, 1)
	killed := filepath.Join(t.TempDir(), "killed")
	if err := os.CopyFS(killed, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	stop(t, b)
	for _, dir := range []string{dir, killed} {
		for next := uint64(2); next < 4; next++ {
			b := startParking(t, dir)
			wantAsleep(t, b, "S")
			if b.Stored() == 0 {
				t.Error("what is asleep takes no room")
			}
			wake(t, b)
			s, err := b.JetStream().Stream(t.Context(), "S")
			if err != nil || s.CachedInfo().Config.Description != "as it was made" {
				t.Errorf("it was opened as %+v: %v", s.CachedInfo().Config, err)
			}
			store(t, b, next)
			stop(t, b)
		}
	}
}

func TestParkClosesAStream(t *testing.T) {
	b := startParking(t, t.TempDir())
	makeS(t, b)
	for next := uint64(1); next < 4; next++ {
		store(t, b, next)
		if err := b.Park(t.Context(), "S"); err != nil {
			t.Fatal(err)
		}
		wantAsleep(t, b, "S")
		wake(t, b)
	}
	s, err := b.JetStream().Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	for seq := uint64(1); seq < 4; seq++ {
		if _, err := s.GetMsg(t.Context(), seq); err != nil {
			t.Errorf("message %d: %v", seq, err)
		}
	}
}

// The server removes the folder of a stream that it cannot open.
func TestAStreamThatCannotBeOpenedIsKept(t *testing.T) {
	dir := t.TempDir()
	b := startParking(t, dir)
	makeS(t, b)
	store(t, b, 1)
	stop(t, b)
	b = startParking(t, dir)
	msgs := filepath.Join(dir, "streams", "S", "msgs")
	if err := errors.Join(os.Rename(msgs, msgs+".away"), os.WriteFile(msgs, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if b.Wake(t.Context(), "S") == nil {
		t.Fatal("it was opened")
	}
	wantAsleep(t, b, "S")
	if err := os.Rename(msgs, msgs+".away"); err == nil {
		t.Fatal("it has a file where a folder was")
	}
	if err := errors.Join(os.Remove(msgs), os.Rename(msgs+".away", msgs)); err != nil {
		t.Fatal(err)
	}
	wake(t, b)
	store(t, b, 2)
}

func TestEachStartSaysWhatIsParked(t *testing.T) {
	dir := t.TempDir()
	b := startWith(t, backbone.Config{Dir: dir})
	makeS(t, b)
	for next := uint64(1); next < 4; next += 2 {
		store(t, b, next)
		stop(t, b)
		b = startParking(t, dir)
		wantAsleep(t, b, "S")
		wake(t, b)
		store(t, b, next+1)
		stop(t, b)
		b = startWith(t, backbone.Config{Dir: dir})
		wantAsleep(t, b)
	}
}

func TestAParkedStreamIsRemoved(t *testing.T) {
	dir := t.TempDir()
	b := startParking(t, dir)
	for _, asleep := range []bool{false, true} {
		makeS(t, b)
		store(t, b, 1)
		if asleep {
			stop(t, b)
			b = startParking(t, dir)
			wantAsleep(t, b, "S")
		}
		if err := b.JetStream().DeleteStream(t.Context(), "S"); err != nil {
			t.Fatal(err)
		}
		if left, err := os.ReadDir(filepath.Join(dir, "streams")); err != nil || len(left) > 0 {
			t.Errorf("left are %v, %v", left, err)
		}
	}
	stop(t, b)
	// One that was being made, and one that was being deleted, when the process was killed.
	for _, file := range []string{"msgs/index.db", "meta.sum"} {
		path := filepath.Join(dir, "streams", "S", file)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		b = startParking(t, dir)
		if left, err := os.ReadDir(filepath.Join(dir, "streams")); err != nil || len(left) > 0 {
			t.Errorf("left are %v, %v", left, err)
		}
		stop(t, b)
	}
}

// What a runtime before did not come to sync is synced, wherever it is.
func TestParkedStreamsAreSynced(t *testing.T) {
	dir := t.TempDir()
	b := startParking(t, dir)
	makeS(t, b)
	store(t, b, 1)
	stop(t, b)
	var c counter
	b = startWith(t, backbone.Config{Dir: dir, IsParked: func(string) bool { return true }, Fsync: c.fsync})
	wantAsleep(t, b, "S")
	stop(t, b)
	for _, name := range []string{"1.blk", "S", "streams", filepath.Base(dir)} {
		if c.of(name) == 0 {
			t.Errorf("%s was not synced", name)
		}
	}
}
