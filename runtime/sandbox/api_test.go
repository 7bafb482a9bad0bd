//go:build unix

package sandbox

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"millrace/test/needs"
)

// A client plays the runtime of a function.
type client struct {
	t   *testing.T
	api *runtimeAPI
}

func (c client) do(method, path string, body io.Reader, header ...string) *http.Response {
	c.t.Helper()
	r := httptest.NewRequest(method, "/2018-06-01/runtime/"+path, body)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	c.api.handler().ServeHTTP(w, r)
	return w.Result()
}

func (c client) want(res *http.Response, status int, body string) {
	c.t.Helper()
	got, _ := io.ReadAll(res.Body)
	if res.StatusCode != status || strings.TrimSpace(string(got)) != body {
		c.t.Errorf("%s %s\nwant %d %s", res.Status, got, status, body)
	}
}

func (c client) signal(kind kind, payload string) {
	c.t.Helper()
	select {
	case s := <-c.api.signalCh:
		if s.kind != kind || string(s.payload) != payload {
			c.t.Errorf("signal %d %s, want %d %s", s.kind, s.payload, kind, payload)
		}
	default:
		c.t.Errorf("no signal, want %d %s", kind, payload)
	}
}

// inEvent returns a runtime that has been given the event "a".
func inEvent(t *testing.T) client {
	c := client{t, newRuntimeAPI()}
	done := make(chan *http.Response)
	go func() { done <- c.do("GET", "invocation/next", nil) }()
	c.signalReady()
	c.api.deliver(event{Request{ID: "a", Payload: []byte(`{"n":1}`), InvokedARN: "arn:f"}, time.UnixMilli(1700000000123)})
	c.want(<-done, 200, `{"n":1}`)
	return c
}

func (c client) signalReady() {
	if s := <-c.api.signalCh; s.kind != isReady {
		c.t.Fatalf("signal %d, want ready", s.kind)
	}
}

const (
	accepted   = `{"status":"OK"}`
	invalidID  = `{"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}`
	invalidFmt = `{"errorType":"InvalidStateTransition","errorMessage":"State transition from %FROM to %TO failed for runtime. Error: State transition is not allowed"}`
)

func invalid(from state, to step) string {
	return strings.NewReplacer("%FROM", string(from), "%TO", string(to)).Replace(invalidFmt)
}

func TestEventIsHandedOver(t *testing.T) {
	c := client{t, newRuntimeAPI()}
	done := make(chan *http.Response)
	go func() { done <- c.do("GET", "invocation/next", nil) }()
	c.signalReady()
	c.api.deliver(event{Request{ID: "a", Payload: []byte("7"), InvokedARN: "arn:f", TraceHeader: "Root=1", ClientContext: `{"k":1}`}, time.UnixMilli(1700000000123)})
	got := (<-done).Header
	for k, want := range map[string]string{
		"Lambda-Runtime-Aws-Request-Id":       "a",
		"Lambda-Runtime-Deadline-Ms":          "1700000000123",
		"Lambda-Runtime-Invoked-Function-Arn": "arn:f",
		"Lambda-Runtime-Trace-Id":             "Root=1",
		"Lambda-Runtime-Client-Context":       `{"k":1}`,
		"Content-Type":                        "application/json",
	} {
		if got.Get(k) != want {
			t.Errorf("%s is %q, want %q", k, got.Get(k), want)
		}
	}
}

func TestResponse(t *testing.T) {
	c := inEvent(t)
	c.want(c.do("POST", "invocation/a/response", strings.NewReader("8")), 202, accepted)
	c.signal(isAnswer, "8")
	c.want(c.do("POST", "invocation/a/response", strings.NewReader("8")), 400, invalidID)
	c.want(c.do("POST", "invocation/a/error", strings.NewReader("8")), 400, invalidID)
}

func TestResponseOfUnknownLength(t *testing.T) {
	c := inEvent(t)
	c.want(c.do("POST", "invocation/a/response", io.MultiReader(strings.NewReader("8")), "Lambda-Runtime-Function-Response-Mode", "streaming"), 202, accepted)
	c.signal(isAnswer, "8")
}

func TestErrorResponse(t *testing.T) {
	c := inEvent(t)
	c.want(c.do("POST", "invocation/a/error", strings.NewReader(`{"errorType":"E"}`)), 202, accepted)
	c.signal(isAnswer, `{"errorType":"E"}`)
}

func TestResponseTooLarge(t *testing.T) {
	needs.Time(t)
	for rule, body := range map[string]io.Reader{
		"length known":   bytes.NewReader(make([]byte, maxPayload+1)),
		"length unknown": io.MultiReader(bytes.NewReader(make([]byte, 2*maxPayload))),
	} {
		t.Run(rule, func(t *testing.T) {
			c := inEvent(t)
			c.want(c.do("POST", "invocation/a/response", body), 413,
				`{"errorType":"RequestEntityTooLarge","errorMessage":"Exceeded maximum allowed payload size (6291556 bytes)."}`)
			c.signal(isAnswer, string(failTooLarge.json()))
		})
	}
}

