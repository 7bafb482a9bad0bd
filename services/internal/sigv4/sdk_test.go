package sigv4_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"millrace/services/internal/sigv4"

	"github.com/aws/aws-sdk-go-v2/aws"
	signer "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// keys are names of objects that are easily encoded in two ways.
var keys = []string{"k", "a key", "a+b", "ü", "k//../x", "a/./b", "100%", "%41", "(1)'!*~", "a&b=c;d?e#f", "\x01", "$file", "a:b@c,d[e]"}

func client() *s3.Client {
	return s3.New(s3.Options{Region: "eu-west-1", UsePathStyle: true, BaseEndpoint: aws.String("http://127.0.0.1:4566"),
		Credentials: credentials.NewStaticCredentialsProvider(accessKey, secretKey, "the token")})
}

func TestPresignedByTheGoSDK(t *testing.T) {
	presigner := s3.NewPresignClient(client(), s3.WithPresignExpires(time.Minute))
	now := sigv4.Verifier{Now: time.Now, Secret: secret}
	for _, key := range keys {
		in := &s3.PutObjectInput{Bucket: aws.String("bucket"), Key: aws.String(key), ContentType: aws.String("text/plain"),
			Metadata: map[string]string{"who": "me  and  you"}, Tagging: aws.String("a=b&c=d")}
		put, err := presigner.PresignPutObject(context.Background(), in)
		get, err2 := presigner.PresignGetObject(context.Background(), &s3.GetObjectInput{Bucket: in.Bucket, Key: in.Key, ResponseContentDisposition: aws.String(`attachment; filename="a b"`)})
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		for method, r := range map[string]*http.Request{put.Method: presigned(t, put.Method, put.URL, put.SignedHeader), get.Method: presigned(t, get.Method, get.URL, get.SignedHeader)} {
			s, err := now.Check(r)
			if err != nil || !s.Verified || !s.Presigned || s.Region != "eu-west-1" || s.Token != "the token" || s.Lifetime != 60 || s.Payload != sigv4.UnsignedPayload {
				t.Errorf("%s %q: %+v, %v", method, key, s, err)
			}
			r.Method = "DELETE"
			_, err = now.Check(r)
			refused(t, "DELETE with a URL for "+method, err, "SignatureDoesNotMatch", 403)
			if s, err := (sigv4.Verifier{}).Check(r); err != nil || s.Verified {
				t.Errorf("without the secret: %+v, %v", s, err)
			}
		}
	}
}

func presigned(t *testing.T, method, url string, h http.Header) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range h {
		if name != "Host" {
			r.Header[name] = values
		}
	}
	return received(t, r)
}

func TestSignedByTheGoSDK(t *testing.T) {
	for _, key := range keys {
		for _, query := range []string{"", "uploads", "a=b&a=a&A=c", "prefix=a%2Fb+c%20d&delimiter=/", "x=%C3%BC~*"} {
			for _, payload := range []string{emptyHash, sigv4.UnsignedPayload, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"} {
				r := presigned(t, "PUT", "http://127.0.0.1:4566/bucket/x?"+query, http.Header{"X-Amz-Meta-A": {" b   c "}, "Content-Type": {"text/plain"}, "X-Amz-Content-Sha256": {payload}})
				r.URL.Path, r.URL.RawPath, r.RequestURI = "/bucket/"+key, "", ""
				r.URL.Host, r.URL.Scheme = r.Host, "http"
				err := signer.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secretKey}, r, payload, "s3", "us-east-1",
					time.Now(), func(o *signer.SignerOptions) { o.DisableURIPathEscaping = true })
				if err != nil {
					t.Fatal(err)
				}
				inOrder := strings.Split(r.URL.RawQuery, "&") // the signer sorts it
				slices.Reverse(inOrder)
				r.URL.RawQuery = strings.Join(inOrder, "&")
				s, err := sigv4.Verifier{Now: time.Now, MaxSkew: time.Minute, Secret: secret}.Check(received(t, r))
				if err != nil || !s.Verified || s.Payload != payload {
					t.Errorf("%q?%s: %+v, %v", key, query, s, err)
				}
			}
		}
	}
}

// URLs of boto3 1.43.11, recorded 2026-11-27.
func TestURLsOfBoto3(t *testing.T) {
	raw, err := os.ReadFile("testdata/boto3-urls.json")
	if err != nil {
		t.Fatal(err)
	}
	var urls []struct {
		Signature, Method, URL string
		Headers                map[string]string
	}
	if err := json.Unmarshal(raw, &urls); err != nil || len(urls) == 0 {
		t.Fatal(err, len(urls))
	}
	for _, u := range urls {
		h := http.Header{}
		for name, value := range u.Headers {
			h.Set(name, value)
		}
		s, err := sigv4.Verifier{Now: at("20261127T235700Z"), Secret: secret}.Check(presigned(t, u.Method, u.URL, h))
		if err != nil || s.AccessKey != accessKey || s.Verified != (u.Signature == "v4") || s.Expires.Year() != 2026 {
			t.Errorf("%s: %+v, %v", u.URL, s, err)
		}
		_, err = sigv4.Verifier{Now: at("20261128T235700Z"), Secret: secret}.Check(presigned(t, u.Method, u.URL, h))
		refused(t, u.URL, err, "AccessDenied", 403)
	}
}

// Requests of boto3 1.43.11 and minio-go 7.0.95, recorded 2026-11-27.
func TestRecordedRequests(t *testing.T) {
	files, err := filepath.Glob("testdata/*.http")
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
		if err != nil {
			t.Fatal(err)
		}
		if s, err := (sigv4.Verifier{Secret: secret}).Check(r); err != nil || !s.Verified {
			t.Errorf("%s: %+v, %v", file, s, err)
		}
	}
}

// Whatever a stranger sends is refused with an error of S3's, or reads the same again.
func FuzzCheck(f *testing.F) {
	for _, text := range examples {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
		if err != nil {
			return
		}
		s, err := verifier.Check(r)
		if err != nil {
			if !strings.Contains(err.Error(), ": ") || strings.Contains(err.Error(), secretKey) {
				t.Errorf("refused with %v", err)
			}
			return
		}
		again, err := sigv4.Parse(r)
		if err != nil || (s == nil) != (again == nil) || s != nil && s.Scope() != again.Scope() {
			t.Errorf("%+v is read as %+v, %v", s, again, err)
		}
	})
}
