package http1

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

const (
	firstRead = 4 << 10   // room for a usual request
	maxKept   = 64 << 10  // of each buffer, between requests
	piece     = 256 << 10 // of an answer, which a client must take in time

	// restAfter is how long a connection is idle before it gives back what it kept
	// for the next request.
	restAfter = 10 * time.Second

	// slack is how much too early a deadline may be. To set one costs as much as a
	// small read, and so it happens no more than once in this time.
	slack = time.Second

	// Before a request that is not the first, net/http looks at so many bytes: it
	// takes an end among them for the connection's, and passes over line ends.
	laterLeast = 4
)

// What a connection is at. Whoever takes it out of idle may end it: its own
// goroutine, or Shutdown.
const (
	idle    int32 = iota // waits for a request, or for the rest of one
	busy                 // a handler runs
	watched              // and takes long: another goroutine reads, to see the client go
	ended
)

// A conn is served by one goroutine. The fields without a lock are its own; while
// it is watched, buf is the watching goroutine's.
type conn struct {
	net.Conn
	server *Server
	state  atomic.Int32
	newer  atomic.Bool // the request began since the server last looked for long ones

	base   context.Context
	remote string
	parser parser
	least  int    // bytes of a request, before it is looked at
	buf    []byte // what was read and is not yet served
	body   reader // of the request
	answer answer

	readBy, writeBy time.Time // the deadlines that are set; zero for none

	gone    context.CancelFunc // ends the context of the request
	looking chan struct{}      // gets a value when the watch is over

	mu       sync.Mutex // guards answered
	answered bool       // the watch is to end
}

func newConn(s *Server, nc net.Conn) *conn {
	base := context.WithValue(context.Background(), http.ServerContextKey, s.rest)
	return &conn{
		Conn: nc, server: s, remote: nc.RemoteAddr().String(),
		base:    context.WithValue(base, http.LocalAddrContextKey, nc.LocalAddr()),
		least:   1,
		answer:  answer{header: http.Header{}},
		looking: make(chan struct{}, 1),
	}
}

// serve answers requests until the connection is over. What it returns is
// net/http's from here; nil when nothing is left.
func (c *conn) serve() (left net.Conn) {
	defer func() {
		if left == nil {
			c.state.Store(ended)
			c.Close()
		}
	}()
	for {
		head, err := c.next()
		if err != nil {
			return nil
		}
		if head == 0 {
			if !c.state.CompareAndSwap(idle, ended) {
				return nil
			}
			c.SetDeadline(time.Time{}) // net/http has its own
			return &replay{c.Conn, c.buf}
		}
		size := head + c.parser.length
		if !c.handle(c.buf[head:size]) {
			return nil
		}
		c.drop(size)
	}
}

// next reads a request and its body, which is in buf behind so many bytes of
// head. A head of no bytes means that net/http is to judge what is in buf.
func (c *conn) next() (head int, err error) {
	for len(c.buf) < c.least {
		if err := c.await(); err != nil {
			return 0, err
		}
	}
	if c.least == laterLeast {
		line := bytes.TrimLeft(c.buf[:laterLeast], "\r\n")
		c.buf = c.buf[laterLeast-len(line):]
	}
	c.least = laterLeast
	// For a head in pieces, net/http has the patience and the time-out.
	i := bytes.Index(c.buf, emptyLine)
	if i < 0 {
		return 0, nil
	}
	head = i + len(emptyLine)
	if !c.parser.parse(c.buf[:head]) || c.server.streams != nil && c.server.streams(c.parser.look()) {
		return 0, nil
	}
	for size := head + c.parser.length; len(c.buf) < size; {
		c.readWithin(c.server.rest.ReadHeaderTimeout)
		if err := c.fill(size - len(c.buf)); err != nil {
			return 0, err
		}
	}
	return head, nil
}

var emptyLine = []byte("\r\n\r\n")

// await reads what comes first of a request. As net/http has it, a new connection
// has as much time for that as for a head, and an idle one as much as it may be
// idle.
func (c *conn) await() error {
	limit := c.server.rest.ReadHeaderTimeout
	if c.least == laterLeast {
		limit = c.server.rest.IdleTimeout
		if limit == 0 || limit > restAfter {
			c.readWithin(restAfter)
			if err := c.fill(firstRead); !errors.Is(err, os.ErrDeadlineExceeded) {
				return err
			}
			c.forget()
			limit = max(0, limit-restAfter)
		}
	}
	c.readWithin(limit)
	return c.fill(firstRead)
}

