package keys

import (
	"bytes"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"millrace/runtime/fault"
)

// keySize is the length of every key here, in bytes.
const keySize = 32

// A Root is the root key: all other keys are worth what it is worth. It never
// prints itself.
type Root struct {
	secret [keySize]byte
	path   string
	fresh  bool // made just now, and not yet in its file
}

// LoadRoot reads the root key that path holds: 32 raw bytes, or the same as 64
// hexadecimal digits or in base64, with or without a line end. When there is no
// such file it makes a key, which [Open] writes there (mode 0600) unless what is
// stored needs another. A file that holds anything else is an error, and is
// never written over.
//
// Runtimes that share one NATS cluster must share the root key too: give each
// the same file.
func LoadRoot(path string) (Root, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		r := Root{path: path, fresh: true}
		rand.Read(r.secret[:]) // never fails, says its documentation
		return r, nil
	}
	if err != nil {
		return Root{}, wrapRoot(err, "reading the root key: make it readable to the user that runs the runtime, or name another file with --root-key")
	}
	secret, ok := parseRoot(text)
	if !ok {
		return Root{}, wrapRoot(nil, "the root key file %s is damaged: it has %d bytes, and should hold 32 bytes, 64 hexadecimal digits or their base64; put a copy of the key back, since what is stored cannot be read without it",
			path, len(text))
	}
	return Root{secret: secret, path: path}, nil
}

// NewRoot makes a root key that is in no file, for tests and for what lives no
// longer than its process.
func NewRoot() Root {
	var r Root
	rand.Read(r.secret[:])
	return r
}

// parseRoot reads the ways to write a root key.
func parseRoot(text []byte) (secret [keySize]byte, ok bool) {
	if len(text) == keySize {
		return [keySize]byte(text), true
	}
	line := string(bytes.TrimSpace(text))
	for _, decode := range []func(string) ([]byte, error){
		hex.DecodeString, base64.StdEncoding.DecodeString, base64.RawStdEncoding.DecodeString,
	} {
		if b, err := decode(line); err == nil && len(b) == keySize {
			return [keySize]byte(b), true
		}
	}
	return secret, false
}

// store writes a key made just now to its file, so that a power cut leaves all of
// it or none, and no other key is ever written over.
func (r *Root) store() error {
	if !r.fresh || r.path == "" {
		return nil
	}
	dir := filepath.Dir(r.path)
	if err := writeNew(dir, r.path, r.secret[:]); err != nil {
		return wrapRoot(err, "writing the new root key to %s", r.path)
	}
	r.fresh = false
	return nil
}

func writeNew(dir, path string, secret []byte) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".root-key-*") // of mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // what is left when this fails is swept by nobody, and harms nobody
	_, err = f.Write(secret)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	// A link, unlike a rename, fails when somebody has put a key there meanwhile;
	// not every file system has links.
	if err = os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// derive makes a key of the root's for one purpose.
func (r Root) derive(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, r.secret[:], nil, purpose, keySize)
	if err != nil {
		panic(err) // only for keys of absurd length
	}
	return key
}

// print tells root keys apart and tells nothing else about them.
func (r Root) print() string { return hex.EncodeToString(r.derive("millrace root key print v1")[:16]) }

func (Root) String() string       { return "root key" }
func (Root) GoString() string     { return "keys.Root{}" }
func (Root) LogValue() slog.Value { return slog.StringValue("root key") }

func wrapRoot(err error, format string, args ...any) error {
	return &fault.Error{Code: fault.Invalid, What: fmt.Sprintf(format, args...), Err: errors.Join(ErrRoot, err)}
}
