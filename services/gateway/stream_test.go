package gateway_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/aws/aws-sdk-go-v2/credentials"
	lambdasdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"millrace/runtime/fault"
	"millrace/services/gateway"
	"millrace/services/gateway/http1"
	"millrace/services/internal/wire"
	"millrace/services/internal/wire/wiretest/invoke"
	"millrace/services/internal/wire/wiretest/objects"
	"millrace/services/internal/wire/wiretest/tail"
)

// A store, a runner and a tailer are services that stream as they are told.
type store struct {
	objects.Unimplemented
	put func(context.Context, *objects.PutObjectInput) error
	get io.Reader
}

func (store) Model() *wire.Service { return objects.Service }

func (s store) PutObject(ctx context.Context, in *objects.PutObjectInput) (*objects.PutObjectOutput, error) {
	return &objects.PutObjectOutput{ETag: new("e")}, s.put(ctx, in)
}

func (s store) GetObject(context.Context, *objects.GetObjectInput) (*objects.GetObjectOutput, error) {
	return &objects.GetObjectOutput{Body: s.get}, nil
}

type runner struct{ invoke.Unimplemented }

func (runner) Model() *wire.Service { return invoke.Service }

func (runner) InvokeWithResponseStream(_ context.Context, in *invoke.InvokeWithResponseStreamInput) (*invoke.InvokeWithResponseStreamOutput, error) {
	type event = invoke.InvokeWithResponseStreamResponseEvent
	return &invoke.InvokeWithResponseStreamOutput{StatusCode: new(int32(200)), ExecutedVersion: new("$LATEST"), EventStream: func(yield func(*event, error) bool) {
		for part := range strings.FieldsSeq(string(in.Payload)) {
			if !yield(&event{PayloadChunk: &invoke.InvokeResponseStreamUpdate{Payload: []byte(part)}}, nil) {
				return
			}
		}
		yield(&event{InvokeComplete: &invoke.InvokeWithResponseStreamCompleteEvent{LogResult: new("log")}}, nil)
	}}, nil
}

type tailer struct {
	tail.Unimplemented
	more  chan string  // what to send
	ended chan error   // gets why the context ended
	after func() error // of the events
}

func (tailer) Model() *wire.Service { return tail.Service }

func (t tailer) StartLiveTail(ctx context.Context, _ *tail.StartLiveTailInput) (*tail.StartLiveTailOutput, error) {
	type event = tail.StartLiveTailResponseStream
	return &tail.StartLiveTailOutput{ResponseStream: func(yield func(*event, error) bool) {
		for {
			select {
			case text, ok := <-t.more:
				if !ok {
					yield(nil, t.after())
					return
				}
				if !yield(&event{SessionStart: &tail.LiveTailSessionStart{RequestId: &text}}, nil) {
					return
				}
			case <-ctx.Done():
				t.ended <- ctx.Err()
				return
			}
		}
	}}, nil
}

// listening serves services on loopback, by the loop with net/http behind it.
func listening(t *testing.T, services ...gateway.Service) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, l, services...)
	return l.Addr().String()
}

func serve(t *testing.T, l net.Listener, services ...gateway.Service) {
	g := gateway.New(gateway.Config{Services: services, Own: http.NotFoundHandler(), Account: "000000000000", Region: "us-east-1"})
	s := http1.New(&http.Server{Handler: g, ReadHeaderTimeout: time.Minute})
	over := make(chan struct{})
	go func() { defer close(over); s.Serve(l) }()
	t.Cleanup(func() { s.Close(); <-over })
}

// A talk is a connection on which a test says and hears HTTP word by word.
type talk struct {
	net.Conn
	*bufio.Reader
	t *testing.T
}

func dial(t *testing.T, address string) talk {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return talk{c, bufio.NewReader(c), t}
}

func (c talk) Read(p []byte) (int, error) { return c.Reader.Read(p) }

