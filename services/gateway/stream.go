package gateway

import (
	"io"
	"net/http"
	"strings"
	"time"

	"millrace/services/internal/wire"
)

// Streams reports whether a request is for an operation whose body or answer streams,
// by its head, of which it reads the method, the URL and the header. It may report so
// of others too, but never the opposite. Who serves a connection asks it before reading
// a body (http1).
func (g *Gateway) Streams(r *http.Request) bool {
	return len(g.router.streaming) > 0 && g.router.streams(r)
}

// addStreams notes the operations of a service that stream.
func (r *router) addStreams(s Service) {
	m, paths := s.Model(), &wire.Service{}
	for _, op := range m.Operations {
		if op.StreamIn || op.StreamOut {
			r.streaming[op.Name] = true
			paths.Operations = append(paths.Operations, op)
		}
	}
	if len(paths.Operations) > 0 && (m.Speaks(wire.RestJSON) || m.Speaks(wire.RestXML)) {
		h, _ := s.(Hoster)
		r.streamPaths = append(r.streamPaths, streamPath{paths, h})
	}
}

// streams looks for the operation's name alone, whatever the service: a name that two
// services have costs no more than a detour.
func (r *router) streams(req *http.Request) bool {
	if target := header(req, "X-Amz-Target"); target != "" {
		return r.streaming[wire.TargetOperation(target)]
	}
	if path := req.URL.Path; path != "/" && r.streaming[path[strings.LastIndexByte(path, '/')+1:]] { // rpc-v2-cbor
		return true
	}
	for _, m := range r.streamPaths {
		path := req.URL.EscapedPath()
		if m.hoster != nil {
			path, _ = m.hoster.HostPath(req)
		}
		if m.HasRoute(req, path) {
			return true
		}
	}
	return false
}

// A streamPath has the operations of a service that stream.
type streamPath struct {
	*wire.Service
	hoster Hoster // nil for none
}

// A stream is the body of an operation whose input streams. What goes wrong with it
// is told as for any other body.
type stream struct {
	body   io.Reader
	limit  int64 // in bytes; 0 for none
	over   func(limit int64) error
	read   int64
	ended  bool // nothing follows
	failed error
}

func (s *stream) Read(p []byte) (int, error) {
	if s.failed != nil {
		return 0, s.failed
	}
	n, err := s.body.Read(p)
	switch s.read += int64(n); {
	case s.limit > 0 && s.read > s.limit:
		n, s.failed = 0, s.over(s.limit)
	case err == io.EOF:
		s.ended, s.failed = true, err
	case err != nil:
		s.failed = readError(err)
	}
	return n, s.failed
}

// openStream hands the body to the operation unread, unless it says that it is too long.
func (c *call) openStream() error {
	r, limit := c.req.HTTP, c.op.MaxBody
	if limit > 0 && r.ContentLength > limit {
		return c.tooLarge(limit)
	}
	c.req.Stream = &stream{body: r.Body, limit: limit, over: c.tooLarge, ended: r.ContentLength == 0}
	return nil
}

// stream answers for an operation that streams. What it left of its body is dismissed
// before: there is no answer while a client sends.
func (c *call) stream(m *wire.Service, out any) (err error) {
	if c.observed != nil {
		defer func() {
			if c.code != "" { // events ended with an error, and were answered so
				c.observed(&wire.Error{Code: c.code})
			} else {
				c.observed(err)
			}
		}()
	}
	if c.dismissBody(); c.unread {
		c.w.Header().Set("Connection", "close")
	}
	c.req.Translate = c.translate
	w := c.w
	if conn, ok := unwrap(w).(interface{ SetWriteDeadline(time.Time) error }); ok && c.op.StreamOut {
		w = &progressWriter{w, conn}
		defer func() { _ = conn.SetWriteDeadline(time.Time{}) }() // which fails on a connection that is over
	}
	c.wrote = true
	return wire.EncodeResult(w, c.protocol, m, c.op, &c.req.Request, c.caller.RequestID, out)
}

// A progressWriter is an answer that may take any time, as long as the client takes
// what comes of it.
type progressWriter struct {
	http.ResponseWriter
	conn interface{ SetWriteDeadline(time.Time) error }
}

func (w *progressWriter) Write(b []byte) (int, error) {
	if err := w.conn.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController find what it is for.
func (w *progressWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// unwrap returns the connection's own writer of an answer.
func unwrap(w http.ResponseWriter) http.ResponseWriter {
	for {
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = u.Unwrap()
	}
}
