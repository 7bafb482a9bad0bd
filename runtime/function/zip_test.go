package function

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
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
		{"not a zip", []byte("PK nothing"), ErrZip},
		{"no bytes", nil, ErrEmpty},
		{"no entries", zipEntries(t), ErrEmpty},
		{"a name that climbs out", zipEntries(t, entry{"../x", 0o644, ""}), ErrZip},
		{"a name that climbs out from below", zipEntries(t, entry{"a/../../x", 0o644, ""}), ErrZip},
		{"an absolute name", zipEntries(t, entry{"/etc/x", 0o644, ""}), ErrZip},
		{"a name with backslashes", zipEntries(t, entry{`..\x`, 0o644, ""}), ErrZip},
		{"no name", zipEntries(t, entry{"", 0o644, ""}), ErrZip},
		{"the folder itself", zipEntries(t, entry{"./", 0o755 | fs.ModeDir, ""}), ErrZip},
		{"a symbolic link", zipEntries(t, entry{"x", 0o777 | fs.ModeSymlink, "/etc"}), ErrZip},
		{"a device", zipEntries(t, entry{"x", 0o666 | fs.ModeDevice, ""}), ErrZip},
		{"a named pipe", zipEntries(t, entry{"x", 0o666 | fs.ModeNamedPipe, ""}), ErrZip},
		{"more than Lambda takes", make([]byte, MaxZipped+1), ErrZipped},
		{"a bomb that says so", claim(zipEntries(t, entry{"x", 0o644, "a"}), MaxUnzipped), ErrUnzipped},
		{"a plain bootstrap", zipEntries(t, entry{"bootstrap", 0o755, "#!"}), nil},
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
	if err := unzip(z, dir); err != nil {
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
	if err := unzip(liar, t.TempDir()); err == nil {
		t.Error("an entry that is longer than it claims was unpacked")
	}
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
		_ = unzip(z, inner) // may fail, as long as it stays inside
		if out, _ := os.ReadDir(dir); len(out) != 1 {
			t.Errorf("wrote outside: %v", out)
		}
	})
}
