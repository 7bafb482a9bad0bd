package awschunked

import (
	"bufio"
	"errors"
	"io"
	"strconv"
	"strings"
)

// maxLine is how long the line before a chunk and a trailer may be, in bytes. The
// longest that clients send is that of a SigV4A signature, some 180.
const maxLine = 2048

// Options are what the headers of a request say of its body.
type Options struct {
	Length   int64    // x-amz-decoded-content-length: of the body without its coding
	Trailers []string // x-amz-trailer: the names of those that have to follow, in lower case
	Seed     *Seed    // to verify signatures with; nil checks their form alone
}

// A Reader reads what is in a chunked body. It uses a fixed amount of memory.
type Reader struct {
	source   *bufio.Reader
	form     Form
	options  Options
	verifier *verifier

	chunk     int    // the number of the present chunk, from 1; 0 before the first
	size      int64  // of the present chunk
	unread    int64  // of its bytes
	signature string // it came with
	missing   int64  // bytes until Options.Length that no chunk has had
	trailers  map[string]string
	err       error // every further Read returns it
}

// NewReader returns a Reader of a body in a form.
func NewReader(body io.Reader, form Form, o Options) *Reader {
	r := &Reader{source: bufio.NewReaderSize(body, maxLine), form: form, options: o, missing: o.Length}
	if form.Signed && !form.Asymmetric {
		r.verifier = newVerifier(o.Seed)
	}
	return r
}

// Read returns bytes of the body, and io.EOF when its last chunk and all trailers have
// been read and found right. It never returns more than Options.Length bytes in all.
func (r *Reader) Read(p []byte) (n int, err error) {
	if r.err != nil || len(p) == 0 {
		return 0, r.err
	}
	if r.unread == 0 {
		if r.err = r.nextChunk(); r.err != nil {
			return 0, r.err
		}
	}
	n, err = r.source.Read(p[:min(int64(len(p)), r.unread)])
	r.unread -= int64(n)
	r.verifier.write(p[:n])
	if err != nil {
		r.err = endedEarly(err)
	}
	return n, r.err
}

// Trailers returns the values of the trailers by their names in lower case. It is nil
// before io.EOF.
func (r *Reader) Trailers() map[string]string {
	if r.err != io.EOF {
		return nil
	}
	return r.trailers
}

// nextChunk ends the present chunk and reads the line before the next. Behind the last
// one it reads the trailers and returns io.EOF.
func (r *Reader) nextChunk() error {
	if r.chunk > 0 {
		if line, err := r.line(); err != nil || line != "\r\n" {
			return orIncomplete(err)
		}
		if err := r.verifier.chunk(r.signature); err != nil {
			return err
		}
	}
	size, err := r.chunkLine()
	if err != nil {
		return err
	}
	r.chunk++
	switch {
	case size == 0 && r.missing > 0:
		return wrongLength()
	case size == 0:
		return r.end()
	case r.chunk > 1 && r.size < minChunk:
		return shortChunk(r.chunk, r.size)
	case size > r.missing:
		return wrongLength()
	}
	r.size, r.unread = size, size
	r.missing -= size
	return nil
}

// chunkLine reads "SIZE\r\n" or "SIZE;chunk-signature=SIGNATURE\r\n", with the size in
// hexadecimal digits.
func (r *Reader) chunkLine() (size int64, err error) {
	line, err := r.line()
	if err != nil {
		return 0, err
	}
	line, ended := strings.CutSuffix(line, "\r\n")
	digits, signature, signed := strings.Cut(line, signatureExtension)
	if !ended || signed != r.form.Signed || strings.HasPrefix(digits, "+") || strings.HasPrefix(digits, "-") {
		return 0, incomplete()
	}
	if size, err = strconv.ParseInt(digits, 16, 64); err != nil {
		return 0, incomplete()
	}
	if signed {
		if err := r.form.checkSignature(signature); err != nil {
			return 0, err
		}
		r.signature = signature
	}
	return size, nil
}

// end reads what is behind the line of the last chunk, which has no bytes: trailers, an
// empty line, and nothing more.
func (r *Reader) end() error {
	if err := r.verifier.chunk(r.signature); err != nil {
		return err
	}
	if r.form.Trailer {
		if err := r.readTrailers(); err != nil {
			return err
		}
	} else if line, err := r.line(); err != nil || line != "\r\n" {
		return orIncomplete(err)
	}
	switch _, err := r.source.ReadByte(); {
	case err == nil:
		return incomplete()
	case err != io.EOF:
		return endedEarly(err)
	}
	return io.EOF
}

// line reads a line with its end. A body that ends within is incomplete, and so is a
// line that is too long.
func (r *Reader) line() (string, error) {
	line, err := r.source.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return "", incomplete()
	case err != nil:
		return "", endedEarly(err)
	}
	return string(line), nil
}

// endedEarly says of a body's end that it came too soon. Other errors stay.
func endedEarly(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return incomplete()
	}
	return err
}

// orIncomplete is err, or what is said of a line that should not be there.
func orIncomplete(err error) error {
	if err != nil {
		return err
	}
	return incomplete()
}
