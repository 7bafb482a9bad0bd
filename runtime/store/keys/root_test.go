package keys_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"millrace/runtime/store/keys"
)

func mustLoad(t *testing.T, path string) keys.Root {
	t.Helper()
	root, err := keys.LoadRoot(path)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// write makes a file of a root key's.
func write(t *testing.T, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "root.key")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRootIsMadeOnce(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	s := records(t, dir)
	path := filepath.Join(t.TempDir(), "deep", "root.key")
	wrapped := mustDataKey(t, open(t, s, mustLoad(t, path), c), "").Wrapped
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 || info.Size() != 69 {
		t.Fatalf("the file is %v, %v", info, err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("beside it lies %v", left)
	}
	first, _ := os.ReadFile(path)
	if _, err := open(t, s, mustLoad(t, path), c).Unwrap(wrapped); err != nil {
		t.Error(err)
	}
	if again, _ := os.ReadFile(path); !bytes.Equal(first, again) {
		t.Error("the file was written again")
	}
}

// TestRootNeverPrintsItself prints a root key by itself, and where nobody asks it
// how: in the fields of others.
func TestRootNeverPrintsItself(t *testing.T) {
	secret := bytes.Repeat([]byte{201, 74, 133, 58}, 8)
	root := mustLoad(t, write(t, secret))
	type config struct{ root keys.Root }
	for _, v := range []any{root, &root, config{root}, &config{root}, open(t, records(t, t.TempDir()), root, newClock())} {
		for _, verb := range []string{"%v", "%+v", "%#v"} {
			text := fmt.Sprintf(verb, v)
			for _, form := range []string{"201 74 133 58", "c94a853a", "0xc9, 0x4a", string(secret[:4])} {
				if strings.Contains(text, form) {
					t.Errorf("%s of a %T: %s", verb, v, text)
				}
			}
		}
	}
}

// TestRootSpellings reads one key in each of the ways a user may write it.
func TestRootSpellings(t *testing.T) {
	secret := make([]byte, 32)
	for i := range secret {
		secret[i] = byte(i)
	}
	s, c := records(t, t.TempDir()), newClock()
	wrapped := mustDataKey(t, open(t, s, mustLoad(t, write(t, secret)), c), "").Wrapped
	for _, text := range []string{
		hex.EncodeToString(secret), strings.ToUpper(hex.EncodeToString(secret)) + "\n",
		base64.StdEncoding.EncodeToString(secret) + "\r\n", base64.RawStdEncoding.EncodeToString(secret),
	} {
		if _, err := open(t, s, mustLoad(t, write(t, []byte(text))), c).Unwrap(wrapped); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestRootRefusals(t *testing.T) {
	for _, text := range []string{"", "short", strings.Repeat("x", 31), strings.Repeat("x", 33), strings.Repeat("g", 64), strings.Repeat("a", 62)} {
		path := write(t, []byte(text))
		_, err := keys.LoadRoot(path)
		if !errors.Is(err, keys.ErrRoot) || !strings.Contains(err.Error(), "the root key file "+path+" is damaged") {
			t.Errorf("%q: %v", text, err)
		}
		if left, _ := os.ReadFile(path); string(left) != text {
			t.Errorf("%q was written over", text)
		}
	}
	if _, err := keys.LoadRoot(t.TempDir()); !errors.Is(err, keys.ErrRoot) || !strings.Contains(err.Error(), "reading the root key") {
		t.Errorf("a folder: %v", err)
	}
}

// TestLostRoot starts on records that another root key made: it fails, says what
// to do, and leaves no new key where the right one belongs.
func TestLostRoot(t *testing.T) {
	s, c := records(t, t.TempDir()), newClock()
	path := filepath.Join(t.TempDir(), "root.key")
	wrapped := mustDataKey(t, open(t, s, mustLoad(t, path), c), "").Wrapped
	kept, _ := os.ReadFile(path)

	os.Remove(path)
	_, err := keys.Open(s, mustLoad(t, path), c.now)
	if !errors.Is(err, keys.ErrRoot) || !strings.Contains(err.Error(), "the root key file "+path+" is missing") {
		t.Errorf("missing: %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a new key was written: %v", err)
	}
	other := write(t, bytes.Repeat([]byte{1}, 32))
	_, err = keys.Open(s, mustLoad(t, other), c.now)
	if !errors.Is(err, keys.ErrRoot) || !strings.Contains(err.Error(), "the root key in "+other+" is not the one") {
		t.Errorf("another: %v", err)
	}

	if err := os.WriteFile(path, kept, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, s, mustLoad(t, path), c).Unwrap(wrapped); err != nil {
		t.Errorf("put back: %v", err)
	}
	// Once everything has been removed, any root key is as good as another.
	if err := s.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	open(t, s, mustLoad(t, other), c)
}

// TestSharedRoot has runtimes on one store and without a file find one root key.
func TestSharedRoot(t *testing.T) {
	s, c := records(t, t.TempDir()), newClock()
	first := open(t, s, keys.SharedRoot(), c)
	wrapped := mustDataKey(t, first, "").Wrapped
	if _, err := open(t, s, keys.SharedRoot(), c).Unwrap(wrapped); err != nil {
		t.Error(err)
	}
	_, err := keys.Open(s, mustLoad(t, write(t, bytes.Repeat([]byte{1}, 32))), c.now)
	if !errors.Is(err, keys.ErrRoot) || !strings.Contains(err.Error(), "start without --root-key") {
		t.Errorf("with a file: %v", err)
	}
	// After a reset the runtimes that go on keep the key they have.
	if err := errors.Join(s.Reset(t.Context()), first.Reset(t.Context())); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, s, keys.SharedRoot(), c).Unwrap(wrapped); err != nil {
		t.Error(err)
	}

	s = records(t, t.TempDir())
	open(t, s, keys.NewRoot(), c)
	_, err = keys.Open(s, keys.SharedRoot(), c.now)
	if !errors.Is(err, keys.ErrRoot) || !strings.Contains(err.Error(), "name a copy of it with --root-key") {
		t.Errorf("without the file that the others have: %v", err)
	}
}

// TestDamagedCopy damages each of the files in each of the ways that disks have:
// the other one serves, and both are whole again.
func TestDamagedCopy(t *testing.T) {
	s, c := records(t, t.TempDir()), newClock()
	dir := t.TempDir()
	files := []string{filepath.Join(dir, "root.key"), filepath.Join(dir, "root.key.copy")}
	load := func() (*keys.Ring, error) {
		root, err := keys.LoadRoot(files[0], files[1])
		if err != nil {
			return nil, err
		}
		return keys.Open(s, root, c.now)
	}
	r, err := load()
	if err != nil || len(r.Repaired()) != 0 {
		t.Fatalf("repaired %v, %v", r.Repaired(), err)
	}
	wrapped := mustDataKey(t, r, "").Wrapped
	whole, _ := os.ReadFile(files[0])
	for _, file := range files {
		for name, damage := range map[string]func() error{
			"lost":      func() error { return os.Remove(file) },
			"empty":     func() error { return os.Truncate(file, 0) },
			"truncated": func() error { return os.Truncate(file, 32) },
			"flipped": func() error {
				return os.WriteFile(file, append(bytes.Clone(whole[:30]), append([]byte{whole[30] ^ 1}, whole[31:]...)...), 0o600)
			},
			"foreign": func() error { return os.WriteFile(file, bytes.Repeat([]byte{1}, 32), 0o600) },
		} {
			if err := damage(); err != nil {
				t.Fatal(err)
			}
			r, err := load()
			if err != nil {
				t.Fatalf("%s %s: %v", file, name, err)
			}
			if _, err := r.Unwrap(wrapped); err != nil || len(r.Repaired()) != 1 || r.Repaired()[0] != file {
				t.Errorf("%s %s: repaired %v, %v", file, name, r.Repaired(), err)
			}
			for _, file := range files {
				if now, err := os.ReadFile(file); err != nil || !bytes.Equal(now, whole) {
					t.Errorf("%s %s: %s holds something else, %v", file, name, file, err)
				}
			}
		}
	}
	for _, file := range files {
		os.Truncate(file, 5)
	}
	if _, err := load(); !errors.Is(err, keys.ErrRoot) || !strings.Contains(err.Error(), files[0]+" is damaged") || !strings.Contains(err.Error(), files[1]+" is damaged") {
		t.Errorf("both damaged: %v", err)
	}
	for _, file := range files {
		if info, _ := os.Stat(file); info.Size() != 5 {
			t.Errorf("%s was written over", file)
		}
	}
}

// TestDamageShows flips each bit of the file, and cuts it at each length: no key
// is read, but the one that was there. Nothing stored is needed to tell.
func TestDamageShows(t *testing.T) {
	path, c := filepath.Join(t.TempDir(), "root.key"), newClock()
	wrapped := mustDataKey(t, open(t, records(t, t.TempDir()), mustLoad(t, path), c), "").Wrapped
	whole, _ := os.ReadFile(path)
	empty := records(t, t.TempDir())
	refuse := func(what string, text []byte) {
		root, err := keys.LoadRoot(write(t, text))
		if err != nil {
			return
		}
		if _, err := open(t, empty, root, c).Unwrap(wrapped); err != nil {
			t.Errorf("%s: another key was read", what)
		}
	}
	for bit := range 8 * len(whole) {
		bad := bytes.Clone(whole)
		bad[bit/8] ^= 1 << (bit % 8)
		refuse(fmt.Sprintf("bit %d flipped", bit), bad)
	}
	for n := range len(whole) {
		refuse(fmt.Sprintf("cut to %d", n), whole[:n])
	}
}

// TestKilledWhileItWasMade starts again after a process died between writing the
// root key to its file and writing down that it is in use.
func TestKilledWhileItWasMade(t *testing.T) {
	path, c := filepath.Join(t.TempDir(), "root.key"), newClock()
	open(t, records(t, t.TempDir()), mustLoad(t, path), c)
	first, _ := os.ReadFile(path)
	r := open(t, records(t, t.TempDir()), mustLoad(t, path), c) // no record knows of it
	if again, _ := os.ReadFile(path); !bytes.Equal(first, again) || len(r.Repaired()) != 0 {
		t.Errorf("the file was written again, repaired %v", r.Repaired())
	}
}
