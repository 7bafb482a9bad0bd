package gateway

import (
	"io"
	"net/http"
	"time"
)

const (
	// patience is how long a client may send nothing in the middle of a body. S3
	// answers RequestTimeout after about as long; no bound is known of SQS.
	patience = 30 * time.Second

	// lingering is how long, at most, what a client goes on sending is taken in
	// after its answer. nginx and net/http do the same, for 30 s and 0.5 s.
	lingering = 5 * time.Second
)

// A progress is a body whose client may take any time, as long as something comes.
// A read that fails for the lack of that ends the request.
type progress struct {
	io.ReadCloser
	conn interface{ SetReadDeadline(time.Time) error }
}

// watchProgress bounds the reads of a request's body, where it is not there
// already.
func watchProgress(w http.ResponseWriter, r *http.Request) {
	if conn, ok := w.(interface{ SetReadDeadline(time.Time) error }); ok && r.ContentLength != 0 {
		r.Body = &progress{r.Body, conn}
	}
}

func (p *progress) Read(b []byte) (int, error) {
	if err := p.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	n, err := p.ReadCloser.Read(b)
	if err != nil { // also io.EOF. A handler may run long, and net/http reads on to see the client go
		_ = p.conn.SetReadDeadline(time.Time{}) // which fails on a connection that is over
	}
	return n, err
}

// linger ends a connection whose client is still sending. Closed with bytes
// unread it would be reset, and the answer lost on its way.
func linger(w http.ResponseWriter) {
	c := http.NewResponseController(w)
	if c.Flush() != nil {
		return
	}
	conn, buf, err := c.Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	if half, ok := conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() != nil {
		return
	}
	if conn.SetReadDeadline(time.Now().Add(lingering)) == nil {
		_, _ = io.Copy(io.Discard, buf) // however it ends, it has ended
	}
}
