package http1

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A line is a listener that is dialled in memory.
type line struct {
	conns chan net.Conn
	errs  chan error
	shut  chan struct{}
}

func newLine() *line {
	return &line{make(chan net.Conn), make(chan error), make(chan struct{})}
}

func (l *line) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case err := <-l.errs:
		return nil, err
	case <-l.shut:
		return nil, net.ErrClosed
	}
}

func (l *line) Close() error   { close(l.shut); return nil }
func (l *line) Addr() net.Addr { return &net.TCPAddr{} }

// A client is the other end of a connection to the server under test.
type client struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

func (l *line) dial(t *testing.T) *client {
	t.Helper()
	ours, theirs := net.Pipe()
	select {
	case l.conns <- theirs:
	case <-l.shut:
		t.Fatal("the server has closed its listener")
	}
	t.Cleanup(func() { ours.Close() })
	return &client{ours, t, bufio.NewReader(ours)}
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Errorf("sending: %v", err) // also from other goroutines
	}
}

// answer reads an answer: its status and its body.
func (c *client) answer() (*http.Response, string) {
	c.t.Helper()
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatalf("no answer: %v", err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("reading the answer: %v", err)
	}
	return resp, string(body)
}

func (c *client) wantOver() {
	c.t.Helper()
	if b, err := c.r.ReadByte(); !errors.Is(err, io.EOF) {
		c.t.Errorf("got %q, %v; want the end of the connection", b, err)
	}
}

func post(path, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
}

// served runs a server inside a bubble, and stops it at the end.
func served(t *testing.T, h http.HandlerFunc, f func(t *testing.T, s *Server, l *line)) {
	t.Helper()
	servedBy(t, &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}, f)
}

func servedBy(t *testing.T, rest *http.Server, f func(t *testing.T, s *Server, l *line)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, l := New(rest), newLine()
		done := make(chan error)
		go func() { done <- s.Serve(l) }()
		t.Cleanup(func() {
			s.Close()
			if err := <-done; err != http.ErrServerClosed {
				t.Errorf("Serve returned %v", err)
			}
		})
		f(t, s, l)
	})
}

