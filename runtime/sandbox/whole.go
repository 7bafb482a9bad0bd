package sandbox

import (
	"context"
	"net"
	"net/http"
)

// An event of a few kilobytes does not fit in the buffer of net/http, which would
// send it in two pieces, for a system call each and two wakings of who reads it.
// So the connections of a Runtime API can hold back what is written to them.

// maxWhole is how much a connection holds back, in bytes, at most.
const maxWhole = 64 << 10

// A wholeConn is a connection that can send an answer in one piece. Only the
// handler of its request may touch it.
type wholeConn struct {
	net.Conn
	holding bool
	held    []byte
}

func (c *wholeConn) Write(p []byte) (int, error) {
	if !c.holding {
		return c.Conn.Write(p)
	}
	c.held = append(c.held, p...)
	return len(p), nil
}

// send lets go of what is held back.
func (c *wholeConn) send() {
	c.holding = false
	if len(c.held) > 0 {
		c.Conn.Write(c.held) // when that fails, the next read does
		c.held = c.held[:0]
	}
}

type wholeListener struct{ net.Listener }

func (l wholeListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &wholeConn{Conn: c}, nil
}

type wholeKey struct{}

func wholeConnContext(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, wholeKey{}, c)
}

// sendWhole has an answer with a body of size bytes leave in one piece, when the
// function it returns is called.
func sendWhole(w http.ResponseWriter, r *http.Request, size int) (send func()) {
	c, ok := r.Context().Value(wholeKey{}).(*wholeConn)
	if !ok || size > maxWhole {
		return func() {}
	}
	c.holding = true
	return func() {
		http.NewResponseController(w).Flush()
		c.send()
	}
}
