package proxy

import (
	"io"
	"net"
	"sync"
)

// A pair is a client's connection and the one to a node that it is joined with.
type pair struct{ client, backend net.Conn }

// close ends both at once. It may be called again.
func (c *pair) close() {
	c.client.Close()
	c.backend.Close()
}

// copy carries bytes both ways until both sides are done, or one has failed.
func (c *pair) copy() {
	var other sync.WaitGroup
	other.Go(func() { c.carry(c.backend, c.client) })
	c.carry(c.client, c.backend)
	other.Wait()
}

// carry copies what one side sends to the other, and tells it of the end.
func (c *pair) carry(to, from net.Conn) {
	_, err := io.Copy(to, from)
	if half, ok := to.(interface{ CloseWrite() error }); err == nil && ok {
		err = half.CloseWrite()
	}
	if err != nil {
		c.close()
	}
}
