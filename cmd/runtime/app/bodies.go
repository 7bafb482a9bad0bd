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
	// An invocation lasts as long as its function, which may have something to send.
	if strings.HasSuffix(r.URL.Path, "/invocations") {
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
