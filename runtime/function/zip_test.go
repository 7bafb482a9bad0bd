package function

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"millrace/runtime/fault"
)

type entry struct {
	name string
	mode fs.FileMode
	body string
}

func zipEntries(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		h.SetMode(e.mode)
		f, err := z.CreateHeader(h)
		if err == nil {
			_, err = f.Write([]byte(e.body))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestZipAttacks(t *testing.T) {
	for _, c := range []struct {
		rule string
		zip  []byte
		want error
	}{
		{"not a zip", []byte("PK nothing"), ErrInvalidZip},
		{"no bytes", nil, ErrEmptyZip},
		{"no entries", zipEntries(t), ErrEmptyZip},
		{"a name that climbs out", zipEntries(t, entry{"../x", 0o644, ""}), ErrInvalidZip},
		{"a name that climbs out from below", zipEntries(t, entry{"a/../../x", 0o644, ""}), ErrInvalidZip},
		{"an absolute name", zipEntries(t, entry{"/etc/x", 0o644, ""}), ErrInvalidZip},
		{"a name with backslashes", zipEntries(t, entry{`..\x`, 0o644, ""}), ErrInvalidZip},
		{"no name", zipEntries(t, entry{"", 0o644, ""}), ErrInvalidZip},
		{"the folder itself", zipEntries(t, entry{"./", 0o755 | fs.ModeDir, ""}), ErrInvalidZip},
		{"a link whose own name climbs out", zipEntries(t, entry{"../x", 0o777 | fs.ModeSymlink, "y"}), ErrInvalidZip},
		{"a device", zipEntries(t, entry{"x", 0o666 | fs.ModeDevice, ""}), ErrInvalidZip},
		{"a named pipe", zipEntries(t, entry{"x", 0o666 | fs.ModeNamedPipe, ""}), ErrInvalidZip},
		{"more than Lambda takes", make([]byte, MaxUnzipped+1), ErrUnzippedTooLarge},
		{"a bomb that says so", claim(zipEntries(t, entry{"x", 0o644, "a"}), MaxUnzipped), ErrUnzippedTooLarge},
		{"a plain bootstrap", zipEntries(t, entry{"bootstrap", 0o755, "#!"}), nil},
		{"a symbolic link, wherever it leads", zipEntries(t, entry{"x", 0o777 | fs.ModeSymlink, "/etc"}), nil},
		{"folders", zipEntries(t, entry{"a/", 0o755 | fs.ModeDir, ""}, entry{"a/b", 0o644, "x"}), nil},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if _, err := readZip(c.zip); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestUnzipKeepsModesAndCountsWhatItWrites(t *testing.T) {
	dir := t.TempDir()
	z, err := readZip(zipEntries(t, entry{"bootstrap", 0o555, "#!"}, entry{"deep/er/data", 0o644, "x"}))
	if err != nil {
		t.Fatal(err)
	}
	if err := unzip(z, dir, true); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, "bootstrap")); err != nil || info.Mode() != 0o755 {
		t.Errorf("bootstrap: %v, %v", info.Mode(), err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "deep/er/data")); err != nil || string(b) != "x" {
		t.Errorf("data: %q, %v", b, err)
	}

	liar, err := readZip(claim(zipEntries(t, entry{"x", 0o644, "four"}), 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := unzip(liar, t.TempDir(), false); err == nil {
		t.Error("an entry that is longer than it claims was unpacked")
	}
}

// Links are kept as they are, wherever they lead.
func TestUnzipKeepsLinks(t *testing.T) {
	dir := t.TempDir()
	targets := map[string]string{
		"bootstrap": "bin/main", "lib/so": "../bin/main", "out": "../../etc", "abs": "/etc/passwd", "none": "gone", "folder": "bin", "self": "self",
	}
	entries := []entry{{"bin/main", 0o755, "#!"}}
	for name, target := range targets {
		entries = append([]entry{{name, 0o777 | fs.ModeSymlink, target}}, entries...) // before what they lead to
	}
	z, err := readZip(zipEntries(t, entries...))
	if err != nil {
		t.Fatal(err)
	}
	if err := unzip(z, dir, false); err != nil {
		t.Fatal(err)
	}
	for name, target := range targets {
		if got, err := os.Readlink(filepath.Join(dir, name)); got != target {
			t.Errorf("%s leads to %q (%v), want %q", name, got, err, target)
		}
	}
}

// Nothing is written through a link, whatever comes after it, and nothing that
// stands outside is touched by what becomes of the folder.
func TestUnzipNeverFollowsLinks(t *testing.T) {
	const link = 0o777 | fs.ModeSymlink
	for _, c := range []struct {
		rule    string
		entries []entry
		left    string // what the folder then holds, "" when the zip file is refused
	}{
		{"a file below a link that leads out", []entry{{"a", link, "OUT"}, {"a/owned", 0o644, "x"}}, ""},
		{"a file below a link, the link last", []entry{{"a/owned", 0o644, "x"}, {"a", link, "OUT"}}, ""},
		{"a file below a link that stays inside", []entry{{"d/", 0o755 | fs.ModeDir, ""}, {"a", link, "d"}, {"a/owned", 0o644, "x"}}, ""},
		{"a folder below a link", []entry{{"a", link, "OUT"}, {"a/owned/", 0o755 | fs.ModeDir, ""}}, ""},
		{"a link below a link", []entry{{"a", link, "OUT"}, {"a/owned", link, "x"}}, ""},
		{"a file in place of a link", []entry{{"a", link, "OUT/victim"}, {"a", 0o644, "owned"}}, ""},
		{"a link in place of a file", []entry{{"a", 0o644, "x"}, {"a", link, "OUT/victim"}}, ""},
		{"a link in place of a link", []entry{{"a", link, "OUT"}, {"a", link, "OUT/victim"}}, ""},
		{"a link to nothing", []entry{{"a", link, ""}}, ""},
		{"a link with a NUL", []entry{{"a", link, "b\x00c"}}, ""},
		{"a link that is too long", []entry{{"a", link, strings.Repeat("x", maxTarget+1)}}, ""},
		{"a link by itself", []entry{{"a", link, "OUT/victim"}, {"b", 0o600, "x"}}, "a b"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			out, folders := t.TempDir(), t.TempDir()
			victim := filepath.Join(out, "victim")
			if err := os.WriteFile(victim, []byte("whole"), 0o640); err != nil {
				t.Fatal(err)
			}
			for i := range c.entries {
				c.entries[i].body = strings.ReplaceAll(c.entries[i].body, "OUT", out)
			}
			s := cache(folders, "boot")
			sum, err := s.unpack(t.Context(), zipEntries(t, c.entries...))
			if (c.left == "") != errors.Is(err, fault.Invalid) || err != nil && !strings.HasPrefix(err.Error(), ErrInvalidZip.Error()) {
				t.Errorf("got %v", err)
			}
			if got := listing(t, s.path(sum)); got != c.left {
				t.Errorf("the folder holds %q, want %q", got, c.left)
			}
			old := time.Now().Add(-time.Hour)
			if c.left != "" {
				if err := os.Chtimes(s.path(sum), old, old); err != nil {
					t.Fatal(err)
				}
			}
			if err := errors.Join(s.sweepFolders(nil), s.sweepUnfinished()); err != nil {
				t.Error(err)
			}
			if got := listing(t, folders); got != "" {
				t.Errorf("%s is left in the cache", got)
			}
			body, err := os.ReadFile(victim)
			info, _ := os.Stat(victim)
			if string(body) != "whole" || err != nil || info.Mode() != 0o640 || listing(t, out) != "victim" {
				t.Errorf("outside: %s with %q, %v, %v", listing(t, out), body, info.Mode(), err)
			}
		})
	}
}

func listing(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

// claim makes the first entry of a zip file claim a size in the directory.
func claim(z []byte, size uint32) []byte {
	z = bytes.Clone(z)
	at := bytes.Index(z, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(z[at+24:], size)
	return z
}

func FuzzReadZip(f *testing.F) {
	f.Add(zipEntries(f, entry{"bootstrap", 0o755, "#!"}))
	f.Add(zipEntries(f, entry{"../x", 0o644, "x"}, entry{"a/b", 0o644, "y"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		z, err := readZip(b)
		if err != nil {
			return
		}
		dir := t.TempDir()
		inner := filepath.Join(dir, "code")
		if err := os.Mkdir(inner, 0o755); err != nil {
			t.Fatal(err)
		}
		_ = unzip(z, inner, false) // may fail, as long as it stays inside
		if out, _ := os.ReadDir(dir); len(out) != 1 {
			t.Errorf("wrote outside: %v", out)
		}
	})
}

// A file system that cannot take code is not the code's fault.
func TestWhoseFaultItIs(t *testing.T) {
	for _, c := range []struct {
		err error
		zip bool
	}{
		{&fs.PathError{Op: "write", Err: syscall.ENOSPC}, false},
		{&fs.PathError{Op: "openat", Err: syscall.EROFS}, false},
		{&fs.PathError{Op: "openat", Err: syscall.EMFILE}, false},
		{&os.LinkError{Op: "symlinkat", Err: syscall.EDQUOT}, false},
		{&os.LinkError{Op: "symlinkat", Err: syscall.EEXIST}, true},
		{&fs.PathError{Op: "openat", Err: syscall.ENAMETOOLONG}, true},
		{&fs.PathError{Op: "mkdirat", Err: syscall.ENOTDIR}, true},
		{zip.ErrChecksum, true},
		{io.ErrUnexpectedEOF, true},
	} {
		if got := causedByZip(fmt.Errorf("unpacking: %w", c.err)); got != c.zip {
			t.Errorf("%v: the zip file's fault is %t", c.err, got)
		}
	}
}

// How long it takes to unpack very many files: each is made, and none flushed.
func BenchmarkUnpackManyFiles(b *testing.B) {
	entries := make([]entry, 60_000)
	for i := range entries {
		entries[i] = entry{fmt.Sprintf("d%d/f%d", i/1000, i), 0o644, ""}
	}
	code := zipEntries(b, entries...)
	for b.Loop() {
		if _, err := cache(b.TempDir(), bootName()).unpack(b.Context(), code); err != nil {
			b.Fatal(err)
		}
	}
}
