package testenv

import (
	"bytes"
	"io"
	"net/http"
)

// WholeBodies sends requests with bodies that are in memory. The SDK closes a
// request's body as soon as it has the answer, and the closed body ends with an
// error: net/http, when it looks for the body's end only then, drops the
// connection with the rest of the answer. A server that answers within
// microseconds meets this (smithy-go 1.28).
func WholeBodies(next http.RoundTripper) http.RoundTripper { return wholeBodies{next} }

type wholeBodies struct{ next http.RoundTripper }

func (w wholeBodies) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == nil {
		return w.next.RoundTrip(req)
	}
	body, err := io.ReadAll(req.Body)
	req.Body.Close()
	if err != nil {
		return nil, err
	}
	req = req.Clone(req.Context())
	req.Body = io.NopCloser(bytes.NewReader(body))
	return w.next.RoundTrip(req)
}
