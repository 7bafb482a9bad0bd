package sandbox

import (
	"context"
	"net"
	"net/http"
)

// An event of a few kilobytes does not fit in the buffer of net/http, which would
// send it in two pieces, for a system call each and two wakings of who reads it.
// So the connections of a Runtime API can hold back what is written to them.

// maxCoalesced is how much a connection holds back, in bytes, at most.
const maxCoalesced = 64 << 10

// A coalescingConn is a connection that can send an answer in one piece. Only the
// handler of its request may touch it.
type coalescingConn struct {
	net.Conn
	holding bool
	held    []byte
}

func (c *coalescingConn) Write(p []byte) (int, error) {
	if !c.holding {
		return c.Conn.Write(p)
	}
	c.held = append(c.held, p...)
	return len(p), nil
}

// flush lets go of what is held back.
func (c *coalescingConn) flush() {
	c.holding = false
	if len(c.held) > 0 {
		c.Conn.Write(c.held) // when that fails, the next read does
		c.held = c.held[:0]
	}
}

type coalescingListener struct{ net.Listener }

func (l coalescingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &coalescingConn{Conn: c}, nil
}

type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// coalesce has an answer with a body of size bytes leave in one piece, when the
// function it returns is called.
func coalesce(w http.ResponseWriter, r *http.Request, size int) (send func()) {
	c, ok := r.Context().Value(connKey{}).(*coalescingConn)
	if !ok || size > maxCoalesced {
		return func() {}
	}
	c.holding = true
	return func() {
		http.NewResponseController(w).Flush()
		c.flush()
	}
}