func (c talk) say(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

func (c talk) hear() (*http.Response, string) {
	c.t.Helper()
	resp, err := http.ReadResponse(c.Reader, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("%d %q: %v", resp.StatusCode, body, err)
	}
	return resp, string(body)
}

const put = "PUT /bucket/key HTTP/1.1\r\nHost: s3.localhost\r\n"

// An operation has the first piece of its body before the client sends the next.
func TestABodyStreamsIn(t *testing.T) {
	pieces := make(chan string)
	c := dial(t, listening(t, store{put: func(_ context.Context, in *objects.PutObjectInput) error {
		buf := make([]byte, 10)
		for {
			n, err := in.Body.Read(buf)
			if n > 0 {
				pieces <- string(buf[:n])
			}
			if err != nil {
				close(pieces)
				return nil
			}
		}
	}}))
	c.say(put + "Transfer-Encoding: chunked\r\n\r\n")
	for _, piece := range []string{"one", "two", "three"} {
		c.say(fmt.Sprintf("%x\r\n%s\r\n", len(piece), piece))
		if got := <-pieces; got != piece {
			t.Errorf("read %q, want %q", got, piece)
		}
	}
	c.say("0\r\n\r\n")
	if resp, _ := c.hear(); resp.StatusCode != 200 || resp.Header.Get("Etag") != "e" || resp.Close {
		t.Errorf("got %v", resp)
	}
}

func readAll(_ context.Context, in *objects.PutObjectInput) error {
	_, err := io.Copy(io.Discard, in.Body)
	return err
}

func readNothing(context.Context, *objects.PutObjectInput) error { return nil }

func refuse(context.Context, *objects.PutObjectInput) error {
	return &wire.Error{Code: "AccessDenied", Status: 403}
}

func readSome(_ context.Context, in *objects.PutObjectInput) error {
	_, err := io.ReadFull(in.Body, make([]byte, 10))
	return err
}

// What an operation leaves of its body does not keep the answer back, and does not
// come for the next request.
func TestABodyThatIsNotReadToItsEnd(t *testing.T) {
	long := 4 << 20
	for _, c := range []struct {
		rule, head, body string
		put              func(context.Context, *objects.PutObjectInput) error
		status           int
		contains         string
		goesOn           bool
	}{
		{"all of a long one", fmt.Sprintf("Content-Length: %d\r\n", long), strings.Repeat("x", long), readAll, 200, "", true},
		{"nothing of a short one", "Content-Length: 4\r\n", "body", readNothing, 200, "", true},
		{"nothing of a short one, in chunks", "Transfer-Encoding: chunked\r\n", "4\r\nbody\r\n0\r\n\r\n", readNothing, 200, "", true},
		{"some of a short one", "Content-Length: 20\r\n", strings.Repeat("x", 20), readSome, 200, "", true},
		{"nothing of a long one", fmt.Sprintf("Content-Length: %d\r\n", long), strings.Repeat("x", long), readNothing, 200, "", false},
		{"some of a long one", fmt.Sprintf("Content-Length: %d\r\n", long), strings.Repeat("x", long), readSome, 200, "", false},
		{"refused", fmt.Sprintf("Content-Length: %d\r\n", long), strings.Repeat("x", long), refuse, 403, "<Code>AccessDenied</Code>", false},
		{"no body", "Content-Length: 0\r\n", "", readAll, 200, "", true},
		{"no body at all", "", "", readAll, 200, "", true},
		{"over the limit", fmt.Sprintf("Content-Length: %d\r\n", 5<<30+1), strings.Repeat("x", long), readAll, 413, "Request must be smaller than 5368709120 bytes", false},
		{"chunks that are none", "Transfer-Encoding: chunked\r\n", "zz\r\n", readAll, 400, "MalformedHttpRequest", false},
		{"a client that waits, and is not asked", fmt.Sprintf("Expect: 100-continue\r\nContent-Length: %d\r\n", long), "", refuse, 403, "<Code>AccessDenied</Code>", false},
	} {
		conn := dial(t, listening(t, store{put: c.put}))
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			conn.say(put + c.head + "\r\n" + c.body)
		}()
		resp, body := conn.hear()
		<-sent
		if resp.StatusCode != c.status || !strings.Contains(body, c.contains) || resp.Close == c.goesOn {
			t.Errorf("%s: %d %s, closes %v", c.rule, resp.StatusCode, body, resp.Close)
		}
		if c.goesOn {
			conn.say(put + "Content-Length: 10\r\n\r\n0123456789")
			if resp, _ := conn.hear(); resp.StatusCode != 200 {
				t.Errorf("%s: then %d", c.rule, resp.StatusCode)
			}
		}
	}
}

