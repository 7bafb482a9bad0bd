package repair_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/store/backbone"
	"millrace/runtime/store/repair"
)

var config = jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, Storage: jetstream.FileStorage}

// store makes a store with one stream of a hundred messages.
func store(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	b := backbone.New(backbone.Config{Dir: dir})
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.JetStream().CreateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	for n := range 100 {
		if _, err := b.JetStream().Publish(t.Context(), "s", fmt.Appendf(nil, "message %d", n+1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	return dir
}

// left is which messages the server has.
func left(t *testing.T, dir string) (all []string) {
	t.Helper()
	b := backbone.New(backbone.Config{Dir: dir})
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer b.Stop(t.Context())
	s, err := b.JetStream().CreateOrUpdateStream(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	for seq := uint64(1); seq <= 100; seq++ {
		if m, err := s.GetMsg(t.Context(), seq); err == nil {
			all = append(all, string(m.Data))
		}
	}
	return all
}

func flip(t *testing.T, path, at string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	i := strings.Index(string(data), at)
	if i < 0 {
		t.Fatalf("%s is not in %s", at, path)
	}
	data[i] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func stream(dir string, path ...string) string {
	return filepath.Join(append([]string{dir, "streams", "S"}, path...)...)
}

func TestWholeStoreIsLeftAlone(t *testing.T) {
	dir := store(t)
	aside := filepath.Join(t.TempDir(), "aside")
	found, err := repair.Run(dir, aside)
	if err != nil || len(found) != 0 {
		t.Error(found, err)
	}
	if _, err := os.Stat(aside); err == nil {
		t.Error("something was set aside")
	}
}

func TestOneFlippedBitCostsOneRecord(t *testing.T) {
	dir := store(t)
	flip(t, stream(dir, "msgs", "1.blk"), "message 50")
	if found, err := repair.Run(dir, ""); err != nil || len(found) != 1 {
		t.Errorf("looking only: %v, %v", found, err)
	}
	aside := filepath.Join(t.TempDir(), "aside")
	found, err := repair.Run(dir, aside)
	if err != nil || len(found) != 1 || found[0].Stream != "S" || found[0].End || found[0].Bytes > 60 {
		t.Errorf("%+v, %v", found, err)
	}
	got := left(t, dir)
	if len(got) != 99 || got[48] != "message 49" || got[49] != "message 51" {
		t.Errorf("%d left: %q", len(got), got)
	}
	if _, err := os.Stat(filepath.Join(aside, "streams", "S", "msgs", "1.blk")); err != nil {
		t.Error("the file was not kept:", err)
	}
	if found, err := repair.Run(dir, aside); err != nil || len(found) != 0 {
		t.Errorf("once more: %v, %v", found, err)
	}
}

func TestDamagedConfiguration(t *testing.T) {
	for _, file := range []string{"meta.inf", "meta.sum"} {
		dir := store(t)
		if err := os.Truncate(stream(dir, file), 7); err != nil {
			t.Fatal(err)
		}
		found, err := repair.Run(dir, filepath.Join(t.TempDir(), "aside"))
		if err != nil || len(found) != 1 {
			t.Errorf("%v, %v", found, err)
		}
		if got := left(t, dir); len(got) != 100 {
			t.Errorf("%s: %d left", file, len(got))
		}
	}
}

func TestCutShort(t *testing.T) {
	dir := store(t)
	block := stream(dir, "msgs", "1.blk")
	info, err := os.Stat(block)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(block, info.Size()-5); err != nil {
		t.Fatal(err)
	}
	found, err := repair.Run(dir, filepath.Join(t.TempDir(), "aside"))
	if err != nil || len(found) != 1 || !found[0].End {
		t.Errorf("%+v, %v", found, err)
	}
	if got := left(t, dir); len(got) != 99 {
		t.Errorf("%d left", len(got))
	}
}

func TestSurveyTellsWhatWholeStreamsHold(t *testing.T) {
	change := func(t *testing.T, dir string, how func(jetstream.Stream) error) {
		t.Helper()
		b := backbone.New(backbone.Config{Dir: dir})
		if err := b.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer b.Stop(t.Context())
		s, err := b.JetStream().Stream(t.Context(), "S")
		if err == nil {
			err = how(s)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		how  func(t *testing.T, dir string)
		want *repair.Extent
	}{
		"whole": {func(*testing.T, string) {}, &repair.Extent{First: 1, Last: 100}},
		"parked": {func(t *testing.T, dir string) {
			b := backbone.New(backbone.Config{Dir: dir, IsParked: func(s string) bool { return s == "S" }})
			if err := b.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			b.Stop(t.Context())
		}, &repair.Extent{First: 1, Last: 100}},
		"purged": {func(t *testing.T, dir string) {
			change(t, dir, func(s jetstream.Stream) error { return s.Purge(t.Context(), jetstream.WithPurgeSequence(41)) })
		}, &repair.Extent{First: 41, Last: 100}},
		"with one deleted": {func(t *testing.T, dir string) {
			change(t, dir, func(s jetstream.Stream) error { return s.DeleteMsg(t.Context(), 50) })
		}, &repair.Extent{First: 51, Last: 100}},
		"with one erased": {func(t *testing.T, dir string) {
			change(t, dir, func(s jetstream.Stream) error { return s.SecureDeleteMsg(t.Context(), 50) })
		}, nil},
		"cut short by a record": {func(t *testing.T, dir string) {
			path := stream(dir, "msgs", "1.blk")
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			last := strings.LastIndex(string(data), "message 100") - len("s") - 22
			if err := os.WriteFile(path, data[:last], 0o600); err != nil {
				t.Fatal(err)
			}
		}, &repair.Extent{First: 1, Last: 99}},
		"damaged":                   {func(t *testing.T, dir string) { flip(t, stream(dir, "msgs", "1.blk"), "message 70") }, nil},
		"without its configuration": {func(t *testing.T, dir string) { flip(t, stream(dir, "meta.inf"), "limits") }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			dir := store(t)
			test.how(t, dir)
			_, whole, err := repair.Check(dir)
			got, ok := whole["S"]
			if err != nil || ok != (test.want != nil) || ok && got != *test.want {
				t.Errorf("it holds %v (%t), want %v; %v", got, ok, test.want, err)
			}
		})
	}
}
