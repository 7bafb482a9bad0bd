package http1

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A tape is a connection whose client has said everything at once, or in two
// pieces, and then gone half: it still listens.
type tape struct {
	pieces [][]byte
	heard  bytes.Buffer
	closed chan struct{}
}

func (t *tape) Read(p []byte) (n int, err error) {
	for len(t.pieces) > 0 && len(t.pieces[0]) == 0 {
		t.pieces = t.pieces[1:]
	}
	if len(t.pieces) == 0 {
		return 0, io.EOF
	}
	n = copy(p, t.pieces[0])
	t.pieces[0] = t.pieces[0][n:]
	return n, nil
}

func (t *tape) Write(p []byte) (int, error) { return t.heard.Write(p) }

func (t *tape) Close() error {
	select {
	case <-t.closed:
	default:
		close(t.closed)
	}
	return nil
}

func (*tape) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (*tape) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (*tape) SetDeadline(time.Time) error      { return nil }
func (*tape) SetReadDeadline(time.Time) error  { return nil }
func (*tape) SetWriteDeadline(time.Time) error { return nil }

// describe answers with all that a handler sees of a request.
func describe(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil { // the client has not said all: nothing is answered
		panic(http.ErrAbortHandler)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %q %q %s %d.%d\n", r.Method, r.RequestURI, r.URL, r.Proto, r.ProtoMajor, r.ProtoMinor)
	fmt.Fprintf(&b, "%q %q %q %v %v %v\n", r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.URL.Query(), r.Host, r.RemoteAddr)
	fmt.Fprintf(&b, "%d %v %v %v %v %q", r.ContentLength, r.TransferEncoding, r.Close, r.Header, r.Trailer, body)
	w.Header().Set("Content-Length", fmt.Sprint(b.Len()))
	w.Write(b.Bytes())
}

var date = regexp.MustCompile(`Date: [^\r]*\r\n`)

// play serves a tape and returns the answers that were heard.
func play(t testing.TB, serve func(net.Listener) error, pieces ...[]byte) string {
	l := newLine()
	done := make(chan error)
	go func() { done <- serve(l) }()
	c := &tape{closed: make(chan struct{})}
	for _, p := range pieces {
		c.pieces = append(c.pieces, bytes.Clone(p))
	}
	l.conns <- c
	<-c.closed
	l.errs <- io.ErrClosedPipe
	<-done
	var all strings.Builder
	for r := bufio.NewReader(bytes.NewReader(date.ReplaceAll(c.heard.Bytes(), nil))); ; {
		if _, err := r.Peek(1); err != nil {
			return all.String()
		}
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			rest, _ := io.ReadAll(r)
			return fmt.Sprintf("%s%v\n%q", &all, err, rest)
		}
		body, err := io.ReadAll(resp.Body) // an answer to HEAD has none, and is read as if it had
		fmt.Fprintf(&all, "%s %v %v\n%s %v\n", resp.Status, resp.Close, resp.Header, body, err)
	}
}

// What is served here is served as net/http would.
func FuzzLikeNetHTTP(f *testing.F) {
	const head = "POST /a?b=c HTTP/1.1\r\nHost: localhost:4566\r\n"
	for _, text := range []string{
		head + "Content-Length: 2\r\n\r\nhi",
		head + "content-length: 2\r\nX-AMZ-target: AmazonSQS.SendMessage\r\nx_y:  z \r\nA: 1\r\na: 2\r\nConnection: keep-alive\r\n\r\nhi" + head + "Content-Length: 0\r\n\r\n",
		head + "Content-Length: 5\r\n\r\nhi",
		head + "Content-Length: 2\r\nExpect: 100-continue\r\n\r\nhi",
		head + "Content-Length: 2\r\nConnection: close\r\n\r\nhi" + head + "\r\n",
		head + "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
		head + "Content-Length: 02\r\nPragma: no-cache\r\nTrailer: X\r\nUpgrade: h2c\r\n\r\nhi",
		"POST //a/%2f/..;x HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 0\r\nEmpty:\r\n: no name\r\n\r\n",
		"POST /%zz HTTP/1.1\r\nHost: a b\r\nContent-Length: 0\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\n\r\n",
	} {
		f.Add([]byte(text), 0)
		f.Add([]byte(text), 40)
		f.Add([]byte(text), len(text)-1)
	}
	f.Fuzz(func(t *testing.T, text []byte, at int) {
		at = max(0, min(at, len(text)))
		build := func() *http.Server {
			return &http.Server{Handler: http.HandlerFunc(describe), ErrorLog: log.New(io.Discard, "", 0)}
		}
		want := play(t, build().Serve, text[:at], text[at:])
		got := play(t, New(build()).Serve, text[:at], text[at:])
		if got != want {
			t.Errorf("got\n%s\nwant, as net/http has it,\n%s", got, want)
		}
	})
}
