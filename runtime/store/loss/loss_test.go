package loss_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"millrace/runtime/store/loss"
)

func open(t *testing.T, path string) *loss.Log {
	t.Helper()
	l, err := loss.Open(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func add(t *testing.T, l *loss.Log, name string) {
	t.Helper()
	if err := l.Add(loss.Loss{Kind: loss.Queue, Name: name}); err != nil {
		t.Fatal(err)
	}
}

func names(l *loss.Log) (all []string) {
	for _, loss := range l.All() {
		all = append(all, loss.Name)
	}
	return all
}

func want(t *testing.T, l *loss.Log, all ...string) {
	t.Helper()
	if got := names(l); !slices.Equal(got, all) {
		t.Errorf("known are %v, want %v", got, all)
	}
}

func TestLossesAreKnownUntilForgotten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "losses.log")
	l := open(t, path)
	for _, name := range []string{"a", "b", "a"} {
		add(t, l, name)
	}
	want(t, l, "a", "b")
	l = open(t, path)
	add(t, l, "b")
	want(t, l, "a", "b")
	if err := l.Forget(); err != nil {
		t.Fatal(err)
	}
	want(t, l)
	want(t, open(t, path))
}

// A queue can lose more messages than their numbers fit a short line.
func TestLongLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "losses.log")
	l := open(t, path)
	if err := l.Add(loss.Loss{Kind: loss.Queue, Name: "a", Numbers: strings.Repeat("12345,", 20000)}); err != nil {
		t.Fatal(err)
	}
	add(t, l, "b")
	want(t, open(t, path), "a", "b")
}

// What could not be written down is not known, so that adding it again writes it.
func TestAddAfterAnError(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "later")
	path := filepath.Join(dir, "losses.log")
	l := open(t, path)
	if err := l.Add(loss.Loss{Kind: loss.Queue, Name: "a"}); err == nil {
		t.Fatal("wrote into a folder that is not there")
	}
	want(t, l)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	add(t, l, "a")
	want(t, l, "a")
	want(t, open(t, path), "a")
}

// A crash can leave a line without its end, or without its newline only.
func TestHalfALine(t *testing.T) {
	for left, all := range map[string][]string{
		`{"kind":"queue","name":"a"}`: {"a", "b"},
		`{"kind":"queue","na`:         {"b", "losses.log"},
	} {
		path := filepath.Join(t.TempDir(), "losses.log")
		l := open(t, path) // before, so that it cannot put the file right
		if err := os.WriteFile(path, []byte(left), 0o600); err != nil {
			t.Fatal(err)
		}
		add(t, l, "b")
		want(t, open(t, path), all...)
		want(t, open(t, path), all...)
	}
}
