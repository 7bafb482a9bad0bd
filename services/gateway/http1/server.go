// Package http1 serves HTTP/1.1 with little ado, for clients that send one
// plain request after another on a connection, as AWS's SDKs do. It costs the
// processor less than half of what net/http does for such a request.
//
// A common request is a POST with a Content-Length of at most 32 KiB, whose head
// comes in one piece and says nothing that changes how it is to be read, and to
// which the handler does not stream. All else is net/http's: at the first request that is not common, the connection
// goes to it, from that request's first byte, and stays there. So nothing unusual
// is understood here, or misunderstood.
//
// Handlers see what net/http would show them: the same [http.Request], a context
// that ends when the client goes away or the handler has returned, panics that
// end a connection and no more. Different is that a body is there before the
// handler is called, and has a method Bytes to be read where it is; that an answer
// is sent when the handler returns (there is no [http.Flusher] and no
// [http.Hijacker]); and that the URL, the header and the body of a request are the
// handler's until then: the next request's go to the same place. The absence of a
// client is noticed after a look of [watchEvery] or two.
package http1

import (
	"context"
	"log"
	"maps"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// watchEvery is how long a handler runs, at least, before anyone looks whether
// its client is still there. To look costs as much as to answer, and most
// answers are there much sooner.
const watchEvery = 20 * time.Millisecond

// A Server serves listeners.
type Server struct {
	rest    *http.Server
	streams func(*http.Request) bool // nil for never

	closing  atomic.Bool
	watching atomic.Bool // a timer for watch is set

	mu    sync.Mutex // guards what follows
	conns map[*conn]struct{}
	over  chan struct{} // closed when closing, and no connection is left
}

// New builds a server. Common requests are served by rest's handler, and the
// connections of all others by rest itself. Of rest's time-outs ReadHeaderTimeout
// and IdleTimeout bound common requests too: the former the first byte of a
// connection, each wait for more of a body, and each for a client to take more of
// an answer. Of its hooks none concerns common requests.
//
// A handler that has a method Streams is asked by it whether a request may be
// served only with its body unread, or with an answer that is sent as it comes: those
// are net/http's too. Streams sees a method, a URL, a host and a header.
func New(rest *http.Server) *Server {
	s := &Server{rest: rest, conns: map[*conn]struct{}{}, over: make(chan struct{})}
	if h, ok := rest.Handler.(interface{ Streams(*http.Request) bool }); ok {
		s.streams = h.Streams
	}
	return s
}

// Serve accepts connections until the listener fails or the server is shut down;
// its error is that of [http.Server.Serve].
func (s *Server) Serve(l net.Listener) error {
	d := &listener{Listener: l, left: make(chan net.Conn), failed: make(chan error), shut: make(chan struct{})}
	go d.accept(s)
	return s.rest.Serve(d)
}

// Shutdown stops accepting connections, ends those that are idle, and waits until
// the requests under way are answered, or ctx ends.
func (s *Server) Shutdown(ctx context.Context) error {
	for c := range s.close() {
		if c.state.CompareAndSwap(idle, ended) {
			c.Close()
		}
	}
	err := s.rest.Shutdown(ctx)
	select {
	case <-s.over:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends all connections.
func (s *Server) Close() error {
	for c := range s.close() {
		c.Close()
	}
	return s.rest.Close()
}

// close lets no connection begin, and returns those that there are.
func (s *Server) close() map[*conn]struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closing.Swap(true) && len(s.conns) == 0 {
		close(s.over)
	}
	return maps.Clone(s.conns)
}

func (s *Server) add(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Load() {
		return false
	}
	s.conns[c] = struct{}{}
	return true
}

func (s *Server) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if s.closing.Load() && len(s.conns) == 0 {
		close(s.over)
	}
}

// watchLater is called at the begin of each request.
func (s *Server) watchLater() {
	if !s.watching.Load() && s.watching.CompareAndSwap(false, true) {
		time.AfterFunc(watchEvery, s.watch)
	}
}

// watch begins to watch the clients of requests that were there when it last
// came by. It comes again as long as there are newer ones.
func (s *Server) watch() {
	s.watching.Store(false)
	s.mu.Lock()
	defer s.mu.Unlock()
	newer := false
	for c := range s.conns {
		if c.state.Load() != busy {
			continue
		}
		if c.newer.Swap(false) {
			newer = true
		} else if c.state.CompareAndSwap(busy, watched) {
			go c.watch()
		}
	}
	if newer {
		s.watchLater()
	}
}

func (s *Server) logf(format string, args ...any) {
	if s.rest.ErrorLog != nil {
		s.rest.ErrorLog.Printf(format, args...)
	} else {
		log.Printf(format, args...)
	}
}

// A listener is what net/http accepts connections from: it comes to see only the connections
// that were left to it, and what goes wrong.
type listener struct {
	net.Listener
	left   chan net.Conn
	failed chan error
	shut   chan struct{}
	once   sync.Once
}

// accept serves connections until it is closed. net/http decides what an
// error means; it takes the next one only after a pause.
func (d *listener) accept(s *Server) {
	for {
		nc, err := d.Listener.Accept()
		if err != nil {
			select {
			case d.failed <- err:
				continue
			case <-d.shut:
				return
			}
		}
		if c := newConn(s, nc); s.add(c) {
			go d.serve(s, c)
		} else {
			nc.Close()
		}
	}
}

func (d *listener) serve(s *Server, c *conn) {
	defer s.remove(c)
	left := c.serve()
	if left == nil {
		return
	}
	select {
	case d.left <- left:
	case <-d.shut:
		left.Close()
	}
}

// Accept implements net.Listener.
func (d *listener) Accept() (net.Conn, error) {
	select {
	case c := <-d.left:
		return c, nil
	case err := <-d.failed:
		return nil, err
	case <-d.shut:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (d *listener) Close() error {
	d.once.Do(func() { close(d.shut) })
	return d.Listener.Close()
}