func TestAClientThatWaitsIsAskedForItsBody(t *testing.T) {
	c := dial(t, listening(t, store{put: readAll}))
	c.say(put + "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n")
	if resp, err := http.ReadResponse(c.Reader, nil); err != nil || resp.StatusCode != 100 {
		t.Fatalf("%v, %v", resp, err)
	}
	c.say("body")
	if resp, _ := c.hear(); resp.StatusCode != 200 {
		t.Errorf("got %d", resp.StatusCode)
	}
}

// A client that goes away in the middle of a body, and one that stops sending.
func TestABodyThatEndsEarly(t *testing.T) {
	failed := make(chan error, 1)
	service := store{put: func(ctx context.Context, in *objects.PutObjectInput) error {
		err := readAll(ctx, in)
		failed <- err
		return err
	}}
	c := dial(t, listening(t, service))
	c.say(put + "Content-Length: 10\r\n\r\nbody")
	c.Conn.Close()
	if err := <-failed; fault.Of(err) != fault.Canceled {
		t.Errorf("gone: %v", err)
	}
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		l := &once{conn: theirs, shut: make(chan struct{})}
		serve(t, l, service)
		c, began := talk{ours, bufio.NewReader(ours), t}, time.Now()
		c.say(put + "Content-Length: 10\r\n\r\nbody")
		resp, body := c.hear()
		if resp.StatusCode != 408 || !strings.Contains(body, "RequestTimeout") || !resp.Close {
			t.Errorf("stuck: %d %s", resp.StatusCode, body)
		}
		if err := <-failed; fault.Of(err) != fault.Canceled {
			t.Errorf("stuck: %v", err)
		}
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("stuck for %v", took)
		}
		ours.Close()
	})
}

// A lazy reader has its second piece only when it is asked for.
type lazy struct {
	pieces chan string
	err    error
}

func (l lazy) Read(p []byte) (int, error) {
	piece, ok := <-l.pieces
	if !ok {
		return 0, l.err
	}
	return copy(p, piece), nil
}

const get = "GET /bucket/key HTTP/1.1\r\nHost: s3.localhost\r\n\r\n"

func TestAnAnswerStreamsOut(t *testing.T) {
	for _, end := range []error{io.EOF, errors.New("lost")} {
		src := lazy{make(chan string), end}
		c := dial(t, listening(t, store{get: src}))
		c.say(get)
		src.pieces <- "one"
		resp, err := http.ReadResponse(c.Reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 3)
		if _, err := io.ReadFull(resp.Body, buf); string(buf) != "one" || err != nil {
			t.Fatalf("got %q, %v before there was more", buf, err)
		}
		src.pieces <- "two"
		close(src.pieces)
		rest, err := io.ReadAll(resp.Body)
		if string(rest) != "two" || (err == nil) != (end == io.EOF) {
			t.Errorf("after %v: %q, %v", end, rest, err)
		}
	}
}

const live = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: Logs_20140328.StartLiveTail\r\nContent-Length: 2\r\n\r\n{}"

// next reads the next event of a stream.
func next(t *testing.T, r io.Reader) string {
	t.Helper()
	m, err := eventstream.NewDecoder().Decode(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{":event-type", ":exception-type", ":error-code"} {
		if v := m.Headers.Get(name); v != nil {
			return v.String() + " " + string(m.Payload)
		}
	}
	return ""
}

// Events come one by one, on a connection that the loop served until then.
func TestEventsStreamOut(t *testing.T) {
	for want, end := range map[string]error{
		`SessionTimeoutException {"message":"over"}`: tail.ErrSessionTimeoutException("over"),
		"InternalFailure ":                           errors.New("secret cause"),
		"RequestTimeout ":                            fault.New(fault.Timeout, "too slow"),
	} {
		service := tailer{more: make(chan string), after: func() error { return end }}
		c := dial(t, listening(t, service))
		c.say(strings.Replace(live, "StartLiveTail", "DescribeLogGroups", 1))
		if resp, _ := c.hear(); resp.StatusCode != 501 {
			t.Fatalf("got %d", resp.StatusCode)
		}
		c.say(live)
		resp, err := http.ReadResponse(c.Reader, nil)
		if err != nil || resp.Header.Get("Content-Type") != "application/vnd.amazon.eventstream" {
			t.Fatalf("%v, %v", resp, err)
		}
		if got := next(t, resp.Body); got != "initial-response {}" {
			t.Errorf("got %s", got)
		}
		for _, text := range []string{"a", "b"} {
			service.more <- text
			if got := next(t, resp.Body); got != `sessionStart {"requestId":"`+text+`"}` {
				t.Errorf("got %s", got)
			}
		}
		close(service.more)
		if got := next(t, resp.Body); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if rest, err := io.ReadAll(resp.Body); len(rest) > 0 || err != nil {
			t.Errorf("then %q, %v", rest, err)
		}
	}
}

func TestAStreamOfEventsEndsWithItsClient(t *testing.T) {
	service := tailer{more: make(chan string), ended: make(chan error)}
	c := dial(t, listening(t, service))
	c.say(live)
	if _, err := http.ReadResponse(c.Reader, nil); err != nil {
		t.Fatal(err)
	}
	c.Conn.Close()
	if err := <-service.ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the context ended with %v", err)
	}
}

