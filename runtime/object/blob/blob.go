// Package blob stores what is too large for the log of a bucket: [Files] in the data
// folder, [Chunks] on an external NATS server. A blob is bytes under a random name; what
// it belongs to is in the log entry that names it, and without one it is nothing.
//
//	w, err := store.Create(ctx, bucket)
//	defer w.Discard()
//	io.Copy(w, body)
//	name, err := w.Commit()   // now an entry may name it
//
// It promises that a blob is as durable when Commit has returned as an entry is when it is
// acknowledged; that one which is open is readable to its end, whoever removes it
// in this process; and that [Store.Sweep] removes what no entry names, and nothing that
// an entry may yet name. What is stored may be damaged: its frames notice, see package
// content.
//
// Its conformance kit is package blobtest.
package blob

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"time"

	"millrace/runtime/fault"
)

// A Store holds the blobs of buckets. A bucket is named by its generation: letters,
// digits, "-" and "_". It is there as soon as something is created in it.
//
// Errors are fault.NotFound where one is named, else fault.Unavailable or those of the
// context, and may be fault.State.
type Store interface {
	// Create begins a blob. The context is in force until Commit or Discard.
	Create(ctx context.Context, bucket string) (Writer, error)

	// Open opens a blob; fault.NotFound when it is lost, or was removed. The context is
	// in force until Close.
	Open(ctx context.Context, bucket, name string) (Reader, error)

	// Remove removes blobs, also such as are not there. Before it is called, the entry
	// that no longer needs them has to survive a power cut, or the content that it
	// replaced is gone when the entry is. Those that are open are removed when they are closed.
	Remove(ctx context.Context, bucket string, names ...string) error

	// RemoveBucket removes all blobs of a bucket, when none of them is open.
	RemoveBucket(ctx context.Context, bucket string) error

	// Sweep removes the blobs that nobody needs, and says how many: those that keep
	// does not know, are not being written, and were not written so lately that an entry may
	// be about to name them, see [Grace]. Call it once after a start, and seldom otherwise.
	// keep may be called after Remove of a name.
	Sweep(ctx context.Context, bucket string, keep func(name string) bool) (removed int, err error)

	// Buckets names the buckets of which something is stored, also deleted ones.
	Buckets(ctx context.Context) ([]string, error)
}

// A Writer writes a blob, for one goroutine.
type Writer interface {
	// Write returns the first error, now and from then on. Then nothing of
	// the blob is left.
	io.Writer

	// Commit returns the blob's name when it is durable: 32 hexadecimal digits.
	Commit() (name string, err error)

	// Discard removes what was written. After Commit it does nothing.
	Discard()
}

// A Reader reads a blob, for several goroutines. Reading what was removed in another
// process fails with fault.NotFound.
type Reader interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// Grace is how long a blob that no entry names is kept, after the last write to it, when
// who wrote it may still be alive. An entry follows within seconds.
const Grace = time.Hour

const nameSize = 16

// newName begins with by, which has 8 digits.
func newName(by string) string {
	random := make([]byte, nameSize-len(by)/2)
	rand.Read(random) // never fails, says its documentation
	return by + hex.EncodeToString(random)
}

// isName reports whether a blob may have that name.
func isName(name string) bool {
	for i := range len(name) {
		if c := name[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return len(name) == 2*nameSize
}

func isBucket(name string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '_':
		default:
			return false
		}
	}
	return name != ""
}

func checkBucket(name string) error {
	if !isBucket(name) {
		return fault.New(fault.Invalid, "%q is no generation of a bucket", name)
	}
	return nil
}

func notFound(err error, bucket, name string) error {
	if err == nil {
		return fault.New(fault.NotFound, "blob %s of bucket %s is not there", name, bucket)
	}
	return fault.Wrap(fault.NotFound, err, "blob %s of bucket %s is not there", name, bucket)
}
