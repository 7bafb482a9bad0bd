package wire_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/google/go-cmp/cmp"

	"millrace/services/internal/wire"
	"millrace/services/internal/wire/wiretest/invoke"
	"millrace/services/internal/wire/wiretest/objects"
	"millrace/services/internal/wire/wiretest/tail"
)

// answered is what an operation's result looks like on the wire.
func answered(t *testing.T, p wire.Protocol, s *wire.Service, op string, r *wire.Request, out any) (*httptest.ResponseRecorder, error) {
	t.Helper()
	if r.HTTP == nil {
		r.HTTP = httptest.NewRequest("POST", "/", nil)
	}
	w := httptest.NewRecorder()
	err := wire.EncodeResult(w, p, s, s.Operation(op), r, "id", out)
	name := "X-Amzn-Requestid"
	if p == wire.RestXML {
		name = "X-Amz-Request-Id"
	}
	if got := w.Header().Get(name); got != "id" {
		t.Errorf("request id %q", got)
	}
	return w, err
}

func TestInputThatStreams(t *testing.T) {
	r := httptest.NewRequest("PUT", "/bucket/a/b", strings.NewReader("body"))
	r.Header.Set("Content-Length", "4")
	r.Header.Set("X-Amz-Meta-Kind", "text")
	req := &wire.Request{HTTP: r, Stream: r.Body}
	op, name := wire.RestXML.Find(objects.Service, req)
	if name != "PutObject" || !op.StreamIn || op.StreamOut || op.MaxBody != 5<<30 {
		t.Fatalf("found %s, %+v", name, op)
	}
	in := op.NewInput().(*objects.PutObjectInput)
	if err := wire.Decode(wire.RestXML, op, req, in); err != nil {
		t.Fatal(err)
	}
	if err := wire.Validate(op, in); err != nil {
		t.Error(err)
	}
	if *in.Bucket != "bucket" || *in.Key != "a/b" || *in.ContentLength != 4 || in.Metadata["kind"] != "text" || in.Body != io.Reader(r.Body) {
		t.Errorf("got %+v", in)
	}
	if body, err := io.ReadAll(in.Body); string(body) != "body" || err != nil {
		t.Errorf("read %q, %v", body, err)
	}
	none := op.NewInput().(*objects.PutObjectInput)
	if err := wire.Decode(wire.RestXML, op, &wire.Request{HTTP: r, Labels: req.Labels}, none); err != nil || none.Body != nil {
		t.Errorf("no body: %v, %v", none.Body, err)
	}
}

// A source is a reader that remembers being closed.
type source struct {
	io.Reader
	closed bool
}

func (s *source) Close() error { s.closed = true; return nil }

func TestOutputThatStreams(t *testing.T) {
	for _, c := range []struct {
		rule           string
		method         string
		length         int64 // 0 for unknown
		body           io.Reader
		want           string
		failed, pieces bool
	}{
		{"as it comes", "GET", 0, iotest.OneByteReader(strings.NewReader("abc")), "abc", false, true},
		{"of a known length", "GET", 3, strings.NewReader("abc"), "abc", false, false},
		{"nothing", "GET", 0, strings.NewReader(""), "", false, false},
		{"only its head", "HEAD", 3, strings.NewReader("abc"), "", false, false},
		{"that fails", "GET", 0, io.MultiReader(strings.NewReader("ab"), iotest.ErrReader(errors.New("lost"))), "ab", true, true},
	} {
		src := &source{Reader: c.body}
		out := &objects.GetObjectOutput{Body: src}
		if c.length > 0 {
			out.ContentLength = &c.length
		}
		w, err := answered(t, wire.RestXML, objects.Service, "GetObject", &wire.Request{HTTP: httptest.NewRequest(c.method, "/b/k", nil)}, out)
		if w.Body.String() != c.want || (err != nil) != c.failed || !src.closed || w.Flushed != c.pieces || w.Header().Get("Content-Type") != "application/octet-stream" {
			t.Errorf("%s: %q, %v, closed %v, flushed %v, %v", c.rule, w.Body, err, src.closed, w.Flushed, w.Header())
		}
	}
	w, err := answered(t, wire.RestXML, objects.Service, "GetObject", &wire.Request{}, &objects.GetObjectOutput{ContentType: new("text/plain")})
	if err != nil || w.Body.Len() > 0 || w.Header().Get("Content-Type") != "text/plain" || w.Header().Get("Content-Length") != "0" {
		t.Errorf("no body: %q, %v, %v", w.Body, w.Header(), err)
	}
}

// events reads a stream of events with AWS's own decoder, a line for each.
func events(t *testing.T, body []byte) (lines []string) {
	t.Helper()
	in := bytes.NewReader(body)
	d := eventstream.NewDecoder()
	for in.Len() > 0 {
		m, err := d.Decode(in, nil)
		if err != nil {
			t.Fatalf("after %q: %v", lines, err)
		}
		var line strings.Builder
		for _, h := range m.Headers {
			fmt.Fprintf(&line, "%s=%v ", h.Name, h.Value.Get())
		}
		lines = append(lines, line.String()+string(m.Payload))
	}
	return lines
}