// A client that takes nothing of what is sent ends its stream.
func TestAClientThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		service := tailer{more: make(chan string), ended: make(chan error, 1)}
		serve(t, &once{conn: theirs, shut: make(chan struct{})}, service)
		began := time.Now()
		talk{ours, nil, t}.say(live)
		time.Sleep(time.Hour)
		synctest.Wait()
		if n, err := ours.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("after %v there is more: %d bytes, %v", time.Since(began), n, err)
		}
	})
}

func TestAWSClientReadsEvents(t *testing.T) {
	client := lambdasdk.New(lambdasdk.Options{
		BaseEndpoint: aws.String("http://" + listening(t, runner{})), Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	out, err := client.InvokeWithResponseStream(t.Context(), &lambdasdk.InvokeWithResponseStreamInput{FunctionName: aws.String("f"), Payload: []byte("one two three")})
	if err != nil {
		t.Fatal(err)
	}
	events := out.GetStream()
	var got []string
	for event := range events.Events() {
		switch event := event.(type) {
		case *types.InvokeWithResponseStreamResponseEventMemberPayloadChunk:
			got = append(got, string(event.Value.Payload))
		case *types.InvokeWithResponseStreamResponseEventMemberInvokeComplete:
			got = append(got, aws.ToString(event.Value.LogResult))
		}
	}
	if err := errors.Join(events.Err(), events.Close()); err != nil || strings.Join(got, " ") != "one two three log" || aws.ToString(out.ExecutedVersion) != "$LATEST" {
		t.Errorf("got %q of version %s, %v", got, aws.ToString(out.ExecutedVersion), err)
	}
}

// The gateway tells who serves a connection what streams, by the head alone.
func TestStreams(t *testing.T) {
	g := gateway.New(gateway.Config{Services: []gateway.Service{sink{}, store{}, runner{}, tailer{}}})
	none := gateway.New(gateway.Config{Services: []gateway.Service{sink{}}})
	for _, c := range []struct {
		method, path, target string
		want                 bool
	}{
		{"POST", "/", "AmazonSQS.SendMessage", false},
		{"POST", "/", "Logs_20140328.DescribeLogGroups", false},
		{"POST", "/", "Logs_20140328.StartLiveTail", true},
		{"POST", "/service/Logs_20140328/operation/StartLiveTail", "", true},
		{"POST", "/service/Logs_20140328/operation/DescribeLogGroups", "", false},
		{"POST", "/", "", false},
		{"POST", "/2015-03-31/functions/f/invocations", "", false},
		{"POST", "/2021-11-15/functions/f/response-streaming-invocations", "", true},
		{"PUT", "/bucket/key", "", true},
		{"POST", "/bucket/key?select&select-type=2", "", true},
		{"POST", "/000000000000/queue", "", false},
	} {
		r, err := http.NewRequest(c.method, "http://localhost"+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Target", c.target)
		if got := g.Streams(r); got != c.want {
			t.Errorf("%s %s %s: %v, want %v", c.method, c.path, c.target, got, c.want)
		}
		if none.Streams(r) {
			t.Errorf("%s %s %s streams where nothing does", c.method, c.path, c.target)
		}
	}
}
