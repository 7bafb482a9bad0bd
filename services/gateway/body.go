package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"millrace/runtime/fault"
	"millrace/services/internal/wire"
)

const (
	// maxForm bounds a body that is a form, in bytes. Which operation it is for, and
	// what that one's limit is, stands in it.
	maxForm = 16 << 20

	// trusted is the length up to which a request gets room for its body before any
	// of it has come.
	trusted = 2 << 20

	// dismissed is how much of a body is read only to keep the connection, as much as
	// net/http does.
	dismissed = 256 << 10
)

// lent returns a body that is there already and is the connection's, for as long as
// the handler runs (http1).
func lent(r *http.Request) (body []byte, ok bool) {
	whole, ok := r.Body.(interface{ Bytes() []byte })
	if !ok {
		return nil, false
	}
	return whole.Bytes(), true
}

// readBody reads the whole body, which may have so many bytes at most; 0 is no
// limit. It is read once.
func (c *call) readBody(limit int64) error {
	if c.taken {
		return nil
	}
	c.taken = true
	r := c.req.HTTP
	if body, ok := lent(r); ok {
		c.req.Body = body
		return nil
	}
	var err error
	switch n := r.ContentLength; {
	case limit > 0 && n > limit:
		c.unread = true
		return c.tooLarge(limit)
	case 0 <= n && n <= trusted:
		c.req.Body = make([]byte, n)
		_, err = io.ReadFull(r.Body, c.req.Body)
	default:
		body := io.Reader(r.Body)
		if limit > 0 {
			body = io.LimitReader(body, limit+1)
		}
		c.req.Body, err = io.ReadAll(body)
		if limit > 0 && int64(len(c.req.Body)) > limit {
			c.unread = true
			return c.tooLarge(limit)
		}
	}
	if err != nil {
		c.unread = true
		return readError(err)
	}
	return nil
}

// keepBody makes a copy of a body that is lent, for an operation that keeps it.
func (c *call) keepBody() {
	if _, ok := lent(c.req.HTTP); ok {
		c.req.Body = bytes.Clone(c.req.Body)
	}
}

// dismissBody decides what becomes of a body that was not read to its end. A short
// one is read now, so that the connection can go on; after any other it ends, and so
// after one that the client has not begun to send.
func (c *call) dismissBody() {
	r := c.req.HTTP
	if c.taken || r.ContentLength == 0 {
		return
	}
	c.taken = true
	if _, ok := lent(r); ok {
		return
	}
	if s, ok := c.req.Stream.(*stream); ok && s.ended {
		return
	} else if ok && s.failed != nil {
		c.unread = true
		return
	}
	if r.ContentLength <= dismissed && header(r, "Expect") == "" {
		if _, err := io.CopyN(io.Discard, r.Body, dismissed+1); err == io.EOF {
			return
		}
	}
	c.unread = true
}

// malformedBody is the answer to a body whose chunks cannot be told apart.
var malformedBody = &wire.Error{Code: "MalformedHttpRequestException", QueryCode: "MalformedHttpRequest", Status: http.StatusBadRequest,
	Message: "The body of the request is malformed."}

// readError is what to say of an error in reading a body.
func readError(err error) error {
	if gone(err) {
		return fault.Wrap(fault.Canceled, err, "reading the request")
	}
	return malformedBody
}

// gone reports whether reading a body failed for a client that went away, or
// that stopped sending: what it has sent until then was right.
func gone(err error) bool {
	var n net.Error
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, context.Canceled) || errors.As(err, &n)
}

// tooLarge is the answer to a body over the limit.
func (c *call) tooLarge(limit int64) error {
	if s, ok := c.service.(Limiter); ok && c.op != nil {
		return s.RefuseBody(c.op, limit)
	}
	return &wire.Error{Code: "RequestEntityTooLargeException", QueryCode: "RequestEntityTooLarge", Status: http.StatusRequestEntityTooLarge,
		Message: fmt.Sprintf("Request must be smaller than %d bytes", limit)}
}
