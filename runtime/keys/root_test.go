package keys_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"millrace/runtime/keys"
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
	if err != nil || info.Mode() != 0o600 || info.Size() != 32 {
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