func TestResponseThatBreaksOff(t *testing.T) {
	c := inEvent(t)
	r := httptest.NewRequest("POST", "/2018-06-01/runtime/invocation/a/response", strings.NewReader("1234"))
	r.ContentLength = 10
	w := httptest.NewRecorder()
	c.api.handler().ServeHTTP(w, r)
	c.want(w.Result(), 400, `{"errorType":"TruncatedHTTPRequest","errorMessage":"HTTP request detected as truncated"}`)
	c.signal(isAnswer, `{"errorType":"Runtime.TruncatedResponse","errorMessage":""}`)
}

func TestResponseInUnknownMode(t *testing.T) {
	c := inEvent(t)
	c.want(c.do("POST", "invocation/a/response", strings.NewReader("8"), "Lambda-Runtime-Function-Response-Mode", "telepathy"), 400,
		`{"errorType":"InvalidFunctionResponseMode","errorMessage":"Invalid function response mode"}`)
}

// A stream that fails half way says so in trailers, and is an error then.
func TestStreamThatFails(t *testing.T) {
	c := inEvent(t)
	server := httptest.NewServer(c.api.handler())
	defer server.Close()
	req, _ := http.NewRequest("POST", server.URL+"/2018-06-01/runtime/invocation/a/response", io.MultiReader(strings.NewReader("half")))
	req.Trailer = http.Header{"Lambda-Runtime-Function-Error-Type": {"E"}, "Lambda-Runtime-Function-Error-Body": {"eyJlcnJvclR5cGUiOiJFIn0="}}
	res, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	c.want(res, 202, accepted)
	s := <-c.api.signalCh
	if string(s.payload) != `{"errorType":"E"}` || !s.failed {
		t.Errorf("answer %s, failed %v", s.payload, s.failed)
	}
}

func TestWrongOrder(t *testing.T) {
	t.Run("answer before any event", func(t *testing.T) {
		c := client{t, newRuntimeAPI()}
		c.want(c.do("POST", "invocation/a/response", nil), 400, invalidID)
	})
	t.Run("answer to another event", func(t *testing.T) {
		c := inEvent(t)
		c.want(c.do("POST", "invocation/b/response", nil), 400, invalidID)
	})
	t.Run("init error after next", func(t *testing.T) {
		c := inEvent(t)
		c.want(c.do("POST", "init/error", nil), 403, invalid(running, stepInitError))
	})
	t.Run("next after init error", func(t *testing.T) {
		c := client{t, newRuntimeAPI()}
		c.want(c.do("POST", "init/error", strings.NewReader(`{"errorType":"E"}`)), 202, accepted)
		c.signal(isInitError, `{"errorType":"E"}`)
		c.want(c.do("GET", "invocation/next", nil), 403, invalid(initFailed, stepNext))
	})
}

// AWS's emulator hands an event over again to a runtime that has not answered
// it, as after a lost connection.
func TestNextWithoutAnswerGetsTheSameEvent(t *testing.T) {
	c := inEvent(t)
	c.want(c.do("GET", "invocation/next", nil), 200, `{"n":1}`)
	c.want(c.do("POST", "invocation/a/response", strings.NewReader("8")), 202, accepted)
	c.signal(isAnswer, "8")
}

func TestNextEndsWithItsClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := client{t, newRuntimeAPI()}
		ctx, leave := context.WithCancel(t.Context())
		r := httptest.NewRequestWithContext(ctx, "GET", "/2018-06-01/runtime/invocation/next", nil)
		done := make(chan struct{})
		go func() { defer close(done); c.api.handler().ServeHTTP(httptest.NewRecorder(), r) }()
		synctest.Wait()
		leave()
		<-done
	})
}

// The address is the one that the process is given.
func TestProcessServesItsAddressOnly(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &process{runtimeAPI: newRuntimeAPI()}
	g.listen(l)
	defer g.serve.Wait()
	defer g.server.Close()
	for host, status := range map[string]int{l.Addr().String(): 202, "evil.example": 403} {
		r, err := http.NewRequest("POST", "http://"+l.Addr().String()+"/2018-06-01/runtime/init/error", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != status {
			t.Errorf("%s: status %d, want %d", host, answer.StatusCode, status)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestStrangersAreRefused(t *testing.T) {
	const host = "127.0.0.1:9001"
	for _, c := range []struct {
		rule, host, origin string
		status             int
	}{
		{"the process", host, "", 202},
		{"a name that resolves to us", "evil.example:9001", "", 403},
		{"a name of ours", "localhost:9001", "", 403},
		{"no port", "127.0.0.1", "", 403},
		{"a page", host, "https://evil.example", 403},
		{"a page of no origin", host, "null", 403},
		{"a page of ours", host, "http://" + host, 403},
	} {
		t.Run(c.rule, func(t *testing.T) {
			api := newRuntimeAPI()
			r := httptest.NewRequest("POST", "http://"+c.host+"/2018-06-01/runtime/init/error", strings.NewReader("{}"))
			if c.origin != "" {
				r.Header.Set("Origin", c.origin)
			}
			w := httptest.NewRecorder()
			onlyFor(host, api.handler()).ServeHTTP(w, r)
			if w.Code != c.status || (len(api.signalCh) == 1) != (c.status == 202) {
				t.Errorf("status %d, %d signals", w.Code, len(api.signalCh))
			}
		})
	}
}