// sequence is a stream of events that ends with an error, if there is one.
func sequence[E any](err error, all ...*E) iter.Seq2[*E, error] {
	return func(yield func(*E, error) bool) {
		for _, e := range all {
			if !yield(e, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

func TestEvents(t *testing.T) {
	type live = tail.StartLiveTailResponseStream
	timeout := tail.ErrSessionTimeoutException("too long")
	start := &live{SessionStart: &tail.LiveTailSessionStart{RequestId: new("r")}}
	at := time.UnixMilli(1700000000123)
	for _, c := range []struct {
		rule     string
		protocol wire.Protocol
		service  *wire.Service
		op       string
		out      any
		want     []string
	}{
		{"bytes, and a document in JSON", wire.RestJSON, invoke.Service, "InvokeWithResponseStream", &invoke.InvokeWithResponseStreamOutput{
			ExecutedVersion: new("1"),
			EventStream: sequence(nil,
				&invoke.InvokeWithResponseStreamResponseEvent{PayloadChunk: &invoke.InvokeResponseStreamUpdate{Payload: []byte("a\x00b")}},
				&invoke.InvokeWithResponseStreamResponseEvent{PayloadChunk: &invoke.InvokeResponseStreamUpdate{}},
				&invoke.InvokeWithResponseStreamResponseEvent{InvokeComplete: &invoke.InvokeWithResponseStreamCompleteEvent{ErrorCode: new("E")}}),
		}, []string{
			":message-type=event :event-type=PayloadChunk :content-type=application/octet-stream a\x00b",
			":message-type=event :event-type=PayloadChunk ",
			`:message-type=event :event-type=InvokeComplete :content-type=application/json {"ErrorCode":"E"}`,
		}},
		{"documents in XML, and nothing", wire.RestXML, objects.Service, "SelectObjectContent", &objects.SelectObjectContentOutput{
			Payload: sequence(nil,
				&objects.SelectObjectContentEventStream{Records: &objects.RecordsEvent{Payload: []byte("1,2\n")}},
				&objects.SelectObjectContentEventStream{Stats: &objects.StatsEvent{Details: &objects.Stats{BytesScanned: new(int64(4))}}},
				&objects.SelectObjectContentEventStream{End: &objects.EndEvent{}}),
		}, []string{
			":message-type=event :event-type=Records :content-type=application/octet-stream 1,2\n",
			":message-type=event :event-type=Stats :content-type=application/xml <?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Details><BytesScanned>4</BytesScanned></Details>",
			":message-type=event :event-type=End ",
		}},
		{"in awsJson what is no event comes first", wire.AWSJSON, tail.Service, "StartLiveTail", &tail.StartLiveTailOutput{SessionId: new("s"), ResponseStream: sequence(nil, start)}, []string{
			`:message-type=event :event-type=initial-response :content-type=application/json {"sessionId":"s"}`,
			`:message-type=event :event-type=sessionStart :content-type=application/json {"requestId":"r"}`,
		}},
		{"and in CBOR", wire.CBOR, tail.Service, "StartLiveTail", &tail.StartLiveTailOutput{ResponseStream: sequence(nil, start)}, []string{
			":message-type=event :event-type=initial-response :content-type=application/cbor \xbf\xff",
			":message-type=event :event-type=sessionStart :content-type=application/cbor \xbf\x69requestId\x61r\xff",
		}},
		{"headers of each type", wire.RestJSON, tail.Service, "StartLiveTail", &tail.StartLiveTailOutput{ResponseStream: sequence(nil, &live{SessionMarks: &tail.LiveTailSessionMarks{
			Flag: new(true), Number: new(int32(-2)), Count: new(int64(1 << 40)), Bytes: []byte{1, 2}, Text: new("t"), Time: &at, Note: new("n"),
		}})}, []string{
			":message-type=event :event-type=sessionMarks bytes=[1 2] count=1099511627776 flag=true number=-2 text=t time=" + at.UTC().String() + " :content-type=text/plain n",
		}},
		{"no events", wire.RestJSON, tail.Service, "StartLiveTail", &tail.StartLiveTailOutput{}, nil},
		{"an exception of the model", wire.AWSJSON, tail.Service, "StartLiveTail", &tail.StartLiveTailOutput{ResponseStream: sequence(fmt.Errorf("tailing: %w", timeout), start)}, []string{
			`:message-type=event :event-type=initial-response :content-type=application/json {}`,
			`:message-type=event :event-type=sessionStart :content-type=application/json {"requestId":"r"}`,
			`:message-type=exception :exception-type=SessionTimeoutException :content-type=application/json {"message":"too long"}`,
		}},
		{"the same in CBOR", wire.CBOR, tail.Service, "StartLiveTail", &tail.StartLiveTailOutput{ResponseStream: sequence[live](timeout)}, []string{
			":message-type=event :event-type=initial-response :content-type=application/cbor \xbf\xff",
			":message-type=exception :exception-type=SessionTimeoutException :content-type=application/cbor \xbf\x67message\x68too long\xff",
		}},
		{"an error that is none of the stream's", wire.RestJSON, tail.Service, "StartLiveTail", &tail.StartLiveTailOutput{ResponseStream: sequence[live](&wire.Error{Code: "Throttled", Message: strings.Repeat("x", 40000)})}, []string{
			":message-type=error :error-code=Throttled :error-message=" + strings.Repeat("x", 1<<15-1) + " ",
		}},
		{"an error that the caller translates", wire.RestJSON, tail.Service, "StartLiveTail", &tail.StartLiveTailOutput{ResponseStream: sequence[live](io.ErrNoProgress)}, []string{
			":message-type=error :error-code=Translated :error-message=" + io.ErrNoProgress.Error() + " ",
		}},
		{"an event that is none", wire.RestJSON, tail.Service, "StartLiveTail", &tail.StartLiveTailOutput{ResponseStream: sequence(nil, &live{})}, []string{
			":message-type=error :error-code=Translated :error-message=an event of a stream has no field that is set ",
		}},
		{"a header that is too long", wire.RestJSON, tail.Service, "StartLiveTail", &tail.StartLiveTailOutput{ResponseStream: sequence(nil, &live{SessionMarks: &tail.LiveTailSessionMarks{Text: new(strings.Repeat("x", 1<<15))}})}, []string{
			":message-type=error :error-code=Translated :error-message=a header of an event is too long ",
		}},
	} {
		w, err := answered(t, c.protocol, c.service, c.op, &wire.Request{Translate: func(err error) *wire.Error {
			return &wire.Error{Code: "Translated", Message: err.Error()}
		}}, c.out)
		if err != nil || w.Code != 200 || !w.Flushed || w.Header().Get("Content-Type") != "application/vnd.amazon.eventstream" || w.Header().Get("Content-Length") != "" {
			t.Errorf("%s: %d, %v, flushed %v, %v", c.rule, w.Code, w.Header(), w.Flushed, err)
		}
		if diff := cmp.Diff(c.want, events(t, w.Body.Bytes())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.rule, diff)
		}
	}
}

// A deaf client takes nothing.
type deaf struct{ *httptest.ResponseRecorder }

func (deaf) Write([]byte) (int, error) { return 0, http.ErrHandlerTimeout }

func TestEventsEndWithTheirClient(t *testing.T) {
	yielded := 0
	out := &invoke.InvokeWithResponseStreamOutput{EventStream: func(yield func(*invoke.InvokeWithResponseStreamResponseEvent, error) bool) {
		for yielded++; yield(&invoke.InvokeWithResponseStreamResponseEvent{PayloadChunk: &invoke.InvokeResponseStreamUpdate{}}, nil); yielded++ {
		}
	}}
	err := wire.EncodeResult(deaf{httptest.NewRecorder()}, wire.RestJSON, invoke.Service, invoke.Service.Operation("InvokeWithResponseStream"), &wire.Request{}, "id", out)
	if !errors.Is(err, http.ErrHandlerTimeout) || yielded != 1 {
		t.Errorf("%d events, %v", yielded, err)
	}
}

// Whatever an event holds, AWS's decoder reads it.
func FuzzEvents(f *testing.F) {
	f.Add("text", []byte("bytes"), int64(1), "note")
	f.Fuzz(func(t *testing.T, text string, data []byte, n int64, note string) {
		if len(text) > 1<<14 || len(data) > 1<<14 {
			t.Skip()
		}
		marks := &tail.LiveTailSessionMarks{Text: &text, Bytes: append([]byte{}, data...), Count: &n, Note: &note}
		w, err := answered(t, wire.AWSJSON, tail.Service, "StartLiveTail", &wire.Request{},
			&tail.StartLiveTailOutput{ResponseStream: sequence(nil, &tail.StartLiveTailResponseStream{SessionMarks: marks})})
		if err != nil {
			t.Fatal(err)
		}
		d, in := eventstream.NewDecoder(), bytes.NewReader(w.Body.Bytes())
		if _, err := d.Decode(in, nil); err != nil {
			t.Fatal(err)
		}
		m, err := d.Decode(in, nil)
		if err != nil || in.Len() > 0 || string(m.Payload) != note {
			t.Fatalf("%d bytes are left, payload %q, %v", in.Len(), m.Payload, err)
		}
		for name, want := range map[string]any{"text": text, "count": n} {
			if got := m.Headers.Get(name).Get(); got != want {
				t.Errorf("%s: %v, want %v", name, got, want)
			}
		}
		if got := m.Headers.Get("bytes").Get().([]byte); !slices.Equal(got, data) {
			t.Errorf("bytes: %v, want %v", got, data)
		}
	})
}
