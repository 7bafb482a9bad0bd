package app

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"millrace/runtime/capacity"
	"millrace/runtime/fault"
)

// A folder that is removed, replaced or moved away is noticed, from the inside as
// from the outside, and told once; one that is back is well again.
func TestFolderIsGoneAndBack(t *testing.T) {
	var log bytes.Buffer
	data := filepath.Join(t.TempDir(), "data")
	inner := filepath.Join(data, "jetstream", "streams")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(inner, 0o700))
	f, err := holdFolder(slog.New(slog.NewTextHandler(&log, nil)), data, filepath.Dir(inner), inner)
	must(err)
	defer f.release()
	check := func(what string, want string) {
		t.Helper()
		err := f.intact()
		if want == "" {
			if err != nil || f.Admit(1) != nil {
				t.Errorf("%s: %v", what, err)
			}
			return
		}
		what, told := fault.Told(err) // the gateway would log every call otherwise
		if fault.Of(err) != fault.Unavailable || !told || !strings.Contains(what, want) || f.Admit(1) == nil || f.Admit(0) == nil {
			t.Errorf("%s: %v, want %q", what, err, want)
		}
	}
	check("at first", "")
	away := data + ".away"
	must(os.Rename(data, away))
	check("moved away", data+": ")
	check("moved away", "no such file")
	if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
		t.Errorf("the log has it %d times:\n%s", n, &log)
	}
	must(os.MkdirAll(inner, 0o700))
	check("replaced", "another folder is in its place")
	must(os.RemoveAll(data))
	must(os.Rename(away, data))
	check("back", "")
	if !strings.Contains(log.String(), "is back") {
		t.Errorf("the log does not say that it is back:\n%s", &log)
	}
	must(os.RemoveAll(filepath.Dir(inner)))
	check("without its streams", filepath.Dir(inner)+": ")
	must(os.MkdirAll(inner, 0o700))
	check("with others", "another folder is in its place")
}

func TestFolderThatOthersMayWriteIsTold(t *testing.T) {
	for mode, want := range map[os.FileMode]bool{0o700: false, 0o755: false, 0o770: true, 0o777: true} {
		var log bytes.Buffer
		dir := t.TempDir()
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		f, err := holdFolder(slog.New(slog.NewTextHandler(&log, nil)), dir)
		if err != nil {
			t.Fatal(err)
		}
		f.release()
		if got := strings.Contains(log.String(), "chmod go-w"); got != want {
			t.Errorf("mode %v: warned is %v, want %v", mode, got, want)
		}
	}
}

// What is asked of every entry must cost next to nothing.
func BenchmarkIntact(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "jetstream", "jetstream", "$G", "streams")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		b.Fatal(err)
	}
	f, err := holdFolder(slog.New(slog.DiscardHandler), dir)
	if err != nil {
		b.Fatal(err)
	}
	defer f.release()
	for b.Loop() {
		if err := f.intact(); err != nil {
			b.Fatal(err)
		}
	}
}

// While the data folder is away nothing is made in what took its place, and the
// log is not told at each look.
func TestHealthLeavesAnotherFolderAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a folder in use cannot be moved here")
	}
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	data := filepath.Join(t.TempDir(), "data")
	held, err := acquire(data)
	if err != nil {
		t.Fatal(err)
	}
	f, err := holdFolder(log, data)
	if err != nil {
		t.Fatal(err)
	}
	defer f.release()
	a := &App{cfg: Config{Log: log}, held: held, folder: f, gate: capacity.Gate{f}}
	if err := os.Rename(data, data+".away"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if a.Health() == nil {
			t.Error("it is well without its folder")
		}
	}
	other, err := acquire(data) // another runtime's, in a new folder
	if err != nil {
		t.Fatal(err)
	}
	defer other.unlock()
	if err := other.announce(Holder{PID: os.Getpid() + 1}); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(lockPath(data)); err != nil {
		t.Fatal(err)
	}
	if a.Health() == nil {
		t.Error("it is well in another folder")
	}
	if _, err := os.Stat(lockPath(data)); err == nil {
		t.Error("a lock was put into another's folder")
	}
	if n := strings.Count(out.String(), "\n"); n != 1 {
		t.Errorf("the log has %d lines:\n%s", n, &out)
	}
	if err := held.release(); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadHolder(data); err != nil {
		t.Errorf("the other's note is gone: %v", err)
	}
}
