package sigv4_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"millrace/services/internal/sigv4"
)

// Version 2 is read, and expires, but is not verified.
func TestVersion2(t *testing.T) {
	const good = "/k?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=ThFuNDHNqpMAv9Trg38vsSwJiak%3D&Expires=1369354000"
	get := func(target string) (*sigv4.Signature, error) {
		return verifier.Check(parse(t, "GET "+target+" HTTP/1.1\nHost: h\n\n"))
	}
	s, err := get(good)
	if err != nil || s.Algorithm != sigv4.V2 || !s.Presigned || s.Verified || s.AccessKey != accessKey || s.Signature != "ThFuNDHNqpMAv9Trg38vsSwJiak=" || !s.Expires.Equal(time.Unix(1369354000, 0)) {
		t.Errorf("%+v, %v", s, err)
	}
	for _, name := range []string{"AWSAccessKeyId", "Signature", "Expires"} {
		_, err := get(strings.Replace(good, name+"=", "x=", 1))
		if e := refused(t, "no "+name, err, "AccessDenied", 403); e.Message != "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters" {
			t.Errorf("no %s: %q", name, e.Message)
		}
	}
	_, err = get(strings.Replace(good, "=1369354000", "=soon", 1))
	refused(t, "an end that is no number", err, "AccessDenied", 403)
	_, err = get(strings.Replace(good, "=1369354000", "=1369353599", 1))
	if e := refused(t, "expired", err, "AccessDenied", 403); e.Message != "Request has expired" || e.Fields["Expires"] != "2013-05-23T23:59:59Z" || e.Fields["X-Amz-Expires"] != nil {
		t.Errorf("expired: %q with %v", e.Message, e.Fields)
	}

	s, err = verifier.Check(parse(t, "GET /k HTTP/1.1\nHost: h\nAuthorization: AWS AKIAIOSFODNN7EXAMPLE:abc=\n\n"))
	if err != nil || s.Algorithm != sigv4.V2 || s.Presigned || s.AccessKey != accessKey || s.Signature != "abc=" {
		t.Errorf("in a header: %+v, %v", s, err)
	}
	for _, rest := range []string{"AKIAIOSFODNN7EXAMPLE", ":abc", "AKIAIOSFODNN7EXAMPLE:", "a b:c"} {
		_, err := verifier.Check(parse(t, "GET /k HTTP/1.1\nHost: h\nAuthorization: AWS "+rest+"\n\n"))
		refused(t, rest, err, "InvalidArgument", 400)
	}
}

// SigV4A has no region in its scope, and is not verified.
func TestAsymmetric(t *testing.T) {
	text := strings.NewReplacer("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", "/us-east-1/", "/").Replace(examples["GET Object"])
	s, err := verifier.Check(parse(t, text))
	if err != nil || s.Algorithm != sigv4.ECDSA || s.Region != "" || s.Service != "s3" || s.Verified || s.Scope() != "20130524/s3/aws4_request" {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestHoisted(t *testing.T) {
	query, err := url.ParseQuery("x-id=PutObject&X-Amz-Algorithm=a&X-Amz-Date=b&X-Amz-Security-Token=c&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD&" +
		"x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32&X-Amz-Checksum-Mode=ENABLED&x-amz-meta-who=me&response-expires=0")
	if err != nil {
		t.Fatal(err)
	}
	h := sigv4.Hoisted(query)
	if len(h) != 3 || h.Get("x-amz-meta-who") != "me" || h.Get("x-amz-checksum-mode") != "ENABLED" || h.Get("x-amz-sdk-checksum-algorithm") != "CRC32" {
		t.Errorf("%v", h)
	}
}
