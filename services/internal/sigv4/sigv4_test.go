package sigv4_test

import (
	"bufio"
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"millrace/services/internal/sigv4"
	"millrace/services/internal/wire"
)

// The credentials of AWS's documentation.
const (
	accessKey = "AKIAIOSFODNN7EXAMPLE"
	secretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

func secret(key string) (string, bool) { return secretKey, key == accessKey }

// verifier knows the example's secret and has the clock of its request.
var verifier = sigv4.Verifier{Now: at("20130524T000000Z"), MaxSkew: 15 * time.Minute, Secret: secret}

func at(text string) func() time.Time {
	t, err := time.Parse("20060102T150405Z", text)
	if err != nil {
		panic(err)
	}
	return func() time.Time { return t }
}

// parse reads a request as a server does. Its lines may end in a line feed alone.
func parse(t testing.TB, text string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
	if err != nil {
		t.Fatalf("%v of %q", err, text)
	}
	return r
}

// received is a client's request as a server reads it.
func received(t testing.TB, r *http.Request) *http.Request {
	t.Helper()
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	return parse(t, b.String())
}

// refused checks that err is S3's error of a code, and returns it.
func refused(t testing.TB, why string, err error, code string, status int) *wire.Error {
	t.Helper()
	var e *wire.Error
	if !errors.As(err, &e) || e.Code != code || e.Status != status {
		t.Errorf("%s: %v, want %s", why, err, code)
		return &wire.Error{}
	}
	return e
}

const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// Amazon S3 API Reference: the examples of "Authorization Header: Transferring Payload
// in a Single Chunk" and "… in Multiple Chunks".
var examples = map[string]string{
	"GET Object": `GET /test.txt HTTP/1.1
Host: examplebucket.s3.amazonaws.com
Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41
Range: bytes=0-9
x-amz-content-sha256: ` + emptyHash + `
x-amz-date: 20130524T000000Z

`,
	"PUT Object": `PUT /test$file.text HTTP/1.1
Host: examplebucket.s3.amazonaws.com
Date: Fri, 24 May 2013 00:00:00 GMT
Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd
x-amz-date: 20130524T000000Z
x-amz-storage-class: REDUCED_REDUNDANCY
x-amz-content-sha256: 44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072
Content-Length: 21

Welcome to Amazon S3.`,
	"GET Bucket Lifecycle": `GET /?lifecycle HTTP/1.1
Host: examplebucket.s3.amazonaws.com
Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543
x-amz-date: 20130524T000000Z
x-amz-content-sha256: ` + emptyHash + `

`,
	"List Objects": `GET /?prefix=J&max-keys=2 HTTP/1.1
Host: examplebucket.s3.amazonaws.com
Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7
x-amz-date: 20130524T000000Z
x-amz-content-sha256: ` + emptyHash + `

`,
	"in chunks": `PUT /examplebucket/chunkObject.txt HTTP/1.1
Host: s3.amazonaws.com
x-amz-date: 20130524T000000Z
x-amz-storage-class: REDUCED_REDUNDANCY
Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class,Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9
x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD
Content-Encoding: aws-chunked
x-amz-decoded-content-length: 66560
Content-Length: 66824

`,
	"presigned": `GET /test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404 HTTP/1.1
Host: examplebucket.s3.amazonaws.com

`,
}

func TestExamplesOfAWS(t *testing.T) {
	for name, text := range examples {
		s, err := verifier.Check(parse(t, text))
		if err != nil || !s.Verified || s.AccessKey != accessKey || s.Scope() != "20130524/us-east-1/s3/aws4_request" {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
		if s, err := (sigv4.Verifier{}).Check(parse(t, text)); err != nil || s.Verified || s.Seed() != nil {
			t.Errorf("%s without the secret: %+v, %v", name, s, err)
		}
		for _, change := range []struct{ why, old, new string }{
			{"another method", text[:3], "POST"},
			{"another path", ".t", ".T"},
			{"another query", "prefix=J", "prefix=K"},
			{"another host", ".com", ".org"},
			{"another signature", "ature=", "ature=0"},
			{"another header", "REDUCED", "INCREASED"},
			{"another lifetime", "Expires=86400", "Expires=86401"},
			{"another key in the scope", "us-east-1", "us-east-2"},
		} {
			changed := strings.Replace(text, change.old, change.new, 1)
			if changed == text {
				continue
			}
			_, err := verifier.Check(parse(t, changed))
			refused(t, name+", "+change.why, err, "SignatureDoesNotMatch", 403)
		}
	}
}

func TestMismatchTellsWhatWasSigned(t *testing.T) {
	text := strings.Replace(examples["GET Object"], "bytes=0-9", "bytes=0-8", 1)
	_, err := verifier.Check(parse(t, text))
	e := refused(t, "another range", err, "SignatureDoesNotMatch", 403)
	canonical := "GET\n/test.txt\n\nhost:examplebucket.s3.amazonaws.com\nrange:bytes=0-8\nx-amz-content-sha256:" + emptyHash +
		"\nx-amz-date:20130524T000000Z\n\nhost;range;x-amz-content-sha256;x-amz-date\n" + emptyHash
	if e.Fields["CanonicalRequest"] != canonical {
		t.Errorf("canonical request %q, want %q", e.Fields["CanonicalRequest"], canonical)
	}
	if got, _ := e.Fields["StringToSign"].(string); !strings.HasPrefix(got, "AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n") {
		t.Errorf("string to sign %q", got)
	}
	if got, _ := e.Fields["StringToSignBytes"].(string); !strings.HasPrefix(got, "41 57 53 34 2d 48 4d 41 43 ") {
		t.Errorf("its bytes %q", got)
	}
	if e.Fields["AWSAccessKeyId"] != accessKey || e.Fields["SignatureProvided"] != "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41" {
		t.Errorf("fields %v", e.Fields)
	}
	for name, value := range e.Fields {
		if text, ok := value.(string); ok && strings.Contains(text, secretKey) {
			t.Errorf("%s shows the secret", name)
		}
	}
}

func TestAnonymous(t *testing.T) {
	for _, text := range []string{
		"GET / HTTP/1.1\nHost: h\n\n",
		"GET /k?response-expires=1&versionId=x HTTP/1.1\nHost: h\nx-amz-date: 20130524T000000Z\n\n",
	} {
		if s, err := verifier.Check(parse(t, text)); s != nil || err != nil {
			t.Errorf("%q: %+v, %v", text, s, err)
		}
	}
}

func TestSeedOfChunks(t *testing.T) {
	s, err := verifier.Check(parse(t, examples["in chunks"]))
	if err != nil {
		t.Fatal(err)
	}
	seed := s.Seed()
	if seed == nil || seed.Date != "20130524T000000Z" || seed.Scope != "20130524/us-east-1/s3/aws4_request" || seed.Signature != s.Signature || len(seed.Key) != 32 {
		t.Fatalf("seed %+v", seed)
	}
	e := seed.Mismatch("text", "signature")
	if e.Code != "SignatureDoesNotMatch" || e.Fields["StringToSign"] != "text" || e.Fields["SignatureProvided"] != "signature" || e.Fields["AWSAccessKeyId"] != accessKey {
		t.Errorf("a chunk's mismatch is %+v", e)
	}
}
