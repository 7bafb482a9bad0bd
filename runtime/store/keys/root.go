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
	"slices"
	"strings"

	"millrace/runtime/fault"
	"millrace/runtime/store/atomicfile"
)

// keySize is the length of every key here, in bytes.
const keySize = 32

// A Root is the root key, which protects all other keys. It never prints its secret.
type Root struct {
	// Package fmt asks no unexported field of another struct how it wants to be
	// printed, but %v follows no pointer there either.
	secret *[keySize]byte
	files  []string         // that hold it, or should
	found  []*[keySize]byte // in the files, when they do not agree; the first is secret
	fresh  bool             // made just now, and not yet in its files
	shared bool             // kept in the records, see SharedRoot
}

// LoadRoot reads the root key that the file path holds: 32 raw bytes, or the same
// as 64 hexadecimal digits or in base64, with or without a line end, or the line
// that is written here, which tells when it is damaged. When there is no such
// file it makes a key, which [Open] writes there (mode 0600) unless what is stored
// needs another. A file that holds anything else is an error.
//
// Copies are files that hold the same, so that one of them may be lost or
// damaged: Open uses the one that the stored data needs, and repairs the others.
// A file is never overwritten otherwise.
//
// Runtimes that share one NATS cluster need the same root key: give each a copy
// of the file, or let them keep a [SharedRoot].
func LoadRoot(path string, copies ...string) (Root, error) {
	r := Root{files: append([]string{path}, copies...), fresh: true}
	var damage error
	for _, file := range r.files {
		text, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		r.fresh = false
		if err != nil {
			damage = errors.Join(damage, wrapRoot(err, "reading the root key: make it readable to the user that runs the runtime, or name another file with --root-key"))
			continue
		}
		secret, ok := parseRoot(text)
		if !ok {
			damage = errors.Join(damage, wrapRoot(nil, "the root key file %s is damaged: it has %d bytes, and holds no key, or not all of one; put a copy of the key back, since what is stored cannot be read without it",
				file, len(text)))
			continue
		}
		r.found = append(r.found, &secret)
	}
	if r.fresh {
		r.found = append(r.found, NewRoot().secret)
	}
	if len(r.found) == 0 {
		return Root{}, damage
	}
	r.secret = r.found[0]
	return r, nil
}

// NewRoot makes a root key that is in no file, for tests and for what lives no
// longer than its process.
func NewRoot() Root {
	r := Root{secret: new([keySize]byte)}
	rand.Read(r.secret[:])
	return r
}

// SharedRoot is a root key that is kept in the records themselves, for runtimes
// that share them and were given no file: the first one makes it, the others find
// it there. It keeps bodies out of the files of the store, and protects them from
// nobody who can read the records too.
func SharedRoot() Root {
	r := NewRoot()
	r.shared = true
	return r
}

// filePrefix begins the line of a root key that was made here. Base64 of the key and
// of its check follows.
const filePrefix = "millrace-root-key-1:"

const checkSize = 4 // bytes

func check(secret []byte) []byte {
	sum := sha256.Sum256(append([]byte(filePrefix), secret...))
	return sum[:checkSize]
}

// format is what a file of the root key holds.
func (r Root) format() []byte {
	return []byte(filePrefix + base64.StdEncoding.EncodeToString(slices.Concat(r.secret[:], check(r.secret[:]))) + "\n")
}

// parseRoot reads the ways to write a root key.
func parseRoot(text []byte) (secret [keySize]byte, ok bool) {
	line := string(bytes.TrimSpace(text))
	if line, ours := strings.CutPrefix(line, filePrefix); ours {
		b, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(b) != keySize+checkSize || !bytes.Equal(b[keySize:], check(b[:keySize])) {
			return secret, false
		}
		return [keySize]byte(b[:keySize]), true
	}
	if len(text) == keySize {
		return [keySize]byte(text), true
	}
	for _, decode := range []func(string) ([]byte, error){
		hex.DecodeString, base64.StdEncoding.DecodeString, base64.RawStdEncoding.DecodeString,
	} {
		if b, err := decode(line); err == nil && len(b) == keySize {
			return [keySize]byte(b), true
		}
	}
	return secret, false
}

// writeFiles writes the key to those of its files that are missing, and with repair also
// to those that hold anything else. It returns the files that it repaired.
func (r *Root) writeFiles(repair bool) (repaired []string, err error) {
	for _, file := range r.files {
		text, err := os.ReadFile(file)
		missing := errors.Is(err, fs.ErrNotExist)
		if held, ok := parseRoot(text); err == nil && ok && held == *r.secret || !missing && !repair {
			continue
		}
		if err := write(file, r.format(), repair); err != nil {
			return repaired, wrapRoot(err, "writing the root key to %s", file)
		}
		if !r.fresh {
			repaired = append(repaired, file)
		}
	}
	r.fresh = false
	return repaired, nil
}

// write makes a file, or with over replaces it. It does not replace a key that
// somebody has put there meanwhile.
func write(path string, text []byte, over bool) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if over {
		return atomicfile.Write(path, text)
	}
	return atomicfile.Create(path, text)
}

// derive makes a key of the root's for one purpose.
func (r Root) derive(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, r.secret[:], nil, purpose, keySize)
	if err != nil {
		panic(err) // only for keys of absurd length
	}
	return key
}

// fingerprint identifies a root key in the records, and reveals nothing else about it.
func (r Root) fingerprint() fingerprint {
	p := fingerprint{Fingerprint: hex.EncodeToString(r.derive("millrace root key print v1")[:16])}
	if r.shared {
		p.Secret = r.secret[:]
	}
	return p
}

// matchRecorded is the root key to use with records that need the one of known.
func (r Root) matchRecorded(known fingerprint) (Root, error) {
	const needed = "or name it with --root-key; without it the encrypted data is lost, and only an empty store starts"
	for _, r.secret = range append(r.found, r.secret) {
		if r.fingerprint().Fingerprint == known.Fingerprint {
			return r, nil
		}
	}
	switch {
	case r.shared && len(known.Secret) == keySize:
		r.secret = (*[keySize]byte)(known.Secret)
		return r, nil
	case r.shared:
		return r, wrapRoot(nil, "what is stored was encrypted under a root key in a file: name a copy of it with --root-key")
	case len(known.Secret) > 0:
		return r, wrapRoot(nil, "what is stored was encrypted under a root key that is stored with it: start without --root-key")
	case r.fresh:
		return r, wrapRoot(nil, "the root key file %s is missing, and what is stored was encrypted under the key in it: put a copy back there, "+needed, r.files[0])
	}
	return r, wrapRoot(nil, "the root key in %s is not the one that what is stored was encrypted under: put the right one there, "+needed, strings.Join(r.files, " and "))
}

func (Root) String() string       { return "root key" }
func (Root) GoString() string     { return "keys.Root{}" }
func (Root) LogValue() slog.Value { return slog.StringValue("root key") }

func wrapRoot(err error, format string, args ...any) error {
	return &fault.Error{Code: fault.Invalid, What: fmt.Sprintf(format, args...), Err: errors.Join(ErrRoot, err)}
}
