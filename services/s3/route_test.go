package s3_test

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"millrace/services/gateway"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/wire"
	"millrace/services/s3"
)

// A caller is S3 whose operations tell that they were called, and with which bucket and
// key.
type caller struct {
	*s3.Service
	model *wire.Service
}

func (c caller) Model() *wire.Service { return c.model }

func newCaller() caller {
	m := *api.Service
	m.Operations = nil
	for _, op := range api.Service.Operations {
		told := *op
		told.Call = func(_ context.Context, _, in any) (any, error) {
			v := reflect.ValueOf(in).Elem()
			text := func(name string) string {
				if f := v.FieldByName(name); f.IsValid() && !f.IsNil() {
					return f.Elem().String()
				}
				return ""
			}
			return nil, &wire.Error{Code: "Called", Status: 400, Message: op.Name, Elements: []wire.Element{{Name: "Bucket", Text: text("Bucket")}, {Name: "Key", Text: text("Key")}}}
		}
		m.Operations = append(m.Operations, &told)
	}
	return caller{s3.New(s3.Config{}), &m}
}

// VerifyHead leaves out what signatures say: those here are none.
func (c caller) VerifyHead(ctx context.Context, op *wire.Operation, r *wire.Request) error {
	unsigned := *r
	unsigned.HTTP = r.HTTP.Clone(ctx)
	unsigned.HTTP.Header.Del("Authorization")
	unsigned.HTTP.URL.RawQuery = ""
	return c.Service.VerifyHead(ctx, op, &unsigned)
}

func newGateway(t testing.TB) *gateway.Gateway {
	t.Helper()
	own := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "own") })
	return gateway.New(gateway.Config{Services: []gateway.Service{newCaller()}, Own: own, Account: "000000000000", Region: "us-east-1", Hosts: []string{"millrace"}})
}

// target makes a signed request whose target is what a client would write on the line.
func target(t testing.TB, method, host, line string, headers ...string) *http.Request {
	t.Helper()
	u, err := url.ParseRequestURI(line)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(method, "/", nil)
	r.URL, r.RequestURI, r.Host = u, line, host
	r.Header.Set("Content-Length", "0")
	r.Header.Set("Authorization", signed)
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	return r
}

// said is what an answer in XML says, by its elements.
func said(body, element string) string {
	_, rest, _ := strings.Cut(body, "<"+element+">")
	text, _, _ := strings.Cut(rest, "</"+element+">")
	return text
}

// A route is a request and what is called for it.
type route struct {
	method, line string
	headers      []string
	want         string // "Operation bucket key", or the code of an error
}

