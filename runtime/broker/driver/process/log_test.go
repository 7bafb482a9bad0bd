//go:build linux || darwin

package process

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"millrace/runtime/fault"
	"millrace/test/patience"
)

// printing is a folder of a node that prints.
func printing(t *testing.T) (*Driver, folder, *os.File) {
	t.Helper()
	d := open(t, Config{Data: t.TempDir(), Folders: []string{}})
	t.Cleanup(func() { d.Close() })
	f := d.folder("n")
	if _, err := f.claim("n"); err != nil {
		t.Fatal(err)
	}
	w, _, err := f.output()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return d, f, w
}

func TestLogsAreReadFromTheOldestOn(t *testing.T) {
	d, f, w := printing(t)
	filler := bytes.Repeat([]byte("old\n"), maxOutput/4+1)
	w.Write(filler)
	if err := f.boundOutput(); err != nil {
		t.Fatal(err)
	}
	w.WriteString("new\n")
	r, err := d.Log(t.Context(), "n", false)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || string(got) != string(filler)+"new\n" {
		t.Errorf("%d bytes that end with %q, %v", len(got), got[max(0, len(got)-12):], err)
	}
}

// What is set aside while a log is followed is neither lost nor told twice.
func TestLogsAreFollowedOverSettingAside(t *testing.T) {
	d, f, w := printing(t)
	w.WriteString("one\ntwo\n")
	r, err := d.Log(t.Context(), "n", true)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	lines := bufio.NewReader(r)
	next := func(want string) {
		t.Helper()
		for {
			got, err := lines.ReadString('\n')
			if got == "filler\n" {
				continue
			}
			if got != want+"\n" || err != nil {
				t.Fatalf("read %q, %v; want %q", got, err, want)
			}
			return
		}
	}
	next("one")
	next("two")
	for range 2 {
		w.WriteString("before\n")
		w.Write(bytes.Repeat([]byte("filler\n"), maxOutput/7+1))
		w.WriteString("last\n")
		if err := f.boundOutput(); err != nil {
			t.Fatal(err)
		}
		w.WriteString("after\n")
		next("before")
		next("last")
		next("after")
	}
	if err := d.Remove(t.Context(), "n"); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(lines); len(rest) > 0 || err != nil {
		t.Errorf("of a node that was removed: %q, %v", rest, err)
	}
}

func TestFollowingEndsWhenNobodyWantsIt(t *testing.T) {
	d, _, _ := printing(t)
	ctx, cancel := context.WithCancel(t.Context())
	for name, end := range map[string]func(io.Closer){
		"closed":   func(r io.Closer) { r.Close() },
		"canceled": func(io.Closer) { cancel() },
	} {
		r, err := d.Log(ctx, "n", true)
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error)
		go func() { _, err := r.Read(make([]byte, 1)); ended <- err }()
		end(r)
		if err := patience.For(t, name, ended, nil); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: %v", name, err)
		}
		r.Close()
	}
}

// Links in the folder of a node do not make the runtime show other files.
func TestLogsShowNoOtherFiles(t *testing.T) {
	d, f, _ := printing(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{outputFile, oldOutput} {
		os.Remove(f.path(name))
		if err := os.Symlink(secret, f.path(name)); err != nil {
			t.Fatal(err)
		}
	}
	r, err := d.Log(t.Context(), "n", false)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); strings.Contains(string(got), "secret") || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	if _, err := d.Log(t.Context(), "../n", false); fault.Of(err) != fault.Invalid {
		t.Errorf("a hostile name: %v", err)
	}
}
