package descriptors

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Listener returns a listener whose connections keep to their share. When they
// have it, the one that has been idle for longest is closed for the next; when
// none is idle, the next waits. Listeners of one Limit share.
func (l *Limit) Listener(inner net.Listener) net.Listener {
	if l == nil {
		return inner
	}
	return &listener{Listener: inner, all: l.conns}
}

// connections are those that are open.
type connections struct {
	most int

	mu      sync.Mutex // guards what follows
	changed sync.Cond  // a connection was closed or has become idle, or a listener was closed
	open    map[*conn]struct{}

	waiting atomic.Int32 // for a change
}

func newConnections(most int) *connections {
	c := &connections{most: max(most, 1), open: map[*conn]struct{}{}}
	c.changed.L = &c.mu
	return c
}

func (c *connections) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open)
}

// leastIdle is how long a connection must have been idle to be closed for another:
// an answer may be written in pieces, and a request may be on its way.
const leastIdle = 100 * time.Millisecond

// closeIdle closes the connection that has been idle for longest. When none has
// been for long enough it waits for that, or for a change. It is called with mu
// held.
func (c *connections) closeIdle() {
	var longest *conn
	for nc := range c.open {
		if since := nc.idle.Load(); since != 0 && (longest == nil || since < longest.idle.Load()) {
			longest = nc
		}
	}
	if longest == nil {
		c.changed.Wait()
		return
	}
	if wait := leastIdle - (time.Since(began) - time.Duration(longest.idle.Load())); wait > 0 {
		defer time.AfterFunc(wait, c.tell).Stop()
		c.changed.Wait()
		return
	}
	delete(c.open, longest)
	longest.Conn.Close()
}

// tell wakes who waits for a change.
func (c *connections) tell() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changed.Broadcast()
}

// A listener hands its connections' places out.
type listener struct {
	net.Listener
	all    *connections
	closed bool // guarded by all.mu
}

func (l *listener) Accept() (net.Conn, error) {
	inner, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	a := l.all
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting.Add(1)
	defer a.waiting.Add(-1)
	for len(a.open) >= a.most && !l.closed {
		a.closeIdle()
	}
	if l.closed {
		inner.Close()
		return nil, net.ErrClosed
	}
	c := &conn{Conn: inner, all: a}
	c.idle.Store(int64(time.Since(began)))
	a.open[c] = struct{}{}
	return c, nil
}

func (l *listener) Close() error {
	l.all.mu.Lock()
	l.closed = true
	l.all.changed.Broadcast()
	l.all.mu.Unlock()
	return l.Listener.Close()
}

// A conn is idle from the end of an answer, or its begin, to the first byte of the
// next request: when it was last written to, and not read from since.
type conn struct {
	net.Conn
	all  *connections
	idle atomic.Int64 // since when, in nanoseconds since began; 0 when it is not
}

var began = time.Now().Add(-time.Second) // so that no moment since is 0

func (c *conn) Read(p []byte) (n int, err error) {
	if n, err = c.Conn.Read(p); n > 0 {
		c.idle.Store(0)
	}
	return n, err
}

func (c *conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.idle.Store(int64(time.Since(began)))
	if c.all.waiting.Load() > 0 {
		c.all.tell()
	}
	return n, err
}

func (c *conn) Close() error {
	c.all.mu.Lock()
	delete(c.all.open, c)
	c.all.changed.Broadcast()
	c.all.mu.Unlock()
	return c.Conn.Close()
}

// CloseWrite lets a server end an answer gently.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
