//go:build unix

package sandbox

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
)

// A counted connection counts the pieces that are written to it.
type counted struct {
	net.Conn
	pieces *atomic.Int64
}

func (c counted) Write(p []byte) (int, error) {
	c.pieces.Add(1)
	return c.Conn.Write(p)
}

type countedListener struct {
	net.Listener
	pieces *atomic.Int64
}

func (l countedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return counted{c, l.pieces}, nil
}

// An event that is larger than net/http's buffers reaches the function in one piece,
// one that is too large to be held back whole all the same, and the answers after it.
func TestEventsLeaveInOnePiece(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var pieces atomic.Int64
	var size int
	server := &http.Server{ConnContext: withConn, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeEvent(w, r, event{Request: Request{ID: "a", Payload: bytes.Repeat([]byte("x"), size)}})
	})}
	go server.Serve(coalescingListener{countedListener{l, &pieces}}) // ends with Close
	defer server.Close()
	for _, size = range []int{0, 10, 10_000, maxCoalesced, maxCoalesced + 1, 6 << 20, 10} {
		before := pieces.Load()
		res, err := http.Get("http://" + l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || len(body) != size {
			t.Fatalf("%d of %d bytes, %v", len(body), size, err)
		}
		if n := pieces.Load() - before; size <= maxCoalesced && n != 1 {
			t.Errorf("%d bytes came in %d pieces", size, n)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}
