package content

import (
	"errors"
	"io"
)

// A Reader reads a sealed content. It is safe for use by several goroutines.
type Reader struct {
	r      io.ReaderAt
	frames frames // copied for use
	sealed int64  // size of the frames
	size   int64
	count  int64
}

// Open reads the header of a sealed content of so many bytes and unwraps its key.
// ErrDamaged, what r returns, and what unwrap returns.
func Open(r io.ReaderAt, sealed int64, unwrap Unwrap) (*Reader, error) {
	begin := make([]byte, min(sealed, int64(wrappedAt+128+sumSize))) // as much as nearly all have
	if err := readFull(r, begin, 0, inHeader); err != nil {
		return nil, err
	}
	h, ok := readHeader(begin)
	if !ok && int64(len(begin)) < sealed {
		begin = make([]byte, min(sealed, int64(wrappedAt+maxWrapped+sumSize)))
		if err := readFull(r, begin, 0, inHeader); err != nil {
			return nil, err
		}
		h, ok = readHeader(begin)
	}
	if !ok {
		return nil, &DamageError{Frame: inHeader}
	}
	sealed -= int64(len(h))
	size, count, ok := plainSize(sealed)
	if !ok {
		return nil, &DamageError{Frame: sealed / sealedSize}
	}
	aead, err := unwrap(h.wrapped())
	if err != nil {
		return nil, err
	}
	return &Reader{r: r, frames: newFrames(h, aead), sealed: sealed, size: size, count: count}, nil
}

// Size is how large the content is, in bytes. A content that was cut short at the
// end of a frame shows itself only when its last frame is read.
func (r *Reader) Size() int64 { return r.size }

// Range returns a reader of n bytes from off on; fewer when the content ends before.
func (r *Reader) Range(off, n int64) *Range {
	off = min(max(off, 0), r.size)
	return &Range{r: r, frames: r.frames, at: off, end: off + min(max(n, 0), r.size-off)}
}

// A Range reads a part of a content, and nothing of it before it has been
// authenticated. Errors are ErrDamaged, and those of the underlying reader. Of an
// empty content the one frame is read too. It is for one goroutine.
type Range struct {
	r       *Reader
	frames  frames
	at, end int64
	buf     *[sealedSize]byte // nil until it is needed, and after the end
	plain   []byte            // of buf; not read yet
	checked bool              // the frame of an empty content
	err     error
}

// Read reads into p directly when that has room for a sealed frame (FrameSize + 16
// bytes) and nothing is buffered.
func (g *Range) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, g.err
	}
	if len(g.plain) == 0 {
		if len(p) >= sealedSize && g.err == nil {
			plain, err := g.next(p[:sealedSize])
			return copy(p, plain), err
		}
		if err := g.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, g.plain)
	g.plain = g.plain[n:]
	return n, nil
}

// WriteTo implements io.WriterTo: it writes a frame with each call.
func (g *Range) WriteTo(w io.Writer) (n int64, err error) {
	for {
		if len(g.plain) == 0 {
			if err := g.fill(); err == io.EOF {
				return n, nil
			} else if err != nil {
				return n, err
			}
		}
		m, err := w.Write(g.plain)
		g.plain = g.plain[m:]
		n += int64(m)
		if err != nil {
			return n, err
		}
	}
}

// Close gives the buffer back. Who reads to the end or to an error need not call it.
func (g *Range) Close() error {
	if g.err == nil {
		g.err = errClosedRange
	}
	g.release()
	return nil
}

var errClosedRange = errors.New("content: the range is closed")

func (g *Range) release() {
	if g.buf != nil {
		buffers.Put(g.buf)
		g.buf, g.plain = nil, nil
	}
}

// fill puts what comes next in the buffer.
func (g *Range) fill() (err error) {
	if g.err == nil && g.buf == nil {
		g.buf = buffers.Get().(*[sealedSize]byte)
	}
	if g.err == nil {
		g.plain, err = g.next(g.buf[:])
	}
	if g.err != nil {
		g.release()
		return g.err
	}
	return err
}

// next reads a frame into buf, which has room for a sealed one, and returns what
// of it is in the range: never nothing without an error.
func (g *Range) next(buf []byte) ([]byte, error) {
	if g.at == g.end && (g.r.size > 0 || g.checked) {
		g.err = io.EOF
		return nil, g.err
	}
	g.checked = true
	n := g.at / FrameSize
	sealed := buf[:min(sealedSize, g.r.sealed-n*sealedSize)]
	if g.err = readFull(g.r.r, sealed, int64(len(g.frames.header))+n*sealedSize, n); g.err != nil {
		return nil, g.err
	}
	plain, err := g.frames.open(sealed[:0], sealed, n, n == g.r.count-1)
	if err != nil {
		g.err = err
		return nil, err
	}
	if len(plain) == 0 {
		g.err = io.EOF
		return nil, g.err
	}
	from := g.at - n*FrameSize
	to := min(g.end-n*FrameSize, int64(len(plain)))
	g.at += to - from
	return plain[from:to], nil
}

// readFull reads all of p. What ends before is damaged in that frame.
func readFull(r io.ReaderAt, p []byte, off, frame int64) error {
	switch n, err := r.ReadAt(p, off); {
	case n == len(p):
		return nil
	case err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF):
		return &DamageError{Frame: frame}
	default:
		return err
	}
}