// echo answers with the body, and says in a header who served: net/http's
// answers can be flushed.
func echo(w http.ResponseWriter, r *http.Request) {
	if _, ok := w.(http.Flusher); ok {
		w.Header().Set("Served-By", "net/http")
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Write(body)
}

func TestServesRequestsOfOneConnection(t *testing.T) {
	served(t, echo, func(t *testing.T, _ *Server, l *line) {
		c := l.dial(t)
		for _, body := range []string{"one", "", strings.Repeat("x", maxBody), "four"} {
			go c.send(post("/", body))
			resp, got := c.answer()
			if resp.StatusCode != 200 || got != body || resp.Header.Get("Served-By") != "" {
				t.Fatalf("got %d %.20q, %v; want %.20q served here", resp.StatusCode, got, resp.Header, body)
			}
		}
	})
}

func TestServesABodyInPieces(t *testing.T) {
	served(t, echo, func(t *testing.T, _ *Server, l *line) {
		c := l.dial(t)
		text := post("/", "one two three")
		at := len(text) - len("two three")
		c.send(text[:at])
		c.send(text[at:])
		if resp, got := c.answer(); got != "one two three" || resp.Header.Get("Served-By") != "" {
			t.Errorf("got %q, %v; want the whole body, served here", got, resp.Header)
		}
	})
}

func TestServesPipelinedRequests(t *testing.T) {
	served(t, echo, func(t *testing.T, _ *Server, l *line) {
		c := l.dial(t)
		go c.send(post("/", "one") + post("/", "two") + post("/", "three"))
		for _, want := range []string{"one", "two", "three"} {
			if _, got := c.answer(); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	})
}

// The map is used again; what one request said must not be said by the next.
func TestEachRequestHasItsOwnHeader(t *testing.T) {
	served(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Said", fmt.Sprint(r.Header["X"]))
		if r.Header.Get("X") != "" {
			w.Header().Set("First", "yes")
		}
	}, func(t *testing.T, _ *Server, l *line) {
		c := l.dial(t)
		c.send("POST / HTTP/1.1\r\nHost: localhost\r\nX: 1\r\nContent-Length: 0\r\nx: 2\r\n\r\n")
		if resp, _ := c.answer(); resp.Header.Get("Said") != "[1 2]" || resp.Header.Get("First") != "yes" {
			t.Errorf("the first was answered %v", resp.Header)
		}
		c.send(post("/", ""))
		if resp, _ := c.answer(); resp.Header.Get("Said") != "[]" || resp.Header.Get("First") != "" {
			t.Errorf("the second was answered %v", resp.Header)
		}
	})
}

func TestLeavesTheUncommonToNetHTTP(t *testing.T) {
	for _, c := range []struct{ rule, request, status, body string }{
		{"another method", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "200 OK", ""},
		{"another version", "POST / HTTP/1.0\r\nContent-Length: 1\r\n\r\nx", "200 OK", "x"},
		{"chunks", "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "200 OK", "abc"},
		{"no length", "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n", "200 OK", ""},
		{"the last request", "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", "200 OK", "x"},
		{"a large body", post("/", strings.Repeat("x", maxBody+1)), "200 OK", strings.Repeat("x", maxBody+1)},
		{"a URL as target", "POST http://other/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", "200 OK", ""},
		{"letters beyond ASCII", "POST / HTTP/1.1\r\nHost: localhost\r\nX: \xc3\xa4\r\nContent-Length: 0\r\n\r\n", "200 OK", ""},
		{"no host", "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "400 Bad Request: missing required Host header", "400 Bad Request: missing required Host header"},
		{"two hosts", "POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 0\r\n\r\n", "400 Bad Request", "400 Bad Request"},
		{"two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", "400 Bad Request", "400 Bad Request"},
		{"a length and chunks", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "200 OK", ""},
		{"a folded field", "POST / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\nContent-Length: 0\r\n\r\n", "200 OK", ""},
		{"a space before the colon", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 1\r\n\r\nx", "400 Bad Request: invalid header name", "400 Bad Request: invalid header name"},
		{"a bare line feed", "POST / HTTP/1.1\nHost: a\nContent-Length: 1\n\nx", "200 OK", "x"},
		{"a zero byte", "POST / HTTP/1.1\r\nHost: a\r\nX: \x00\r\nContent-Length: 0\r\n\r\n", "400 Bad Request", "400 Bad Request"},
		{"no HTTP", "hello\r\n\r\n", "400 Bad Request", "400 Bad Request"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			served(t, echo, func(t *testing.T, _ *Server, l *line) {
				conn := l.dial(t)
				go io.WriteString(conn, post("/", "first")+c.request)
				if resp, got := conn.answer(); got != "first" || resp.Header.Get("Served-By") != "" {
					t.Fatalf("the request before: got %q, %v", got, resp.Header)
				}
				resp, got := conn.answer()
				if resp.Status != c.status || got != c.body {
					t.Errorf("got %s %.80q; want %s %.80q", resp.Status, got, c.status, c.body)
				}
				if resp.StatusCode == 200 && resp.Header.Get("Served-By") != "net/http" {
					t.Error("it was served here")
				}
			})
		})
	}
}

// A head in pieces goes to net/http with its first piece, and its time-out holds.
// A streamer streams to one path.
type streamer struct{ http.HandlerFunc }

func (streamer) Streams(r *http.Request) bool {
	return r.Method == "POST" && r.URL.Path == "/stream" && r.Header.Get("X-Once") == "" && r.Host == "localhost"
}

func TestLeavesWhatStreamsToNetHTTPBeforeItsBody(t *testing.T) {
	servedBy(t, &http.Server{Handler: streamer{echo}, ReadHeaderTimeout: time.Minute}, func(t *testing.T, _ *Server, l *line) {
		c := l.dial(t)
		for _, want := range []struct{ path, by string }{{"/plain", ""}, {"/stream", "net/http"}, {"/plain", "net/http"}} {
			text := post(want.path, "body")
			go func() {
				c.send(text[:len(text)-4])
				time.Sleep(time.Second)
				c.send(text[len(text)-4:])
			}()
			if resp, body := c.answer(); body != "body" || resp.Header.Get("Served-By") != want.by {
				t.Errorf("%s: served by %q, %s", want.path, resp.Header.Get("Served-By"), body)
			}
		}
		other := l.dial(t)
		go other.send(strings.Replace(post("/stream", "body"), "Host:", "X-Once: 1\r\nHost:", 1))
		if resp, _ := other.answer(); resp.Header.Get("Served-By") != "" {
			t.Error("what the handler does not stream to is net/http's")
		}
	})
}

func TestLeavesASlowHeadToNetHTTP(t *testing.T) {
	served(t, echo, func(t *testing.T, _ *Server, l *line) {
		c := l.dial(t)
		text := post("/", "x")
		c.send(text[:20])
		c.send(text[20:])
		if resp, got := c.answer(); got != "x" || resp.Header.Get("Served-By") != "net/http" {
			t.Errorf("got %q, %v; want x served by net/http", got, resp.Header)
		}
		c = l.dial(t)
		c.send(text[:20])
		began := time.Now()
		c.answer()
		if took := time.Since(began); took != time.Minute {
			t.Errorf("a head that never ended was waited for %v, want a minute", took)
		}
	})
}

func TestAnAnswerIsComplete(t *testing.T) {
	for _, c := range []struct {
		rule    string
		handler http.HandlerFunc
		status  int
		header  http.Header
		body    string
	}{
		{"nothing said", func(http.ResponseWriter, *http.Request) {}, 200,
			http.Header{"Content-Length": {"0"}}, ""},
		{"a body alone", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") }, 200,
			http.Header{"Content-Length": {"6"}, "Content-Type": {"text/html; charset=utf-8"}}, "<html>"},
		{"everything said", func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = []string{"a/b"}
			w.Header().Set("Content-Length", "1")
			w.Header().Set("Date", "never")
			w.WriteHeader(418)
			w.WriteHeader(200)
			w.Header().Set("Late", "yes")
			w.Write([]byte("x"))
		}, 418, http.Header{"Content-Length": {"1"}, "Content-Type": {"a/b"}, "Date": {"never"}}, "x"},
		{"no content", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(204)
			if _, err := io.WriteString(w, "x"); err != http.ErrBodyNotAllowed {
				panic(err)
			}
		}, 204, http.Header{}, ""},
		{"a header that would begin another", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", "1\r\nY: 2")
		}, 200, http.Header{"Content-Length": {"0"}, "X": {"1  Y: 2"}}, ""},
		{"the last answer", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") }, 200,
			http.Header{"Content-Length": {"0"}}, ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			served(t, c.handler, func(t *testing.T, _ *Server, l *line) {
				conn := l.dial(t)
				conn.send(post("/", ""))
				resp, body := conn.answer()
				if c.header.Get("Date") == "" {
					if got := resp.Header.Get("Date"); got != time.Now().UTC().Format(http.TimeFormat) {
						t.Errorf("the date is %q", got)
					}
					resp.Header.Del("Date")
				}
				if resp.StatusCode != c.status || body != c.body || fmt.Sprint(resp.Header) != fmt.Sprint(c.header) {
					t.Errorf("got %d %v %q; want %d %v %q", resp.StatusCode, resp.Header, body, c.status, c.header, c.body)
				}
				if closes := c.rule == "the last answer"; resp.Close != closes {
					t.Errorf("the connection ends: %v, want %v", resp.Close, closes)
				} else if closes {
					conn.wantOver()
				}
			})
		})
	}
}

