package jetobject

import (
	"context"
	"errors"
	"fmt"
	"io"

	"millrace/runtime/fault"
	"millrace/runtime/object"
	"millrace/runtime/object/blob"
	"millrace/runtime/object/content"
	"millrace/runtime/store/loss"
)

// ErrReplaced says that an object was overwritten or deleted after it was looked up: look it
// up again.
var ErrReplaced = errReplaced

// A pieceOf is a part of a content that is to be read: of the whole object, or of one of its
// parts.
type piece struct {
	part    int // index in Parts; -1 for an object without
	content object.Content
	from, n int64
}

// pieces are what of an object's contents has the bytes from one offset up to another one.
func pieces(o *object.Object, from, to int64) (all []piece) {
	if len(o.Parts) == 0 {
		if to > from {
			all = append(all, piece{-1, o.Content, from, to - from})
		}
		return all
	}
	at := int64(0) // where the part begins
	for i := range o.Parts {
		p := &o.Parts[i]
		begin, end := max(from-at, 0), min(to-at, p.Size)
		if begin < end {
			all = append(all, piece{i, p.Content, begin, end - begin})
		}
		if at += p.Size; at >= to {
			break
		}
	}
	return all
}

// Open opens the content of an object that Get returned, from one byte up to another one that
// is not read. customer is the client's key, for objects that are encrypted with one. The
// reader must be closed; until then nothing of the content is removed.
//
// ErrReplaced says that the object is not there anymore; errors of keys.Ring, and
// keys.ErrCiphertext for a wrong key of the client's, that the content cannot be decrypted. A
// content that is damaged or lost is fault.Internal, from Open or from a Read: it is reported
// as a loss, once.
func (b *Bucket) Open(ctx context.Context, o object.Object, from, to int64, customer *content.CustomerKey) (io.ReadCloser, error) {
	r := &reader{ctx: ctx, bucket: b, object: o, left: pieces(&o, from, to), unwrap: b.buckets.config.Keys.Unwrap}
	if customer != nil {
		r.unwrap = customer.Unwrap
	}
	for _, p := range r.left {
		if p.content.Blob != "" {
			r.pinned = append(r.pinned, p.content.Blob)
		}
	}
	b.blobs.pin(r.pinned)
	if len(r.pinned) > 0 && !b.stream.shared { // what was removed before it was pinned shows here
		if _, err := b.now(ctx, &o); err != nil {
			r.Close()
			return nil, err
		}
	}
	if err := r.next(); err != nil && err != io.EOF { // the first piece, for what can be said before anything is sent
		r.Close()
		return nil, err
	}
	return r, nil
}

// now looks an object up that was looked up before: where its contents are now.
func (b *Bucket) now(ctx context.Context, o *object.Object) (now object.Object, err error) {
	found := false
	err = b.view(ctx, func(m *object.Machine) { now, found = m.Get(o.Key, object.Version{Number: o.Number}) })
	if err == nil && !found {
		err = ErrReplaced
	}
	return now, err
}

// A reader reads pieces one after another.
type reader struct {
	ctx    context.Context
	bucket *Bucket
	object object.Object
	unwrap content.Unwrap
	left   []piece
	pinned []string

	at   int         // index of the part that is read; -1 for none
	now  io.Reader   // of the piece that is read; nil for none
	blob blob.Reader // that it reads
	err  error
	over bool // it was closed
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	for {
		if r.now == nil {
			if err := r.next(); err != nil {
				return 0, err
			}
		}
		n, err := r.now.Read(p)
		if err == io.EOF {
			r.endPiece()
			err = nil
		}
		if err != nil {
			err = r.failed(err)
		}
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
	}
}

// WriteTo implements io.WriterTo.
func (r *reader) WriteTo(w io.Writer) (written int64, err error) {
	for {
		if r.now == nil {
			if err := r.next(); err == io.EOF {
				return written, nil
			} else if err != nil {
				return written, err
			}
		}
		out := &outlet{w: w}
		n, err := io.Copy(out, r.now)
		written += n
		if out.err != nil {
			return written, out.err // the receiver's, and nothing is wrong here
		}
		if err != nil {
			return written, r.failed(err)
		}
		r.endPiece()
	}
}

// An outlet remembers that it was the writer who failed.
type outlet struct {
	w   io.Writer
	err error
}

func (o *outlet) Write(p []byte) (n int, err error) {
	n, err = o.w.Write(p)
	if err != nil {
		o.err = err
	}
	return n, err
}

// Close implements io.Closer.
func (r *reader) Close() error {
	if r.over {
		return nil
	}
	r.over = true
	r.endPiece()
	if r.err == nil {
		r.err = errors.New("read from a content that is closed")
	}
	r.bucket.removeBlobs(r.bucket.blobs.unpin(r.pinned))
	return nil
}

// next opens the next piece; io.EOF when there is none.
func (r *reader) next() error {
	if r.err != nil {
		return r.err
	}
	if len(r.left) == 0 {
		r.err = io.EOF
		return r.err
	}
	p := r.left[0]
	r.left = r.left[1:]
	r.at = p.part
	var err error
	if p.content.Blob != "" {
		err = r.openBlob(p)
	} else {
		err = r.openInline(p)
	}
	if err != nil {
		return r.failed(err)
	}
	return nil
}

func (r *reader) openBlob(p piece) error {
	b, err := r.bucket.blobs.store.Open(r.ctx, r.bucket.blobs.bucket, p.content.Blob)
	if errors.Is(err, fault.NotFound) {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	if err != nil {
		return err
	}
	r.blob = b
	c, err := content.Open(b, b.Size(), r.unwrap)
	if err != nil {
		return err
	}
	if c.Size() < p.from+p.n {
		return errLost
	}
	r.now = c.Range(p.from, p.n)
	return nil
}

// errLost says that a content is not where it should be.
var errLost = errors.New("the content is gone")

func (r *reader) endPiece() {
	if c, ok := r.now.(io.Closer); ok {
		c.Close()
	}
	r.now = nil
	if r.blob != nil {
		r.blob.Close()
		r.blob = nil
	}
}

// failed is what a reader is told when a piece cannot be read. A loss is reported.
func (r *reader) failed(err error) error {
	r.endPiece()
	if errors.Is(err, content.ErrDamaged) || errors.Is(err, errLost) {
		err = r.bucket.lost(r.ctx, &r.object, r.at, err)
	}
	r.err = err
	return err
}

// lost reports that a content is damaged or gone, unless the object is.
func (b *Bucket) lost(ctx context.Context, o *object.Object, part int, cause error) error {
	if _, err := b.now(ctx, o); err != nil {
		return err
	}
	what := fmt.Sprintf("the content of %q cannot be read: %v", o.Key, cause)
	if part >= 0 {
		what = fmt.Sprintf("the content of part %d of %q cannot be read: %v", o.Parts[part].Number, o.Key, cause)
	}
	if !o.Null {
		what += fmt.Sprintf("; version %s", b.VersionID(*o))
	}
	if err := b.buckets.config.OnLoss(loss.Loss{Kind: loss.Bucket, Name: b.ARN(), What: what}); err != nil {
		b.buckets.config.Log.Error("a loss could not be written down", "what", what, "err", err)
	}
	return fault.Wrap(fault.Internal, cause, "the content of %q cannot be read", o.Key)
}
