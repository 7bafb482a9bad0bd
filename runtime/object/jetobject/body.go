package jetobject

import (
	"bytes"
	"context"
	"errors"
	"sync"

	"millrace/runtime/fault"
	"millrace/runtime/object"
	"millrace/runtime/object/blob"
	"millrace/runtime/object/checksum"
	"millrace/runtime/object/content"
	"millrace/runtime/store/keys"
)

// A Body is the content of an object or a part while it comes in: it is hashed, sealed, and
// kept in memory up to object.MaxInline bytes, or written to a blob. It is for one goroutine.
//
// Who makes a Body calls Discard in every case: it removes what no command got.
type Body struct {
	ctx    context.Context
	bucket *Bucket
	key    keys.DataKey
	hasher *checksum.Hasher
	size   int64
	err    error // of an earlier Write

	short *bytes.Buffer // nil once the content is too long for it

	blob   blob.Writer // nil while the content is short
	sealer *content.Writer

	written *Written // once it is finished
}

// Written is a content that came in whole.
type Written struct {
	Size int64 // bytes
	ETag checksum.ETag
	Sums []checksum.Value // of the algorithms that NewBody was given, in their order

	inline []byte // sealed, for the entry
	blob   string // the name of the blob; "" when there is none
}

// Content is what an object or a part has of a content, and the bytes that the command takes
// along.
func (w *Written) Content() (c object.Content, inline []byte) {
	return object.Content{Blob: w.blob}, w.inline
}

// shortBodies are buffers of bodies that may be short.
var shortBodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// NewBody prepares to take a content in that is encrypted as enc says, with the client's own
// key for customer, nil for none. algorithms are the checksums to compute beside the ETag. ctx
// bounds the writing.
//
// Errors of keys.Ring say that a KMS key does not work.
func (b *Bucket) NewBody(ctx context.Context, enc object.Encryption, customer *content.CustomerKey, algorithms ...checksum.Algorithm) (*Body, error) {
	if _, err := b.buckets.run(); err != nil {
		return nil, err
	}
	body := &Body{ctx: ctx, bucket: b}
	id := b.ID()
	switch {
	case customer != nil:
		body.key = customer.DataKey()
	default:
		var err error
		if body.key, err = b.buckets.config.Keys.DataKey(enc.KMSKey, id.Account, id.Region); err != nil {
			return nil, err
		}
	}
	body.hasher = checksum.NewHasher(algorithms...)
	body.short = shortBodies.Get().(*bytes.Buffer)
	return body, nil
}

// Write takes the next bytes. Its errors are those of the store: fault.Unavailable, also when
// there is no room. After one the body can only be discarded.
func (w *Body) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	if w.written != nil || w.hasher == nil {
		return 0, errEnded
	}
	w.hasher.Write(p)
	w.size += int64(len(p))
	if w.short != nil && w.size <= object.MaxInline {
		return w.short.Write(p)
	}
	if w.err = w.spill(); w.err != nil {
		return 0, w.err
	}
	n, err := w.sealer.Write(p)
	w.err = err
	return n, err
}

var errEnded = errors.New("write to a body that has ended")

// spill moves what is in memory to a blob.
func (w *Body) spill() (err error) {
	if w.short == nil {
		return nil
	}
	if w.blob, err = w.bucket.blobs.store.Create(w.ctx, w.bucket.blobs.bucket); err != nil {
		return err
	}
	w.sealer = content.Seal(w.blob, w.key)
	_, err = w.sealer.Write(w.short.Bytes())
	w.releaseShort()
	return err
}

func (w *Body) releaseShort() {
	if w.short != nil {
		w.short.Reset()
		shortBodies.Put(w.short)
		w.short = nil
	}
}

// Finish ends the content: what is in a blob is as durable as an entry of the log. Nobody sees
// it before a command with it is done.
func (w *Body) Finish() (*Written, error) {
	switch {
	case w.err != nil:
		return nil, w.err
	case w.written != nil || w.hasher == nil:
		return nil, errEnded
	}
	done := &Written{Size: w.size}
	if w.short != nil {
		if w.size > 0 {
			done.inline = content.SealBytes(w.key, w.short.Bytes())
		}
		w.releaseShort()
	} else {
		if w.err = w.sealer.Close(); w.err != nil {
			return nil, w.err
		}
		if done.blob, w.err = w.blob.Commit(); w.err != nil {
			return nil, w.err
		}
		w.bucket.blobs.finished(done.blob)
		w.blob = nil
	}
	done.ETag, done.Sums = w.hasher.Sum()
	w.written = done
	return done, nil
}

// Discard removes a content that no command got, whole or not, and lets go of what the body
// has. After Do it does nothing.
func (w *Body) Discard() {
	if w.hasher == nil {
		return
	}
	w.hasher.Close()
	w.hasher = nil
	w.releaseShort()
	if w.sealer != nil {
		w.sealer.Close()
		w.sealer = nil
	}
	if w.blob != nil {
		w.blob.Discard()
		w.blob = nil
	}
	if w.written != nil && w.written.blob != "" && w.bucket.blobs.takeBack(w.written.blob) {
		w.bucket.removeBlobs([]string{w.written.blob})
	}
}

// errReplaced is returned by Open.
var errReplaced = fault.New(fault.Conflict, "the object was replaced or deleted meanwhile")