var routes = []route{
	{"GET", "/", nil, "ListBuckets"},
	{"GET", "/?x-id=ListBuckets", nil, "ListBuckets"},
	{"GET", "/b", nil, "ListObjects b"},
	{"GET", "/b/", nil, "ListObjects b"},
	{"GET", "/b?list-type=2&prefix=a%2Fb", nil, "ListObjectsV2 b"},
	{"GET", "/b/?versions", nil, "ListObjectVersions b"},
	{"GET", "/b?uploads=", nil, "ListMultipartUploads b"},
	{"GET", "/b?location", nil, "GetBucketLocation b"},
	{"GET", "/b?notification", nil, "GetBucketNotificationConfiguration b"},
	{"PUT", "/b?notification", nil, "PutBucketNotificationConfiguration b"},
	{"GET", "/b?lifecycle", nil, "GetBucketLifecycleConfiguration b"},
	{"PUT", "/b?lifecycle", nil, "PutBucketLifecycleConfiguration b"},
	{"DELETE", "/b?lifecycle", nil, "DeleteBucketLifecycle b"},
	{"PUT", "/b", nil, "CreateBucket b"},
	{"HEAD", "/b", nil, ""},
	{"DELETE", "/b", nil, "DeleteBucket b"},
	{"POST", "/b?delete", []string{"Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg=="}, "DeleteObjects b"},
	{"GET", "/b/k", nil, "GetObject b k"},
	{"GET", "/b/k?partNumber=2", nil, "GetObject b k"},
	{"GET", "/b/k?versionId=v&response-content-type=text%2Fplain", nil, "GetObject b k"},
	{"GET", "/b/k?tagging&versionId=v", nil, "GetObjectTagging b k"},
	{"GET", "/b/k?attributes", nil, "GetObjectAttributes b k"},
	{"GET", "/b/k?uploadId=u", nil, "ListParts b k"},
	{"PUT", "/b/k", nil, "PutObject b k"},
	{"PUT", "/b/k?x-id=PutObject", nil, "PutObject b k"},
	{"PUT", "/b/k", []string{"X-Amz-Copy-Source", "b/l"}, "CopyObject b k"},
	{"PUT", "/b/k?partNumber=1&uploadId=u", nil, "UploadPart b k"},
	{"PUT", "/b/k?uploadId=u", nil, "UploadPart b k"},
	{"PUT", "/b/k?partNumber=1", nil, "UploadPart b k"},
	{"PUT", "/b/k?partNumber=1&uploadId=u", []string{"X-Amz-Copy-Source", "b/l"}, "UploadPartCopy b k"},
	{"POST", "/b/k?uploads", nil, "CreateMultipartUpload b k"},
	{"POST", "/b/k?uploadId=u", nil, "CompleteMultipartUpload b k"},
	{"DELETE", "/b/k?uploadId=u", nil, "AbortMultipartUpload b k"},
	{"DELETE", "/b/k", nil, "DeleteObject b k"},
	{"DELETE", "/b/k?tagging", nil, "DeleteObjectTagging b k"},

	// Keys are what comes after the bucket, to the letter.
	{"GET", "/b//k", nil, "GetObject b /k"},
	{"GET", "/b//", nil, "GetObject b /"},
	{"GET", "/b/k/", nil, "GetObject b k/"},
	{"GET", "/b/a//b///", nil, "GetObject b a//b///"},
	{"GET", "/b/../c/./d", nil, "GetObject b ../c/./d"},
	{"GET", "/b/%2e%2e/c", nil, "GetObject b ../c"},
	{"GET", "/b/%2F", nil, "GetObject b /"},
	{"GET", "/b/a%2Fb%252F", nil, "GetObject b a/b%2F"},
	{"GET", "/b/a%20b", nil, "GetObject b a b"},
	{"GET", "/b/a+b%2Bc", nil, "GetObject b a b+c"},
	{"GET", "/b/%C3%A9%F0%9F%98%80", nil, "GetObject b é😀"},
	{"GET", "/b/é", nil, "GetObject b é"},
	{"GET", "/b/a;b=c:d@e,f!$'()*~", nil, "GetObject b a;b=c:d@e,f!$&apos;()*~"},
	{"GET", "/b/k%3Fversions", nil, "GetObject b k?versions"},
	{"GET", "/b/_runtime/health", nil, "GetObject b _runtime/health"},
	{"GET", "/b/2015-03-31/functions", nil, "GetObject b 2015-03-31/functions"},
	{"GET", "/a.b.c/k", nil, "GetObject a.b.c k"},

	// What is not supported is refused by name.
	{"PUT", "/b/k?renameObject", nil, "NotImplemented RenameObject"},
	{"PUT", "/b/k?encryption", nil, "NotImplemented UpdateObjectEncryption"},
	{"PUT", "/b?encryption", nil, "PutBucketEncryption b"},
	{"PUT", "/b/k?annotation&annotationName=n", nil, "NotImplemented PutObjectAnnotation"},
	{"GET", "/b/k?annotation&annotationName=n", nil, "NotImplemented GetObjectAnnotation"},
	{"GET", "/b/k?annotation", nil, "NotImplemented ListObjectAnnotations"},
	{"DELETE", "/b/k?annotation", nil, "NotImplemented DeleteObjectAnnotation"},
	{"PUT", "/b/k?acl", nil, "NotImplemented PutObjectAcl"},
	{"GET", "/b?acl", nil, "NotImplemented GetBucketAcl"},
	{"PUT", "/b?abac", nil, "NotImplemented PutBucketAbac"},
	{"POST", "/b?metadataConfiguration", nil, "NotImplemented CreateBucketMetadataConfiguration"},
	{"GET", "/b?metadataTable", nil, "NotImplemented GetBucketMetadataTableConfiguration"},
	{"PUT", "/b?metadataInventoryTable", nil, "NotImplemented UpdateBucketMetadataInventoryTableConfiguration"},
	{"PUT", "/b?metadataJournalTable", nil, "NotImplemented UpdateBucketMetadataJournalTableConfiguration"},
	{"PUT", "/b?metadataAnnotationTable", nil, "NotImplemented UpdateBucketMetadataAnnotationTableConfiguration"},
	{"GET", "/b?session", nil, "NotImplemented CreateSession"},
	{"POST", "/b/k?select&select-type=2", nil, "NotImplemented SelectObjectContent"},
	{"POST", "/b/k?restore", nil, "NotImplemented RestoreObject"},
	{"GET", "/b/k?torrent", nil, "NotImplemented GetObjectTorrent"},
	{"POST", "/WriteGetObjectResponse", []string{"X-Amz-Request-Route", "r", "X-Amz-Request-Token", "t"}, "NotImplemented WriteGetObjectResponse"},
	{"GET", "/b?analytics&id=i", nil, "NotImplemented GetBucketAnalyticsConfiguration"},
	{"GET", "/b?analytics", nil, "NotImplemented ListBucketAnalyticsConfigurations"},
	{"POST", "/b", nil, "NotImplemented PostObject"},

	{"POST", "/b/k", nil, "MethodNotAllowed OBJECT"},
	{"PATCH", "/b/k", nil, "MethodNotAllowed OBJECT"},
	{"PATCH", "/b", nil, "MethodNotAllowed BUCKET"},
	{"PUT", "/", nil, "MethodNotAllowed SERVICE"},
	{"PUT", "//k", nil, "MethodNotAllowed SERVICE"},
}

