package s3

import (
	"context"
	"io"
	"sync"

	"millrace/runtime/object"
	"millrace/runtime/object/checksum"
	"millrace/runtime/object/content"
	"millrace/runtime/object/jetobject"
	"millrace/services/internal/awschunked"
)

// An upload is a content on its way in.
type upload struct {
	bucket     *jetobject.Bucket
	encryption object.Encryption
	customer   *content.CustomerKey // the client's own key; nil for none
	digests    bodyDigests
	stored     checksum.Algorithm // of the checksum that is kept
	part       int                // number of a part; 0 for an object
}

// A received content came in whole, and is what its client said. Who has one calls Discard
// in every case, which removes what no command got.
type received struct {
	*jetobject.Body
	*jetobject.Written
	checksum checksum.Value // the one to keep
}

// receive takes a body in.
func (s *Service) receive(ctx context.Context, u *upload, body io.Reader) (*received, error) {
	if body == nil {
		body = eof{}
	}
	var chunks *awschunked.Reader
	if u.digests.chunked {
		chunks = awschunked.NewReader(body, u.digests.form, awschunked.Options{
			Length: u.digests.length, Trailers: u.digests.trailers, Seed: s.seed(ctx),
		})
		body = chunks
	}
	r, err := u.store(ctx, body, u.digests.algorithms(u.stored)...)
	if err != nil {
		return nil, err
	}
	var trailers map[string]string
	if chunks != nil {
		trailers = chunks.Trailers()
	}
	if err := u.digests.verify(r.ETag, r.Sums, trailers, u.part); err != nil {
		r.Discard()
		return nil, err
	}
	return r, nil
}

// store takes in what a reader has, with the checksums of the algorithms, of which the
// first is kept.
func (u *upload) store(ctx context.Context, from io.Reader, algorithms ...checksum.Algorithm) (*received, error) {
	body, err := u.bucket.NewBody(ctx, u.encryption, u.customer, algorithms...)
	if err != nil {
		return nil, err
	}
	written, err := copyTo(body, from)
	if err != nil {
		body.Discard()
		return nil, err
	}
	return &received{body, written, written.Sums[0]}, nil
}

// buffers are for copying bodies.
var buffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

func copyTo(body *jetobject.Body, from io.Reader) (*jetobject.Written, error) {
	buffer := buffers.Get().(*[64 << 10]byte)
	defer buffers.Put(buffer)
	// Hidden from io.CopyBuffer is what would make it take other ways than the buffer.
	if _, err := io.CopyBuffer(struct{ io.Writer }{body}, struct{ io.Reader }{from}, buffer[:]); err != nil {
		return nil, err
	}
	return body.Finish()
}

// eof is a body of nothing.
type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }
