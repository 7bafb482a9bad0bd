package wire

import (
	"io"
	"net/http"
	"reflect"
	"slices"
	"sync"
)

// Two kinds of members are streams, the last of a structure to travel:
//
//   - a blob is an io.Reader. Of an input it is the body, which the operation reads as
//     it comes; of an output it is copied to the client until it ends, and closed
//     then if it is an io.Closer
//   - events are an iter.Seq2 of an output: of structures with one field set, each
//     sent at once, until the sequence ends or yields an error. An exception of the
//     model is told as one; any other error as Request.Translate has it
//
// The operation has returned by then. Its context still holds, and ends when the
// client goes away: a stream that waits for something must end with it. A stream that
// fails in the middle of bytes is an error of EncodeResult, and the caller must not
// let the answer look complete.

// streamed returns the index of the member that is a stream, or -1.
func (sh *Shape) streamed() int {
	return slices.IndexFunc(sh.Members, func(m *Member) bool { return m.Location == "stream" })
}

// reader returns the blob that streams in a structure of the shape, nil for none.
func (sh *Shape) reader(v reflect.Value) io.Reader {
	i := sh.streamed()
	if i < 0 || sh.Members[i].Shape.Kind != Blob {
		return nil
	}
	src, _ := v.Field(i).Interface().(io.Reader)
	return src
}

// piece is how much of a stream is copied at once.
const piece = 32 << 10

// pieces are buffers for that: there is one for each answer under way, and no more.
var pieces = sync.Pool{New: func() any { return new([piece]byte) }}

// replyReader sends an answer whose body comes from a reader. Where its length is
// not known, each piece is sent as it comes.
func replyReader(w http.ResponseWriter, r *Request, status int, requestID string, src io.Reader) (err error) {
	if closer, ok := src.(io.Closer); ok {
		defer closer.Close()
	}
	h := w.Header()
	if h["X-Amz-Request-Id"] == nil {
		h.Set("X-Amzn-Requestid", requestID)
	}
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/octet-stream")
	}
	w.WriteHeader(status)
	if r.HTTP.Method == http.MethodHead || status == http.StatusNoContent || status == http.StatusNotModified {
		return nil
	}
	room := pieces.Get().(*[piece]byte)
	defer pieces.Put(room)
	buf := room[:]
	if h.Get("Content-Length") != "" {
		_, err = io.CopyBuffer(w, src, buf)
		return err
	}
	flush := http.NewResponseController(w).Flush
	for {
		n, failed := src.Read(buf)
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return err
			}
			_ = flush() // one that cannot sends all at the end
		}
		if failed == io.EOF {
			return nil
		}
		if failed != nil {
			return failed
		}
	}
}
