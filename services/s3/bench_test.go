package s3_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"millrace/runtime/delivery"
	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
	"millrace/runtime/object/blob"
	"millrace/runtime/object/jetobject"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/keys"
	"millrace/runtime/store/record"
	"millrace/services/gateway"
	"millrace/services/s3"
	"millrace/test/wholebody"
)

const (
	account  = "111111111111"
	stranger = "222222222222"
	region   = "us-east-1"
)

// A bench is a service with clients of two accounts.
type bench struct {
	*sdk.Client
	other   *sdk.Client
	buckets *jetobject.Buckets
	service *s3.Service
	targets targets
	url     string
	later   atomic.Int64 // how much later it is for the service than by the clock, in nanoseconds
	t       *testing.T
}

// A key that the runtime has issued: its signatures are verified.
const issued, secret = "ASIAISSUEDBYTHERUNTIME", "known only to the two"

// start serves S3 alone, over HTTP.
func start(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	backbone := backbonetest.Start(t, filepath.Join(dir, "jetstream"))
	store := record.New(backbone.JetStream(), nil)
	if err := store.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ring, err := keys.Open(store, keys.NewRoot(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, targets: targets{}}
	b.buckets = jetobject.New(jetobject.Config{
		Backbone: backbone, Records: store, Keys: ring, Blobs: blob.NewFiles(blob.FilesConfig{Dir: filepath.Join(dir, "blobs")}),
	})
	if err := b.buckets.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.service = s3.New(s3.Config{
		Buckets: b.buckets, Keys: ring, Resolve: b.targets.resolve, Now: func() time.Time { return time.Now().Add(time.Duration(b.later.Load())) },
		Secret: func(key string) (string, bool) { return secret, key == issued },
	})
	server := httptest.NewServer(gateway.New(gateway.Config{Services: []gateway.Service{b.service}, Account: account, Region: region}))
	t.Cleanup(func() {
		server.Close()
		for _, p := range []lifecycle.Part{b.buckets, store} {
			if err := p.Stop(context.Background()); err != nil {
				t.Error(err)
			}
		}
	})
	b.url = server.URL
	b.Client, b.other = b.client(account, region), b.client(stranger, region)
	return b
}

func (b *bench) client(account, region string) *sdk.Client {
	return sdk.New(sdk.Options{
		BaseEndpoint: &b.url, Region: region, RetryMaxAttempts: 1, HTTPClient: wholebody.Client(), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(account, "test", ""),
	})
}

// create makes a bucket, or several.
func (b *bench) create(names ...string) {
	b.t.Helper()
	for _, name := range names {
		if _, err := b.CreateBucket(b.t.Context(), &sdk.CreateBucketInput{Bucket: &name}); err != nil {
			b.t.Fatal(err)
		}
	}
}

// open takes the public access block of a bucket away.
func (b *bench) open(name string) {
	b.t.Helper()
	if _, err := b.DeletePublicAccessBlock(b.t.Context(), &sdk.DeletePublicAccessBlockInput{Bucket: &name}); err != nil {
		b.t.Fatal(err)
	}
}

// must is v, unless the call that made it failed.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// wants fails unless an error has the status and, in their order, the code, a colon and the
// message. want is "" for no error.
func wants(t *testing.T, rule string, err error, status int, want string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Errorf("%s: %v", rule, err)
		}
		return
	}
	got, code := "", 0
	if e := smithy.APIError(nil); errors.As(err, &e) {
		got = e.ErrorCode() + ": " + e.ErrorMessage()
	}
	if e := (*awshttp.ResponseError)(nil); errors.As(err, &e) {
		code = e.HTTPStatusCode()
	}
	if got != want || code != status {
		t.Errorf("%s: got %d %s (%v), want %d %s", rule, code, got, err, status, want)
	}
}

// send sends an unsigned request, with headers in turn.
func (b *bench) send(method, path, body string, headers ...string) (*http.Response, string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	for pair := range slices.Chunk(headers, 2) {
		req.Header.Set(pair[0], pair[1])
	}
	if req.Header.Get("Authorization") == sign {
		req.Header.Set("Authorization", authorization(req.Header))
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res, string(text)
}

// sign is what stands for the signature in the headers of a request: send signs those of
// AWS, in a way that nobody can verify.
const sign = "to be signed"

// asAccount are headers of a request of the bench's account.
func asAccount() []string {
	return []string{"Authorization", sign, "X-Amz-Date", time.Now().UTC().Format("20060102T150405Z"), "X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"}
}

// authorization signs the headers of AWS.
func authorization(h http.Header) string {
	names := []string{"host"}
	for name := range h {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-amz-") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	date, _, _ := strings.Cut(h.Get("X-Amz-Date"), "T")
	return "AWS4-HMAC-SHA256 Credential=" + account + "/" + date + "/" + region + "/s3/aws4_request, SignedHeaders=" + strings.Join(names, ";") + ", Signature=" + strings.Repeat("0", 64)
}

// targets are destinations of notifications by their ARNs.
type targets map[string]*sink

func (all targets) resolve(name string) (delivery.Target, error) {
	if t := all[name]; t != nil {
		return t, nil
	}
	return nil, fault.New(fault.NotFound, "no %s", name)
}

// A sink keeps what it is delivered.
type sink struct {
	closed bool // it allows nobody

	mu  sync.Mutex
	got []delivery.Event
}

func (s *sink) Allows(delivery.Source) error {
	if s.closed {
		return fault.New(fault.Denied, "closed")
	}
	return nil
}

func (s *sink) Deliver(_ context.Context, e delivery.Event) (delivery.Reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, e)
	return delivery.Reply{}, nil
}

func (s *sink) all() []delivery.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}