func TestAClientThatGoesEndsTheContext(t *testing.T) {
	ended := make(chan time.Duration, 1)
	served(t, func(_ http.ResponseWriter, r *http.Request) {
		began := time.Now()
		<-r.Context().Done()
		ended <- time.Since(began)
	}, func(t *testing.T, _ *Server, l *line) {
		c := l.dial(t)
		c.send(post("/", "x"))
		time.Sleep(time.Hour)
		select {
		case <-ended:
			t.Fatal("the context ended while the client waited")
		default:
		}
		c.Close()
		if took := <-ended; took != time.Hour {
			t.Errorf("the context ended after %v, want at once", took)
		}
	})
}

func TestAClientThatGoesSoonIsNoticed(t *testing.T) {
	served(t, func(_ http.ResponseWriter, r *http.Request) {
		began := time.Now()
		<-r.Context().Done()
		if took := time.Since(began); took > 2*watchEvery {
			t.Errorf("noticed after %v", took)
		}
	}, func(t *testing.T, _ *Server, l *line) {
		c := l.dial(t)
		c.send(post("/", "x"))
		c.Close()
		synctest.Wait()
		time.Sleep(time.Second)
	})
}

func TestTheContextEndsWithTheHandler(t *testing.T) {
	var ctx context.Context
	served(t, func(_ http.ResponseWriter, r *http.Request) {
		if ctx = r.Context(); ctx.Err() != nil {
			t.Error("it ended before")
		}
		if ctx.Value(http.ServerContextKey) == nil || ctx.Value(http.LocalAddrContextKey) == nil {
			t.Error("it does not know the server")
		}
	}, func(t *testing.T, _ *Server, l *line) {
		c := l.dial(t)
		c.send(post("/", ""))
		c.answer()
		synctest.Wait()
		if ctx.Err() == nil {
			t.Error("the context outlived its request")
		}
	})
}

