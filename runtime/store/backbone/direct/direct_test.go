package direct_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"millrace/runtime/store/backbone/direct"
)

// A server is the other end of a connection, played by the test.
type server struct {
	*testing.T
	net.Conn
	r     *bufio.Reader
	inbox string // of the connection's subscription, without the ">"
	ended chan error
}

// dial makes a connection, and says as a server what it says to a new one.
func dial(t *testing.T) (*direct.Conn, *server) {
	t.Helper()
	near, far := net.Pipe()
	s := &server{T: t, Conn: far, r: bufio.NewReader(far), ended: make(chan error, 1)}
	t.Cleanup(func() { far.Close() })
	greeted := make(chan struct{})
	go func() {
		defer close(greeted)
		s.say("INFO {\"headers\":true}\r\n")
		if line := s.line(); !strings.HasPrefix(line, "CONNECT {") || !strings.Contains(line, `"no_responders":true`) {
			t.Errorf("it said %q", line)
		}
		fmt.Sscanf(s.line(), "SUB %s 1", &s.inbox)
		s.inbox = strings.TrimSuffix(s.inbox, ">")
		if line := s.line(); line != "PING\r\n" {
			t.Errorf("it said %q", line)
		}
		s.say("PONG\r\n")
	}()
	c, err := direct.New(near, func(err error) { s.ended <- err })
	if err != nil {
		t.Fatal(err)
	}
	<-greeted
	t.Cleanup(c.Close)
	return c, s
}

func (s *server) say(format string, args ...any) {
	if _, err := fmt.Fprintf(s.Conn, format, args...); err != nil {
		s.Error(err)
	}
}

func (s *server) line() string {
	line, err := s.r.ReadString('\n')
	if err != nil {
		s.Error(err)
	}
	return line
}

type answer struct{ status, data string }

func listen(c *direct.Conn) (*direct.Inbox, chan answer) {
	came := make(chan answer, 10)
	return c.Open(func(status string, data []byte) { came <- answer{status, string(data)} }), came
}

func TestPublish(t *testing.T) {
	c, s := dial(t)
	in, _ := listen(c)
	for _, size := range []int{0, 3, 100_000} {
		data := strings.Repeat("x", size)
		go in.Publish("subject", []byte("NATS/1.0\r\n\r\n"), []byte(data))
		var to string
		var header, all int
		if line := s.line(); !strings.HasPrefix(line, "HPUB subject "+s.inbox) {
			t.Fatalf("it said %q", line)
		} else if _, err := fmt.Sscanf(line, "HPUB subject %s %d %d\r\n", &to, &header, &all); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, all+2)
		if _, err := io.ReadFull(s.r, got); err != nil {
			t.Fatal(err)
		}
		if want := "NATS/1.0\r\n\r\n" + data + "\r\n"; header != 12 || string(got) != want {
			t.Errorf("%d bytes: a header of %d, and %d bytes that are not what was published", size, header, len(got))
		}
	}
}

// An answer goes to the inbox that it is for, until that is closed.
func TestAnswers(t *testing.T) {
	c, s := dial(t)
	one, first := listen(c)
	_, second := listen(c)
	long := strings.Repeat("x", 100_000) // more than is read at once
	s.say("MSG %s1 1 5\r\nhello\r\n", s.inbox)
	s.say("MSG %s2 1 %d\r\n%s\r\n", s.inbox, len(long), long)
	s.say("HMSG %s1 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n", s.inbox)
	s.say("HMSG %s1 1 20 22\r\nNATS/1.0\r\nA: 1234\r\n\r\nhi\r\n", s.inbox)
	for _, want := range []answer{{"", "hello"}, {"503", ""}} {
		if got := <-first; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := <-second; got != (answer{"", long}) {
		t.Errorf("got %d bytes with status %q", len(got.data), got.status)
	}
	<-first
	one.Close()
	s.say("MSG %s1 1 2\r\nno\r\n", s.inbox)
	s.say("MSG %s2 1 3\r\nyes\r\n", s.inbox)
	if got := <-second; got.data != "yes" {
		t.Errorf("got %q", got)
	}
	if len(first) > 0 {
		t.Errorf("a closed inbox got %q", <-first)
	}
}

func TestPing(t *testing.T) {
	_, s := dial(t)
	s.say("PING\r\n")
	if line := s.line(); line != "PONG\r\n" {
		t.Errorf("it said %q", line)
	}
}

// What ends a connection is told, and nothing can be published then.
func TestEnd(t *testing.T) {
	for what, say := range map[string]func(*server){
		"Slow Consumer":            func(s *server) { s.say("-ERR 'Slow Consumer'\r\n") },
		"EOF":                      func(s *server) { s.Conn.Close() },
		"cannot be understood":     func(s *server) { s.say("MSG x 1 -1\r\n") },
		"cannot be understood too": func(s *server) { s.say("HMSG x 1 9 5\r\n") },
	} {
		c, s := dial(t)
		in, _ := listen(c)
		say(s)
		if err := <-s.ended; err == nil || !strings.Contains(err.Error(), strings.TrimSuffix(what, " too")) {
			t.Errorf("%s: ended with %v", what, err)
		}
		if in.Publish("subject", nil, nil) == nil {
			t.Errorf("%s: published all the same", what)
		}
	}
}

// Who closes a connection is not told that it has ended.
func TestClose(t *testing.T) {
	c, s := dial(t)
	c.Close()
	c.Close()
	select {
	case err := <-s.ended:
		t.Errorf("told of %v", err)
	default:
	}
}

func TestServerThatRefuses(t *testing.T) {
	near, far := net.Pipe()
	go func() {
		fmt.Fprint(far, "INFO {}\r\n")
		io.CopyN(io.Discard, far, 100)
		go io.Copy(io.Discard, far)
		fmt.Fprint(far, "-ERR 'Authorization Violation'\r\n")
	}()
	if _, err := direct.New(near, nil); err == nil || !strings.Contains(err.Error(), "Authorization") {
		t.Errorf("connected: %v", err)
	}
}
