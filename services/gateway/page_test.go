package gateway_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"millrace/services/gateway"
	"millrace/services/internal/identity"
	"millrace/services/internal/wire"
	"millrace/services/internal/wire/wiretest/objects"
)

// An open service lets in the pages of one origin, and looks at what comes.
type open struct {
	store
	looks *[]string
}

func (open) ClaimsRest(r *http.Request) bool { return r.URL.Path != "/" }

func (open) Preflight(_ context.Context, r *wire.Request, h http.Header) error {
	if r.HTTP.Header.Get("Origin") != "http://app.example" {
		return &wire.Error{Code: "AccessForbidden", Status: 403, Message: "CORSResponse: This CORS request is not allowed."}
	}
	h.Set("Access-Control-Allow-Origin", "http://app.example")
	return nil
}

func (open) AllowPage(_ context.Context, r *wire.Request, h http.Header) bool {
	if r.HTTP.Header.Get("Origin") != "http://app.example" {
		return false
	}
	h.Set("Access-Control-Allow-Origin", "http://app.example")
	return true
}

func (o open) VerifyHead(ctx context.Context, op *wire.Operation, r *wire.Request) error {
	*o.looks = append(*o.looks, "head of "+op.Name+" by "+identity.From(ctx).AccessKey)
	if r.HTTP.Header.Get("X-Bad") != "" {
		return &wire.Error{Code: "AccessDenied", Status: 403}
	}
	return nil
}

func (o open) VerifyBody(_ context.Context, op *wire.Operation, r *wire.Request) error {
	*o.looks = append(*o.looks, "body of "+op.Name+": "+string(r.Body))
	if string(r.Body) == "bad" {
		return &wire.Error{Code: "BadDigest", Status: 400}
	}
	return nil
}

func answerOf(t *testing.T, looks *[]string, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	service := open{store{put: readAll, get: strings.NewReader("object")}, looks}
	g := gateway.New(gateway.Config{Services: []gateway.Service{service}, Own: http.NotFoundHandler(), Account: "000000000000", Region: "us-east-1"})
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w
}

// Pages get in only where the service's own rules say so, and are told; the host counts
// before that.
func TestPages(t *testing.T) {
	for _, tt := range []struct {
		rule, method, host, origin, site string
		status                           int
		contains, allowed                string
	}{
		{"a client that is no browser", "GET", "localhost", "", "", 200, "object", ""},
		{"a page of ours", "GET", "localhost", "http://localhost", "same-origin", 200, "object", ""},
		{"a page that may", "GET", "localhost", "http://app.example", "cross-site", 200, "object", "http://app.example"},
		{"a page that may not", "GET", "localhost", "http://evil.example", "cross-site", 403, "Cross-origin requests are refused.", ""},
		{"what a page embeds", "GET", "localhost", "", "cross-site", 403, "Cross-origin requests are refused.", ""},
		{"a page that may, at a host that is not ours", "GET", "evil.example", "http://app.example", "cross-site", 403, "--allow-host evil.example", ""},
		{"a preflight", "OPTIONS", "localhost", "http://app.example", "cross-site", 200, "", "http://app.example"},
		{"a preflight of a page that may not", "OPTIONS", "localhost", "http://evil.example", "cross-site", 403, "<Code>AccessForbidden</Code>", ""},
		{"a preflight at a host that is not ours", "OPTIONS", "evil.example", "http://app.example", "cross-site", 403, "--allow-host evil.example", ""},
		{"OPTIONS of no page", "OPTIONS", "localhost", "", "", 403, "<Code>AccessForbidden</Code>", ""},
	} {
		r := httptest.NewRequest(tt.method, "/bucket/key", nil)
		r.Host = tt.host
		for name, value := range map[string]string{"Origin": tt.origin, "Sec-Fetch-Site": tt.site} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		w := answerOf(t, new([]string), r)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.contains) || w.Header().Get("Access-Control-Allow-Origin") != tt.allowed {
			t.Errorf("%s: %d %s %v", tt.rule, w.Code, w.Body, w.Header())
		}
	}
}

// A body is read between the two looks, and neither it nor the operation after a refusal.
func TestVerification(t *testing.T) {
	const signed = "AWS4-HMAC-SHA256 Credential=AKID/20261127/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
	for _, tt := range []struct {
		rule, method, line, body string
		bad                      bool
		looks                    []string
		status                   int
		unread                   bool
	}{
		{"a stream, whose body is the operation's", "PUT", "/bucket/key", "body", false, []string{"head of PutObject by AKID"}, 200, false},
		{"a document", "POST", "/bucket/key?select&select-type=2", "<a/>", false, []string{"head of SelectObjectContent by AKID", "body of SelectObjectContent: <a/>"}, 501, false},
		{"a document that is refused", "POST", "/bucket/key?select&select-type=2", "bad", false, []string{"head of SelectObjectContent by AKID", "body of SelectObjectContent: bad"}, 400, false},
		{"a head that is refused", "PUT", "/bucket/key", "body", true, []string{"head of PutObject by AKID"}, 403, true},
	} {
		body := strings.NewReader(tt.body)
		r := httptest.NewRequest(tt.method, tt.line, struct{ io.Reader }{body})
		r.ContentLength, r.Host = int64(len(tt.body)), "localhost"
		r.Header.Set("Authorization", signed)
		if tt.bad {
			r.Header.Set("X-Bad", "1")
			r.Header.Set("Expect", "100-continue")
		}
		var looks []string
		w := answerOf(t, &looks, r)
		if w.Code != tt.status || !slices.Equal(looks, tt.looks) || (body.Len() > 0) != tt.unread {
			t.Errorf("%s: %d %s, %q, %d bytes unread", tt.rule, w.Code, w.Body, looks, body.Len())
		}
	}
}

// An answer of a known length that breaks off does not look whole.
func TestAnAnswerThatBreaksOff(t *testing.T) {
	c := dial(t, listening(t, short{}))
	c.say(get)
	resp, err := http.ReadResponse(c.Reader, nil)
	if err != nil || resp.ContentLength != 10000 {
		t.Fatal(resp, err)
	}
	if body, err := io.ReadAll(resp.Body); len(body) != 8000 || err != io.ErrUnexpectedEOF {
		t.Errorf("%d bytes, %v", len(body), err)
	}
}

// A short service promises 10,000 bytes and has 8,000.
type short struct{ objects.Unimplemented }

func (short) Model() *wire.Service { return objects.Service }

func (short) GetObject(context.Context, *objects.GetObjectInput) (*objects.GetObjectOutput, error) {
	return &objects.GetObjectOutput{Body: io.MultiReader(strings.NewReader(strings.Repeat("x", 8000)), broken{}), ContentLength: new(int64(10000))}, nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrNoProgress }
