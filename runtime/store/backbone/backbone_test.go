package backbone_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/store/backbone"
	"millrace/runtime/store/backbone/backbonetest"
)

func TestMain(m *testing.M) { os.Exit(backbonetest.Main(m)) }

// write makes a stream if need be, and stores one message in it.
func write(t *testing.T, b *backbone.Backbone) (last uint64) {
	t.Helper()
	_, err := b.JetStream().CreateOrUpdateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}})
	if err != nil {
		t.Fatal(err)
	}
	ack, err := b.JetStream().Publish(t.Context(), "s", []byte("m"))
	if err != nil {
		t.Fatal(err)
	}
	return ack.Sequence
}

func TestStreamsOutliveTheServer(t *testing.T) {
	dir := t.TempDir()
	for want := uint64(1); want <= 3; want++ {
		b := backbonetest.Start(t, dir)
		if got := write(t, b); got != want {
			t.Errorf("sequence %d, want %d", got, want)
		}
		if err := b.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// What was acknowledged is in the files before the server is stopped: a copy of
// them, taken while it runs, has it. So a killed process has lost nothing.
func TestAcknowledgedIsWritten(t *testing.T) {
	dir := t.TempDir()
	b := backbonetest.Start(t, dir)
	write(t, b)
	write(t, b)
	killed := filepath.Join(t.TempDir(), "killed")
	if err := os.CopyFS(killed, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if got := write(t, backbonetest.Start(t, killed)); got != 3 {
		t.Errorf("the next sequence is %d, want 3", got)
	}
}

func TestExternalServer(t *testing.T) {
	b := backbone.New(backbone.Config{URL: backbonetest.Listen(t, 0)})
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer b.Stop(context.Background())
	if got := write(t, b); got != 1 {
		t.Errorf("sequence %d, want 1", got)
	}
}

func TestExternalServerThatIsNotThere(t *testing.T) {
	b := backbone.New(backbone.Config{URL: "nats://127.0.0.1:1"})
	if err := b.Start(t.Context()); err == nil {
		b.Stop(t.Context())
		t.Error("started without a server")
	}
}

func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		s := backbone.New(backbone.Config{Dir: b.TempDir()})
		if err := s.Start(b.Context()); err != nil {
			b.Fatal(err)
		}
		s.Stop(b.Context())
	}
}