const signed = "AWS4-HMAC-SHA256 Credential=AKID/20261127/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"

// outcome is what became of a request, in the words of route.want.
func outcome(body string) string {
	code, message := said(body, "Code"), said(body, "Message")
	switch code {
	case "Called":
		return strings.TrimRight(message+" "+said(body, "Bucket")+" "+said(body, "Key"), " ")
	case "NotImplemented":
		message = strings.TrimPrefix(message, "The operation ")
		name, _, _ := strings.Cut(message, " ")
		return code + " " + name
	case "MethodNotAllowed":
		return code + " " + said(body, "ResourceType")
	}
	return code
}

func TestRoutes(t *testing.T) {
	g := newGateway(t)
	for _, tt := range routes {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, target(t, tt.method, "localhost:4566", tt.line, tt.headers...))
		if got := outcome(w.Body.String()); got != tt.want {
			t.Errorf("%s %s %v: %q, want %q", tt.method, tt.line, tt.headers, got, tt.want)
		}
	}
}

// A bucket's host says what a path to S3's own host does.
func TestRoutesOfHosts(t *testing.T) {
	g := newGateway(t)
	for _, host := range []string{"localhost:4566", "localhost", "S3.LocalHost.", "us-east-1.localhost", "eu-west-1.amazonaws.com", "millrace:4566", "dualstack.eu-west-1.amazonaws.com"} {
		for _, tt := range routes {
			hosted, line := strings.TrimPrefix(host, "S3."), tt.line
			bucket, rest, found := strings.Cut(strings.TrimPrefix(line, "/"), "/")
			if name, query, ok := strings.Cut(bucket, "?"); ok {
				bucket, rest, found = name, "?"+query, false
			}
			if bucket == "" || bucket == "WriteGetObjectResponse" {
				continue
			}
			if line = "/" + rest; !found && rest == "" {
				line = "/"
			}
			w := httptest.NewRecorder()
			g.ServeHTTP(w, target(t, tt.method, bucket+".s3."+hosted, line, tt.headers...))
			if got := outcome(w.Body.String()); got != tt.want {
				t.Errorf("%s %s at %s.s3.%s: %q, want %q", tt.method, line, bucket, hosted, got, tt.want)
			}
		}
	}
}