// A connection that was watched goes on, also when the next request came
// meanwhile, whole or in part.
func TestGoesOnAfterALongRequest(t *testing.T) {
	served(t, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Second)
		if r.Context().Err() != nil {
			t.Error("the client was thought to be gone")
		}
		echo(w, r)
	}, func(t *testing.T, _ *Server, l *line) {
		for _, early := range []int{0, 10, len(post("/", "two"))} {
			c := l.dial(t)
			c.send(post("/", "one"))
			time.Sleep(500 * time.Millisecond)
			second := post("/", "two")
			if early > 0 {
				c.send(second[:early])
			}
			if _, got := c.answer(); got != "one" {
				t.Errorf("got %q, want one", got)
			}
			if early < len(second) {
				c.send(second[early:])
			}
			if _, got := c.answer(); got != "two" {
				t.Errorf("%d bytes early: got %q, want two", early, got)
			}
		}
	})
}

func TestAPanicEndsItsConnectionOnly(t *testing.T) {
	var logged strings.Builder
	servedBy(t, &http.Server{ErrorLog: log.New(&logged, "", 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/panic":
			panic("oops")
		case "/abort":
			panic(http.ErrAbortHandler)
		}
	})}, func(t *testing.T, _ *Server, l *line) {
		other := l.dial(t)
		other.send(post("/", ""))
		other.answer()
		c := l.dial(t)
		c.send(post("/abort", ""))
		c.wantOver()
		if logged.Len() > 0 {
			t.Errorf("ErrAbortHandler was logged: %s", logged.String())
		}
		c = l.dial(t)
		c.send(post("/panic", ""))
		c.wantOver()
		if !strings.Contains(logged.String(), "oops") {
			t.Errorf("the log has no panic: %q", logged.String())
		}
		other.send(post("/", ""))
		other.answer()
	})
}

func TestShutdownWaitsForAnswers(t *testing.T) {
	served(t, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Minute)
		echo(w, r)
	}, func(t *testing.T, s *Server, l *line) {
		idle := l.dial(t)
		idle.send(post("/", ""))
		idle.answer()
		fresh, busy := l.dial(t), l.dial(t)
		busy.send(post("/", "late"))
		synctest.Wait()
		began := time.Now()
		done := make(chan error)
		go func() { done <- s.Shutdown(t.Context()) }()
		fresh.wantOver()
		idle.wantOver()
		if took := time.Since(began); took != 0 {
			t.Errorf("idle connections ended after %v", took)
		}
		resp, got := busy.answer()
		if got != "late" || !resp.Close {
			t.Errorf("got %q, closing %v; want late, and the connection's end", got, resp.Close)
		}
		busy.wantOver()
		if err := <-done; err != nil || time.Since(began) != time.Minute {
			t.Errorf("Shutdown returned %v after %v, want nil after a minute", err, time.Since(began))
		}
	})
}

func TestShutdownEndsWithItsContext(t *testing.T) {
	served(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, func(t *testing.T, s *Server, l *line) {
		c := l.dial(t)
		c.send(post("/", ""))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the context's error", err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		c.wantOver()
		if err := s.Shutdown(t.Context()); err != nil {
			t.Errorf("after Close: %v", err)
		}
	})
}

type passing struct{ error }

func (passing) Timeout() bool   { return false }
func (passing) Temporary() bool { return true }

// A process that has run out of files must serve again when it has some.
func TestAcceptsAgainAfterAPassingError(t *testing.T) {
	rest := &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(echo)}
	servedBy(t, rest, func(t *testing.T, _ *Server, l *line) {
		for range 3 {
			l.errs <- passing{errors.New("too many open files")}
		}
		c := l.dial(t)
		c.send(post("/", "x"))
		if _, got := c.answer(); got != "x" {
			t.Errorf("got %q, want x", got)
		}
	})
}

func TestServeEndsWithItsListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l := New(&http.Server{Handler: http.HandlerFunc(echo)}), newLine()
		done := make(chan error)
		go func() { done <- s.Serve(l) }()
		broken := errors.New("broken")
		l.errs <- broken
		if err := <-done; err != broken {
			t.Errorf("Serve returned %v, want the listener's error", err)
		}
	})
}