// forget gives back what was kept for the next request, the bytes of its begin
// left out.
func (c *conn) forget() {
	c.buf = append(make([]byte, 0, firstRead), c.buf...)
	c.parser = parser{}
	c.answer = answer{header: http.Header{}}
}

// readWithin bounds the reads that follow; 0 is no bound.
func (c *conn) readWithin(d time.Duration) { bound(c.SetReadDeadline, &c.readBy, time.Now(), d) }

// bound sets a deadline, unless it stands near enough.
func bound(set func(time.Time) error, stands *time.Time, now time.Time, d time.Duration) {
	var by time.Time
	if d > 0 {
		by = now.Add(d)
	}
	if early := by.Sub(*stands); early < 0 || early > slack {
		_ = set(by) // else the read or write that follows fails too
		*stands = by
	}
}

// write sends an answer, to a client that takes it.
func (c *conn) write(out []byte, now time.Time) error {
	for {
		bound(c.SetWriteDeadline, &c.writeBy, now, c.server.rest.ReadHeaderTimeout)
		n, err := c.Write(out[:min(len(out), piece)])
		if err != nil {
			return err
		}
		if out = out[n:]; len(out) == 0 {
			return nil
		}
		now = time.Now()
	}
}

// fill reads once, with room for n bytes at least.
func (c *conn) fill(n int) error {
	if cap(c.buf)-len(c.buf) < n {
		c.buf = append(make([]byte, 0, len(c.buf)+n), c.buf...)
	}
	n, err := c.Read(c.buf[len(c.buf):cap(c.buf)])
	c.buf = c.buf[:len(c.buf)+n]
	if n > 0 {
		return nil
	}
	return err
}

// drop forgets the first n bytes, which have been served.
func (c *conn) drop(n int) {
	rest := c.buf[n:]
	if cap(c.buf) > maxKept {
		c.buf = make([]byte, 0, max(firstRead, len(rest)))
	}
	c.buf = append(c.buf[:0], rest...)
}

// handle has the request answered whose head was read last, and reports whether the
// connection goes on.
func (c *conn) handle(body []byte) (ok bool) {
	ctx, cancel := context.WithCancel(c.base)
	defer cancel()
	c.gone = cancel
	c.newer.Store(true)
	if !c.state.CompareAndSwap(idle, busy) {
		return false // a shutdown was quicker
	}
	c.server.watchLater()
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler {
			c.server.logf("http: panic serving %v: %v\n%s", c.remote, p, debug.Stack())
		}
	}()
	c.body = reader{body}
	r := c.parser.request(ctx, c.remote, http.NoBody)
	if len(body) > 0 {
		r.Body = &c.body
	}
	c.answer.reset()
	c.server.rest.Handler.ServeHTTP(&c.answer, r)
	c.body = reader{} // which keeps no buffer
	now := time.Now()
	out := c.answer.finish(now, c.server.closing.Load())
	if err := c.write(out, now); err != nil || c.answer.close {
		return false
	}
	return c.settle()
}

// settle goes back to idle, and reports whether the connection goes on.
func (c *conn) settle() bool {
	if !c.state.CompareAndSwap(busy, idle) {
		c.mu.Lock()
		c.answered, c.readBy = true, time.Unix(1, 0)
		c.SetReadDeadline(c.readBy)
		c.mu.Unlock()
		<-c.looking
		c.answered = false
		c.state.Store(idle)
	}
	return !c.server.closing.Load() // who closed it then may have met it busy
}

// watch ends the context of the request when the client goes away. Bytes that
// come instead are the next request's.
func (c *conn) watch() {
	c.mu.Lock()
	if !c.answered {
		c.SetReadDeadline(time.Time{})
	}
	c.mu.Unlock()
	err := c.fill(1)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		c.gone()
	}
	c.looking <- struct{}{}
}

// A reader is a body that is all there.
type reader struct{ rest []byte }

// Bytes returns what is not read yet. It is the connection's: good until the handler
// returns.
func (b *reader) Bytes() []byte { return b.rest }

func (b *reader) Read(p []byte) (n int, err error) {
	n = copy(p, b.rest)
	if b.rest = b.rest[n:]; len(b.rest) == 0 {
		err = io.EOF
	}
	return n, err
}

func (*reader) Close() error { return nil }

// A replay is a connection of which something was read already.
type replay struct {
	net.Conn
	read []byte
}

func (r *replay) Read(p []byte) (int, error) {
	if len(r.read) == 0 {
		return r.Conn.Read(p)
	}
	n := copy(p, r.read)
	r.read = r.read[n:]
	return n, nil
}

// CloseWrite lets net/http end an answer gently, where the connection can.
func (r *replay) CloseWrite() error {
	if half, ok := r.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