func TestHosts(t *testing.T) {
	g := newGateway(t)
	for host, want := range map[string]string{
		"s3.localhost:4566":                         "GetObject p k",
		"s3.eu-west-1.localhost":                    "GetObject p k",
		"s3.amazonaws.com":                          "GetObject p k",
		"s3.millrace":                               "GetObject p k",
		"127.0.0.1:4566":                            "GetObject p k",
		"[::1]:4566":                                "GetObject p k",
		"a.b.s3.localhost":                          "GetObject a.b p/k",
		"s3.s3.localhost":                           "GetObject s3 p/k",
		"a.s3.b.s3.us-east-1.amazonaws.com":         "GetObject a.s3.b p/k",
		"sqs.s3.localhost":                          "GetObject sqs p/k",
		"xs3.localhost":                             "GetObject p k",
		"b.s3.evil.example":                         "AccessDenied",
		"s3.evil.example":                           "AccessDenied",
		"b.s3.localhost.evil.example":               "AccessDenied",
		"b.s3.us-east-1.amazonaws.com.evil.example": "AccessDenied",
	} {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, target(t, "GET", host, "/p/k"))
		if got := outcome(w.Body.String()); got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, target(t, "GET", "b.s3.localhost", "/_runtime/health"))
	if got := outcome(w.Body.String()); got != "GetObject b _runtime/health" {
		t.Errorf("a key below _runtime/ at a bucket's host: %q", got)
	}
	for _, host := range []string{"localhost", "127.0.0.1", "millrace"} {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, target(t, "GET", host, "/_runtime/health"))
		if w.Body.String() != "own" {
			t.Errorf("the runtime's own path at %s: %q", host, w.Body)
		}
	}
}

// Without a signature a request is S3's if a bucket may be meant, and only then.
func TestClaims(t *testing.T) {
	g := newGateway(t)
	for _, tt := range []struct {
		method, line string
		headers      []string
		want         string
	}{
		{"GET", "/bucket/k", nil, "GetObject bucket k"},
		{"HEAD", "/bucket/k", nil, ""},
		{"PUT", "/bucket/k", []string{"Content-Type", "application/x-www-form-urlencoded"}, "PutObject bucket k"},
		{"POST", "/bucket/k?uploads", []string{"Content-Type", "application/x-www-form-urlencoded"}, "CreateMultipartUpload bucket k"},
		{"POST", "/bucket", []string{"Content-Type", "multipart/form-data; boundary=b"}, "NotImplemented PostObject"},
		{"GET", "/bucket/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20261127%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=0", nil, "GetObject bucket k"},
		{"GET", "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20261127%2Fus-east-1%2Fs3express%2Faws4_request", nil, "ListBuckets"},
		{"GET", "/?AWSAccessKeyId=AKID&Signature=s&Expires=1", nil, "ListBuckets"},
		{"GET", "/", []string{"Authorization", "AWS AKID:signature"}, "ListBuckets"},
		{"GET", "/", nil, "UnknownOperationException"},
		{"GET", "/v1/brokers-of-old", nil, "UnknownOperationException"},
		{"GET", "/2015-03-31/functions/f/nothing", nil, "UnknownOperationException"},
		{"POST", "/bucket", []string{"X-Amz-Target", "Nope.Nope"}, "UnknownOperationException"},
		{"GET", "/bucket?Action=Nope", nil, "UnknownOperationException"},
		{"POST", "/service/Nope/operation/Nope", []string{"Smithy-Protocol", "rpc-v2-cbor"}, "UnknownOperationException"},
		{"GET", "/schedules/s", []string{"Authorization", strings.Replace(signed, "/s3/", "/scheduler/", 1)}, "UnknownOperationException"},
		{"GET", "/bucket/k", []string{"Authorization", strings.Replace(signed, "/s3/", "/s3express/", 1)}, "GetObject bucket k"},
	} {
		r := target(t, tt.method, "localhost:4566", tt.line)
		r.Header.Del("Authorization")
		for pair := range slices.Chunk(tt.headers, 2) {
			r.Header.Set(pair[0], pair[1])
		}
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		got := outcome(w.Body.String())
		if strings.Contains(w.Body.String(), tt.want) && tt.want == "UnknownOperationException" {
			got = tt.want
		}
		if got == "" && w.Header().Get("X-Amzn-Errortype") != "" {
			got = w.Header().Get("X-Amzn-Errortype")
		}
		if got != tt.want {
			t.Errorf("%s %s %v: %q (%s), want %q", tt.method, tt.line, tt.headers, got, w.Body, tt.want)
		}
	}
}

