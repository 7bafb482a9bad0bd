package bridge

import (
	"net"
	"sync"
	"time"
)

// A wire is the connection beneath package amqp091. It adds three things that the package does not have:
// a deadline for each write, so that a broker that hangs holds nobody; a
// gate before each read, so that the package, which buffers all that a broker sends,
// takes in no more than there is room for; and the properties of messages as they were
// sent, which the package decodes and thereby loses what was absent and what was empty.
type wire struct {
	net.Conn

	tap tap // of the goroutine that reads

	mu         sync.Mutex
	passable   sync.Cond // on mu: the gate may be open
	properties [][]byte  // of messages that nobody has asked for yet
	held       int       // bytes of messages that were read and not freed
	stalled    bool      // who takes the messages cannot go on
	open       bool      // for good, since the connection is to end
	deadline   time.Time // of reads
}

const (
	// maxHeld is how many bytes of unsettled messages a connection holds before it stops
	// to read; the message during which that happens is read to its end.
	maxHeld = 32 << 20

	writeTimeout = 10 * time.Second
)

func newWire(c net.Conn) *wire {
	w := &wire{Conn: c}
	w.passable.L = &w.mu
	w.tap.message = func(properties []byte, body int) {
		w.properties = append(w.properties, properties)
		w.held += len(properties) + body
	}
	return w
}

// Read implements net.Conn.
func (w *wire) Read(b []byte) (int, error) {
	if err := w.pass(); err != nil {
		return 0, err
	}
	n, err := w.Conn.Read(b)
	w.mu.Lock()
	w.tap.read(b[:n])
	w.mu.Unlock()
	return n, err
}

// pass waits until the gate is open. The time that takes is not the broker's.
func (w *wire) pass() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.passes() {
		return nil
	}
	since := time.Now()
	for !w.passes() {
		w.passable.Wait()
	}
	if w.deadline.IsZero() || w.open {
		return nil
	}
	w.deadline = w.deadline.Add(time.Since(since))
	return w.Conn.SetReadDeadline(w.deadline)
}

func (w *wire) passes() bool { return w.open || w.held < maxHeld && !w.stalled }

// Write implements net.Conn.
func (w *wire) Write(b []byte) (int, error) {
	if err := w.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	return w.Conn.Write(b)
}

// SetReadDeadline implements net.Conn.
func (w *wire) SetReadDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deadline = t
	return w.Conn.SetReadDeadline(t)
}

// SetDeadline implements net.Conn.
func (w *wire) SetDeadline(t time.Time) error {
	w.mu.Lock()
	w.deadline = t
	w.mu.Unlock()
	return w.Conn.SetDeadline(t)
}

// next is the properties of the next message. Its header has been read: the package has
// delivered it.
func (w *wire) next() (properties []byte, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.properties) == 0 {
		return nil, false
	}
	properties = w.properties[0]
	w.properties[0] = nil
	w.properties = w.properties[1:]
	return properties, true
}

// free gives the room of messages back.
func (w *wire) free(bytes int) { w.change(func() { w.held -= bytes }) }

// stall closes the gate, or lets it be open again.
func (w *wire) stall(yes bool) { w.change(func() { w.stalled = yes }) }

// release opens the gate for good.
func (w *wire) release() { w.change(func() { w.open = true }) }

func (w *wire) change(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
	w.passable.Broadcast()
}
