package gateway

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	waits "millrace/test/patience"
)

func served(log *slog.Logger) *Gateway {
	return New(Config{
		Services: []Service{queues{list: func(context.Context) error { return nil }}, functions{}}, Own: http.NotFoundHandler(),
		Account: "000000000000", Region: "us-east-1", Log: log,
	})
}

// What is wrong with a body is told to whoever sends it, before the connection
// ends: also to a client that first sends all it has.
func TestBadBodies(t *testing.T) {
	s := httptest.NewServer(served(slog.New(slog.DiscardHandler)))
	defer s.Close()
	const list = "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AmazonSQS.ListQueues\r\nContent-Type: application/x-amz-json-1.0\r\n"
	const create = "POST /2015-03-31/functions HTTP/1.1\r\nHost: localhost\r\n"
	more := strings.Repeat("x", 4<<20)
	for _, c := range []struct {
		rule, request string
		status        int
		contains      string
	}{
		{"chunks", list + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 200, "{}"},
		{"no length of a chunk", list + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", 400, "MalformedHttpRequestException"},
		{"a chunk longer than its length", list + "Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n" + more, 400, "MalformedHttpRequestException"},
		{"a chunk of Lambda's", create + "Transfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n" + more, 400, "malformed"},
		{"a length over the limit, before the body", create + fmt.Sprintf("Content-Length: %d\r\n\r\n", createLimit+1), 413, "Request must be smaller than 70167211 bytes for CreateFunction"},
		{"and with the body", list + fmt.Sprintf("Content-Length: %d\r\n\r\n", createLimit+1) + more, 413, "Request must be smaller than 16777216 bytes"},
		{"and to a host that is not served", "POST / HTTP/1.1\r\nHost: sqs-emu\r\nX-Amz-Target: AmazonSQS.ListQueues\r\n" + fmt.Sprintf("Content-Length: %d\r\n\r\n", createLimit+1) + more, 403, "--allow-host sqs-emu"},
		{"and to a client that would wait", create + fmt.Sprintf("Expect: 100-continue\r\nContent-Length: %d\r\n\r\n", createLimit+1), 413, "Request must be smaller"},
	} {
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		over := make(chan struct{})
		go func() {
			defer close(over)
			if _, err := io.WriteString(conn, c.request); err != nil {
				t.Errorf("%s: sending: %v", c.rule, err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Errorf("%s: %v", c.rule, err)
				return
			}
			body, err := io.ReadAll(resp.Body)
			if resp.StatusCode != c.status || !strings.Contains(string(body), c.contains) || err != nil || resp.Close != (c.status != 200) {
				t.Errorf("%s: %d %v %s, %v", c.rule, resp.StatusCode, resp.Header, body, err)
			}
		}()
		waits.For(t, "the answer to "+c.rule, over, nil)
		conn.Close()
	}
}

// An upload may take any time while it goes on, and no longer.
func TestSlowBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, conn := net.Pipe()
		l := &once{conn: conn}
		s := &http.Server{Handler: served(slog.New(slog.DiscardHandler))}
		go s.Serve(l)
		defer s.Close()
		began, in := time.Now(), bufio.NewReader(client)
		send := func(text string) {
			if _, err := io.WriteString(client, text); err != nil {
				t.Fatal(err)
			}
		}
		const head = "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AmazonSQS.ListQueues\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: 20\r\n\r\n"
		send(head)
		for _, c := range `{"QueueNamePrefix":1` {
			time.Sleep(patience - time.Second)
			send(string(c))
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil || resp.StatusCode != 400 {
			t.Fatalf("a slow upload: %v, %v", resp, err)
		}
		io.Copy(io.Discard, resp.Body)

		time.Sleep(time.Hour) // no deadline of the body is left behind
		send(head + "{")
		if resp, err = http.ReadResponse(in, nil); err != nil || resp.StatusCode != 408 || !resp.Close {
			t.Fatalf("a stuck upload: %v, %v", resp, err)
		}
		io.Copy(io.Discard, resp.Body)
		if _, err := in.ReadByte(); err != io.EOF {
			t.Errorf("the connection goes on: %v", err)
		}
		if took := time.Since(began) - 20*(patience-time.Second) - time.Hour; took < patience || took > patience+lingering {
			t.Errorf("the stuck upload ended after %v", took)
		}
	})
}

// A once is a listener with one connection.
type once struct{ conn net.Conn }

func (o *once) Accept() (net.Conn, error) {
	if c := o.conn; c != nil {
		o.conn = nil
		return c, nil
	}
	return nil, net.ErrClosed
}

func (o *once) Close() error   { return nil }
func (o *once) Addr() net.Addr { return &net.TCPAddr{} }

// At level debug a call leaves one line, which holds no more than it should.
func TestCallsInTheLog(t *testing.T) {
	var out strings.Builder
	g := served(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	ask := func(r *http.Request) (id string) {
		out.Reset()
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		return w.Header().Get("X-Amzn-Requestid")
	}
	const secret = "AWS4-HMAC-SHA256 Credential=SECRETKEY/20261120/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=SECRET"
	for _, c := range []struct {
		request *http.Request
		want    string
	}{
		{newRequest("POST", "/", map[string]string{"X-Amz-Target": "AmazonSQS.ListQueues", "Authorization": secret}, strings.NewReader(`{"QueueNamePrefix":"SECRET"}`)),
			`msg=call service=SQS operation=ListQueues status=200 code="" ms=`},
		{newRequest("POST", "/", map[string]string{"X-Amz-Target": "AmazonSQS.SendMessage", "Authorization": secret}, strings.NewReader(`{"MessageBody":"SECRET"`)),
			`msg=call service=SQS operation=SendMessage status=400 code=SerializationException ms=`},
		{newRequest("POST", "/", map[string]string{"X-Amz-Target": "SECRET.Nope", "X-Amz-Security-Token": "SECRET"}, nil),
			`msg=call service="" operation="" status=404 code=UnknownOperationException ms=`},
	} {
		id := ask(c.request)
		if got := out.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, c.want) || !strings.Contains(got, "request="+id) || strings.Contains(got, "SECRET") {
			t.Errorf("got %s\nwant …%s", got, c.want)
		}
	}
	g.Log = slog.New(slog.NewTextHandler(&out, nil))
	if ask(newRequest("POST", "/", map[string]string{"X-Amz-Target": "AmazonSQS.ListQueues"}, strings.NewReader("{}"))); out.Len() > 0 {
		t.Errorf("at level info: %s", out.String())
	}
}
