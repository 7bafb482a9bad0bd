package descriptors

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// two listens for two connections, and returns a function that dials and one that
// accepts.
func two(t *testing.T) (l net.Listener, dial func() net.Conn, accept func() chan net.Conn) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l = newLimit(8, nil, nil).Listener(inner)
	t.Cleanup(func() { l.Close() })
	dial = func() net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	accept = func() chan net.Conn {
		accepted := make(chan net.Conn, 1)
		go func() {
			c, err := l.Accept()
			if err == nil {
				t.Cleanup(func() { c.Close() })
			} else if !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
			accepted <- c
		}()
		return accepted
	}
	return l, dial, accept
}

// asks has a client send a byte, and the server read it.
func ask(t *testing.T, client, server net.Conn) {
	t.Helper()
	if _, err := client.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(server, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
}

func TestIdleConnectionMakesWay(t *testing.T) {
	_, dial, accept := two(t)
	busy, idle := dial(), dial()
	s1, s2 := <-accept(), <-accept()
	ask(t, busy, s1)
	ask(t, idle, s2)
	if _, err := s2.Write([]byte{2}); err != nil { // it is answered
		t.Fatal(err)
	}
	dial()
	if c := <-accept(); c == nil {
		t.Fatal("the third was not accepted")
	}
	if _, err := io.ReadAll(idle); err != nil {
		t.Errorf("the idle connection was not closed: %v", err)
	}
	if _, err := s1.Write([]byte{2}); err != nil {
		t.Errorf("the busy connection was closed: %v", err)
	}
}

func TestWaitsWhenAllAreBusy(t *testing.T) {
	l, dial, accept := two(t)
	c1, c2 := dial(), dial()
	s1, s2 := <-accept(), <-accept()
	ask(t, c1, s1)
	ask(t, c2, s2)
	dial()
	third := accept()
	select {
	case <-third:
		t.Fatal("a third was accepted beside two that are busy")
	case <-time.After(2 * leastIdle):
	}
	s1.Close()
	if c := <-third; c == nil {
		t.Fatal("it was not accepted after one was closed")
	} else {
		defer ask(t, c2, s2)
	}
	dial()
	fourth := accept()
	time.Sleep(leastIdle / 2) // it may wait by now; if it does not yet, the end is the same
	l.Close()
	if c := <-fourth; c != nil && errors.Is(c.SetDeadline(time.Time{}), net.ErrClosed) {
		t.Error("a closed listener gave a closed connection")
	}
}
