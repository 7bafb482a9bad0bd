package sandbox

import (
	"context"
	"net"
	"net/http"
)

// An event of a few kilobytes does not fit in the buffer of net/http, which would send it
// in two pieces: two system calls, and two wake-ups of the reader. So the connections of
// a Runtime API can coalesce writes.

// maxCoalesced is the largest body that is coalesced, in bytes.
const maxCoalesced = 64 << 10

// A coalescingConn is a connection that can send a response in one write. Only the handler
// of its request may use it.
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

// flush writes what was held back.
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

// coalesce makes a response with a body of size bytes go out in one write, when flush is
// called.
func coalesce(w http.ResponseWriter, r *http.Request, size int) (flush func()) {
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
