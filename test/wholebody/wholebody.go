// Package wholebody is for AWS SDK clients of servers that answer within microseconds.
package wholebody

import (
	"bytes"
	"io"
	"net/http"
)

// Client is an HTTP client for an AWS SDK, with connections of its own, which are
// closed with its idle ones.
func Client() *http.Client {
	return &http.Client{Transport: Transport(http.DefaultTransport.(*http.Transport).Clone())}
}

// Transport sends requests with bodies that are in memory. The SDK closes a
// request's body as soon as it has the answer, and the closed body ends with an
// error: net/http, when it looks for the body's end only then, drops the
// connection with the rest of the answer, "use of closed network connection"
// (smithy-go 1.28).
func Transport(next http.RoundTripper) http.RoundTripper { return transport{next} }

type transport struct{ next http.RoundTripper }

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == nil {
		return t.next.RoundTrip(req)
	}
	body, err := io.ReadAll(req.Body)
	req.Body.Close()
	if err != nil {
		return nil, err
	}
	req = req.Clone(req.Context())
	req.Body = io.NopCloser(bytes.NewReader(body))
	return t.next.RoundTrip(req)
}

// CloseIdleConnections is what an http.Client asks for.
func (t transport) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
