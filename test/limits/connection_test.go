//go:build unix

package limits

import (
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	"millrace/runtime/store/backbone/backbonetest"
	"millrace/test/patience"
)

// A relay passes on what a client and a NATS server say. The server can be made to
// say something of the test's.
type relay struct {
	net.Listener
	mu      sync.Mutex
	clients []net.Conn
}

func newRelay(t *testing.T, to string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{Listener: l}
	t.Cleanup(func() {
		l.Close()
		r.each(func(c net.Conn) { c.Close() })
	})
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				client.Close()
				continue
			}
			r.mu.Lock()
			r.clients = append(r.clients, client)
			r.mu.Unlock()
			go func() { io.Copy(server, client); server.Close() }()
			go func() {
				io.Copy(client, server)
				client.Close()
			}()
		}
	}()
	return r
}

func (r *relay) each(do func(net.Conn)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.clients {
		do(c)
	}
	r.clients = nil
}

// A connection to external servers that breaks is made again; health says so in
// between. One that the server ends for good ends the runtime, with the reason:
// a port that answers and can do nothing would be worse.
func TestConnectionToNATS(t *testing.T) {
	long(t)
	at, err := url.Parse(backbonetest.Listen(t, 8<<20))
	if err != nil {
		t.Fatal(err)
	}
	r := newRelay(t, at.Host)
	s := start(t, "", t.TempDir(), "--nats", "nats://"+r.Addr().String(), "--log-level", "info")
	c, l := s.client(), newLedger(t)
	link := createQueue(t, c, "q")
	if err := send(t.Context(), c, l, link, 1000); err != nil {
		t.Fatal(err)
	}
	r.each(func(c net.Conn) { c.Close() })
	eventually(t, "health says that the connection is lost", func() bool {
		status, why := s.health()
		return status == 503 && strings.Contains(why, "NATS") || strings.Contains(s.log.String(), "connected to NATS again")
	})
	eventually(t, "a send", func() bool { return send(t.Context(), c, l, link, 1000) == nil })
	eventually(t, "health", func() bool { status, _ := s.health(); return status == 200 })

	r.each(func(c net.Conn) { io.WriteString(c, "-ERR 'maximum control line exceeded'\r\n") })
	ended := make(chan error, 1)
	go func() { ended <- s.process.Wait() }()
	err = patience.For(t, "the end of a runtime without a connection", ended, func() any { return s.log.String() })
	if s.process.ProcessState.ExitCode() != 1 || !strings.Contains(strings.ToLower(s.log.String()), "maximum control line exceeded") {
		t.Errorf("it ended with %v and said\n%s", err, s.log.String())
	}
}
