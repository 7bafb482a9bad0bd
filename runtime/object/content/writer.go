package content

import (
	"errors"
	"io"
	"sync"

	"millrace/runtime/store/keys"
)

// buffers hold a sealed frame each.
var buffers = sync.Pool{New: func() any { return new([sealedSize]byte) }}

// A Writer seals what is written to it. It keeps the frame that may be the last one
// in memory until Close. It is for one goroutine.
type Writer struct {
	w      io.Writer
	frames frames
	buf    *[sealedSize]byte // nil after Close
	n      int               // bytes of the frame that are in buf
	frame  int64             // its number
	header header            // until it is written
	err    error             // of w; lasting
}

var errClosed = errors.New("content: the writer is closed")

// Seal returns a Writer that writes the sealed content to w, a frame with each call.
// Each content needs a data key of its own. Who does not Close it leaves a content
// behind that no reader accepts.
func Seal(w io.Writer, key keys.DataKey) *Writer {
	h := newHeader(key.Wrapped)
	return &Writer{w: w, frames: newFrames(h, key.AEAD), header: h, buf: buffers.Get().(*[sealedSize]byte)}
}

// Write returns the first error of the underlying writer, now and from then on.
func (w *Writer) Write(p []byte) (int, error) {
	if w.buf == nil {
		return 0, errClosed
	}
	all := len(p)
	for w.err == nil && len(p) > 0 {
		switch {
		case w.n == FrameSize: // and it is not the last frame
			w.write(w.frames.seal(w.buf[:0], w.buf[:w.n], w.frame, false))
			w.n = 0
		case w.n == 0 && len(p) > FrameSize: // without a copy of it
			w.write(w.frames.seal(w.buf[:0], p[:FrameSize], w.frame, false))
			p = p[FrameSize:]
		default:
			n := copy(w.buf[w.n:FrameSize], p)
			w.n += n
			p = p[n:]
		}
	}
	return all - len(p), w.err
}

// Close writes the last frame. It does not close the underlying writer.
func (w *Writer) Close() error {
	if w.buf == nil {
		return w.err
	}
	if w.err == nil {
		w.write(w.frames.seal(w.buf[:0], w.buf[:w.n], w.frame, true))
	}
	buffers.Put(w.buf)
	w.buf = nil
	return w.err
}

func (w *Writer) write(sealed []byte) {
	if w.header != nil {
		if _, w.err = w.w.Write(w.header); w.err != nil {
			return
		}
		w.header = nil
	}
	if w.frame++; w.frame == maxFrames {
		w.err = errors.New("content: too large")
		return
	}
	_, w.err = w.w.Write(sealed)
}