// Whatever a target says, the key is what stands in it, and the answer is S3's.
func FuzzRoutes(f *testing.F) {
	for _, tt := range routes {
		f.Add(tt.method, "localhost", tt.line)
	}
	f.Add("GET", "a.s3.s3.localhost", "/k")
	g := newGateway(f)
	f.Fuzz(func(t *testing.T, method, host, line string) {
		u, err := url.ParseRequestURI(line)
		if err != nil || !strings.HasPrefix(line, "/") || !slices.Contains([]string{"GET", "PUT", "POST", "DELETE"}, method) {
			return
		}
		r := httptest.NewRequest(method, "/", nil)
		r.URL, r.RequestURI, r.Host = u, line, host
		r.Header = http.Header{"Authorization": {signed}, "Content-Length": {"0"}}
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		body := w.Body.String()
		if body == "own" {
			return
		}
		if code := said(body, "Code"); code == "" || w.Code/100 == 2 || w.Header().Get("X-Amz-Id-2") == "" {
			t.Fatalf("%d %s %v", w.Code, body, w.Header())
		}
		if w.Code == 500 {
			t.Fatal(body)
		}
	})
}

// An error has S3's names for what was asked, and nothing of a body where HTTP has none.
func TestErrors(t *testing.T) {
	g := newGateway(t)
	w := httptest.NewRecorder()
	g.ServeHTTP(w, target(t, "GET", "localhost", "/b/a%20%26"))
	id, host := w.Header().Get("X-Amz-Request-Id"), w.Header().Get("X-Amz-Id-2")
	want := `<?xml version="1.0" encoding="UTF-8"?>` + "\n<Error><Code>Called</Code><Message>GetObject</Message><Bucket>b</Bucket><Key>a &amp;</Key>" +
		"<Resource>/b/a &amp;</Resource><RequestId>" + id + "</RequestId><HostId>" + host + "</HostId></Error>"
	if w.Body.String() != want || len(id) != 16 || id != strings.ToUpper(id) || len(host) != 64 {
		t.Errorf("%s, want %s", w.Body, want)
	}
	if got := slices.Sorted(maps.Keys(w.Header())); !slices.Equal(got, []string{"Content-Length", "Content-Type", "X-Amz-Id-2", "X-Amz-Request-Id"}) {
		t.Error(got)
	}

	w = httptest.NewRecorder()
	g.ServeHTTP(w, target(t, "HEAD", "localhost", "/b/k"))
	if w.Code != 400 || w.Body.Len() > 0 || w.Header().Get("Content-Length") != "" || w.Header().Get("X-Amz-Request-Id") == "" {
		t.Errorf("HEAD: %d %q %v", w.Code, w.Body, w.Header())
	}
}

func TestArgumentsThatAreNone(t *testing.T) {
	g := newGateway(t)
	for line, want := range map[string]string{
		"/b?list-type=2&max-keys=many":           "InvalidArgument Provided max-keys not an integer or within integer range",
		"/b?max-keys=99999999999":                "InvalidArgument Provided max-keys not an integer or within integer range",
		"/b/k?partNumber=x":                      "InvalidArgument Part number must be an integer between 1 and 10000, inclusive",
		"/b?list-type=2&fetch-owner=perhaps":     "InvalidArgument The value of fetch-owner is invalid.",
		"/b?list-type=2&fetch-owner=true&prefix": "Called ListObjectsV2",
	} {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, target(t, "GET", "localhost", line))
		if got := said(w.Body.String(), "Code") + " " + said(w.Body.String(), "Message"); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
	// A condition whose date is none does not count.
	w := httptest.NewRecorder()
	g.ServeHTTP(w, target(t, "GET", "localhost", "/b/k", "If-Modified-Since", "yesterday"))
	if got := outcome(w.Body.String()); got != "GetObject b k" {
		t.Error(got)
	}
}
