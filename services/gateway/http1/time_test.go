package http1

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	headTime = 30 * time.Second
	idleTime = 2 * time.Minute
)

func timed(t *testing.T, h http.HandlerFunc, f func(t *testing.T, s *Server, l *line)) {
	t.Helper()
	servedBy(t, &http.Server{Handler: h, ReadHeaderTimeout: headTime, IdleTimeout: idleTime}, f)
}

// wantOverAfter waits for the end of the connection.
func (c *client) wantOverAfter(d time.Duration) {
	c.t.Helper()
	began := time.Now()
	c.wantOver()
	if took := time.Since(began); took > d || took < d-2*slack {
		c.t.Errorf("the connection ended after %v, want %v", took, d)
	}
}

func TestEndsWhatDoesNotGoOn(t *testing.T) {
	for _, c := range []struct {
		rule string
		do   func(*client)
		ends time.Duration
	}{
		{"a connection without a request", func(*client) {}, headTime},
		{"a head that breaks off", func(c *client) { c.send("POST / HTTP/1.1\r\nHost: lo") }, headTime},
		{"a body that breaks off", func(c *client) { c.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n123") }, headTime},
		{"an idle connection", func(c *client) { c.send(post("/", "")); c.answer() }, idleTime},
		{"the begin of another request", func(c *client) { c.send(post("/", "")); c.answer(); c.send("P") }, idleTime},
		{"a second head that breaks off", func(c *client) { c.send(post("/", "")); c.answer(); c.send("POST / HTTP/1.1\r\nHost: lo") }, headTime},
		{"a body that breaks off later", func(c *client) {
			c.send(post("/", ""))
			c.answer()
			time.Sleep(time.Minute)
			c.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n")
			time.Sleep(headTime - 2*slack)
			c.send("123")
		}, headTime},
	} {
		t.Run(c.rule, func(t *testing.T) {
			timed(t, echo, func(t *testing.T, _ *Server, l *line) {
				client := l.dial(t)
				c.do(client)
				client.wantOverAfter(c.ends)
			})
		})
	}
}

// A client that takes no answers is not waited for either.
func TestEndsWhoTakesNoAnswer(t *testing.T) {
	timed(t, echo, func(t *testing.T, s *Server, l *line) {
		l.dial(t).send(post("/", "x"))
		time.Sleep(headTime + slack)
		synctest.Wait()
		if n := s.connections(); n != 0 {
			t.Errorf("%d connections after %v", n, headTime)
		}
	})
}

func (s *Server) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Whoever goes on may take any time: an upload, a long poll of 20 s, a function of
// 15 minutes, and requests with pauses in between.
func TestLetsTakeTime(t *testing.T) {
	wait := func(w http.ResponseWriter, r *http.Request) {
		d, _ := time.ParseDuration(r.URL.Query().Get("for"))
		time.Sleep(d)
		echo(w, r)
		if r.Context().Err() != nil {
			t.Errorf("after %v the client counts as gone", d)
		}
	}
	timed(t, wait, func(t *testing.T, _ *Server, l *line) {
		c := l.dial(t)
		for _, d := range []time.Duration{0, 20 * time.Second, 15 * time.Minute, 0} {
			c.send(post("/?for="+d.String(), "x"))
			if resp, got := c.answer(); got != "x" || resp.Header.Get("Served-By") != "" {
				t.Errorf("a handler of %v: got %q, %v", d, got, resp.Header)
			}
			time.Sleep(idleTime - 2*slack)
		}
		c.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60\r\n\r\n")
		for range 60 {
			time.Sleep(headTime - 2*slack)
			c.send("x")
		}
		if resp, got := c.answer(); len(got) != 60 || resp.Header.Get("Served-By") != "" {
			t.Errorf("a slow upload: got %q, %v", got, resp.Header)
		}
		for range 600 { // never idle, and so never at an end
			time.Sleep(slack / 2)
			c.send(post("/", ""))
			c.answer()
		}
	})
}

// A client that goes during a long request is noticed however long it has run:
// no deadline of the wait before it is left.
func TestNoticesAClientThatGoesLate(t *testing.T) {
	gone := make(chan time.Duration, 1)
	timed(t, func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		<-r.Context().Done()
		gone <- time.Since(began)
	}, func(t *testing.T, _ *Server, l *line) {
		c := l.dial(t)
		c.send(post("/", ""))
		time.Sleep(10 * time.Minute)
		c.Close()
		if d := <-gone; d < 10*time.Minute || d > 11*time.Minute {
			t.Errorf("noticed after %v", d)
		}
	})
}

// What clients had kept for them is bounded, and given back when they rest: names
// of fields, buffers, maps.
func TestGivesMemoryBack(t *testing.T) {
	timed(t, func(w http.ResponseWriter, r *http.Request) {}, func(t *testing.T, _ *Server, l *line) {
		const clients = 50
		all := make([]*client, clients)
		for i := range all {
			all[i] = l.dial(t)
			all[i].send(post("/", strings.Repeat("x", maxBody)))
			all[i].answer()
		}
		before := held()
		for _, c := range all {
			for n := range 64 {
				c.send(fmt.Sprintf("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n%s-%d: x\r\n\r\n", strings.Repeat("n", 20<<10), n))
				c.answer()
			}
		}
		if now := held(); now > before+clients*maxKept {
			t.Errorf("%d bytes are held after long names, %d before", now, before)
		}
		time.Sleep(restAfter + slack)
		synctest.Wait()
		if now := held(); now > before-clients*(maxBody-3*firstRead) {
			t.Errorf("%d bytes are held at rest, %d after the bodies", now, before)
		}
	})
}

func held() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
