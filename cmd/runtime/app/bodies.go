package app

import (
	"net/http"
	"strings"

	"millrace/runtime/capacity/memory"
)

// A bodies handler has large bodies read and served a few at a time, as memory
// allows: on their way through they take several times what they bring.
type bodies struct {
	http.Handler
	memory *memory.Limit
}

// ServeHTTP implements http.Handler.
func (b bodies) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// An invocation lasts as long as its function, which may have something to send; and
	// what streams is in memory piece by piece.
	if strings.HasSuffix(r.URL.Path, "/invocations") || b.Streams(r) {
		b.Handler.ServeHTTP(w, r)
		return
	}
	release, err := b.memory.Hold(r.Context(), r.ContentLength)
	if err != nil {
		return // the client has gone
	}
	defer release()
	b.Handler.ServeHTTP(w, r)
}

// Streams is the handler's own, for http1.
func (b bodies) Streams(r *http.Request) bool {
	s, ok := b.Handler.(interface{ Streams(*http.Request) bool })
	return ok && s.Streams(r)
}
