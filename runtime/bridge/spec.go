package bridge

import (
	"context"
	"crypto/tls"
)

// A Spec says what a Consumer receives, and how it gets there.
type Spec struct {
	Consumer string // names it in the broker's lists of connections and consumers: a mapping's UUID
	Queue    Queue
	Prefetch int // unacknowledged deliveries at once: 1 to 65535

	// Address is asked before each connection. A fault.NotFound says that there is no such
	// broker, a fault.Unavailable that it does not run now.
	Address func(context.Context) (Address, error)

	// Login is asked before each connection. Its error is passed on in an [Error].
	Login func(context.Context) (user, password string, err error)

	// MaxBody is in bytes. Larger bodies are acknowledged, counted and dropped; 0 for no
	// limit.
	MaxBody int
}

// An Address is where a broker is.
type Address struct {
	Host string      // host:port
	TLS  *tls.Config // nil for a plain connection

	// Changed is closed when it is worth to try again at once, since the broker has begun
	// to run or is elsewhere; nil for never. It counts also beside an error.
	Changed <-chan struct{}
}
