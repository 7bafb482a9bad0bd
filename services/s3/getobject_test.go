package s3_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// RFC 9110, 14.1.2; S3 answers several ranges, and what is no range, with the whole object.
func TestRanges(t *testing.T) {
	b := start(t)
	b.create("box")
	long := string(noise(1, 200_000))
	b.put("box", "short", "0123456789")
	b.put("box", "empty", "")
	b.put("box", "long", long)
	for _, c := range []struct{ key, asked, status, shown, body string }{
		{"short", "bytes=0-3", "206", "bytes 0-3/10", "0123"},
		{"short", "bytes=9-9", "206", "bytes 9-9/10", "9"},
		{"short", "bytes=5-", "206", "bytes 5-9/10", "56789"},
		{"short", "bytes=5-99999999999999", "206", "bytes 5-9/10", "56789"},
		{"short", "bytes=-3", "206", "bytes 7-9/10", "789"},
		{"short", "bytes=-99", "206", "bytes 0-9/10", "0123456789"},
		{"short", "bytes=5-4", "200", "", "0123456789"},
		{"short", "bytes=a-b", "200", "", "0123456789"},
		{"short", "bytes=0-1,3-4", "200", "", "0123456789"},
		{"short", "lines=0-1", "200", "", "0123456789"},
		{"short", "bytes=10-", "416", "", ""},
		{"short", "bytes=-0", "416", "", ""},
		{"empty", "bytes=0-", "416", "", ""},
		{"empty", "bytes=-1", "416", "", ""},
		{"long", "bytes=65530-131080", "206", "bytes 65530-131080/200000", long[65530:131081]},
		{"long", "bytes=-1", "206", "bytes 199999-199999/200000", long[199999:]},
	} {
		res, text := b.sendSigned("GET", "/box/"+c.key, "", "Range", c.asked)
		if c.status == "416" {
			if res.StatusCode != 416 || !strings.Contains(text, "<Code>InvalidRange</Code>") || !strings.Contains(text, "<RangeRequested>"+c.asked+"</RangeRequested>") {
				t.Errorf("%s of %s: %s %s", c.asked, c.key, res.Status, text)
			}
			continue
		}
		if fmt.Sprint(res.StatusCode) != c.status || res.Header.Get("Content-Range") != c.shown || text != c.body || res.ContentLength != int64(len(c.body)) {
			t.Errorf("%s of %s: %s, %s, %d bytes", c.asked, c.key, res.Status, res.Header.Get("Content-Range"), len(text))
		}
		if head, _ := b.sendSigned("HEAD", "/box/"+c.key, "", "Range", c.asked); head.StatusCode != res.StatusCode || head.ContentLength != res.ContentLength {
			t.Errorf("HEAD %s of %s: %s, %d bytes", c.asked, c.key, head.Status, head.ContentLength)
		}
	}
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, "Consideration 1" and 2.
func TestConditionalReads(t *testing.T) {
	b := start(t)
	b.create("box")
	etag := str(b.put("box", "k", "hello").ETag)
	modified := *must(b.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: aws.String("box"), Key: aws.String("k")}))(t).LastModified
	at := func(d time.Duration) string { return modified.Add(d).Format(http.TimeFormat) }
	const other = `"0123456789abcdef0123456789abcdef"`
	for _, c := range []struct {
		headers []string
		status  int
		failed  string
	}{
		{[]string{"If-Match", etag}, 200, ""},
		{[]string{"If-Match", strings.Trim(etag, `"`)}, 200, ""},
		{[]string{"If-Match", other + ", " + etag}, 200, ""},
		{[]string{"If-Match", "*"}, 200, ""},
		{[]string{"If-Match", other}, 412, "If-Match"},
		{[]string{"If-None-Match", other}, 200, ""},
		{[]string{"If-None-Match", etag}, 304, ""},
		{[]string{"If-None-Match", "W/" + etag}, 304, ""},
		{[]string{"If-None-Match", "*"}, 304, ""},
		{[]string{"If-Modified-Since", at(-time.Second)}, 200, ""},
		{[]string{"If-Modified-Since", at(0)}, 304, ""},
		{[]string{"If-Modified-Since", at(time.Hour)}, 200, ""},
		{[]string{"If-Modified-Since", "yesterday"}, 200, ""},
		{[]string{"If-Unmodified-Since", at(0)}, 200, ""},
		{[]string{"If-Unmodified-Since", at(-time.Second)}, 412, "If-Unmodified-Since"},
		{[]string{"If-Match", etag, "If-Unmodified-Since", at(-time.Second)}, 200, ""},
		{[]string{"If-None-Match", etag, "If-Modified-Since", at(-time.Second)}, 304, ""},
		{[]string{"If-None-Match", other, "If-Modified-Since", at(0)}, 200, ""},
		{[]string{"If-Match", other, "If-None-Match", etag}, 412, "If-Match"},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			res, text := b.sendSigned(method, "/box/k", "", c.headers...)
			if res.StatusCode != c.status || method == "GET" && !strings.Contains(text, c.failed) || c.status != 200 && c.status != 412 && text != "" || c.status == 304 && res.Header.Get("Etag") != etag {
				t.Errorf("%s %v: %s %v %s", method, c.headers, res.Status, res.Header, text)
			}
		}
	}
}

func TestResponseOverrides(t *testing.T) {
	b := start(t)
	b.create("box")
	b.put("box", "k", "hello")
	const query = "/box/k?response-content-type=text%2Fplain&response-content-disposition=attachment&response-cache-control=no-store&response-content-encoding=br&response-content-language=fr&response-expires=Thu%2C%2001%20Dec%202033%2016%3A00%3A00%20GMT"
	for _, method := range []string{"GET", "HEAD"} {
		res, _ := b.sendSigned(method, query, "")
		for name, want := range map[string]string{"Content-Type": "text/plain", "Content-Disposition": "attachment", "Cache-Control": "no-store", "Content-Encoding": "br", "Content-Language": "fr", "Expires": "Thu, 01 Dec 2033 16:00:00 GMT"} {
			if got := res.Header.Get(name); got != want {
				t.Errorf("%s %s: %q, want %q", method, name, got, want)
			}
		}
	}
	b.open("box")
	must(b.PutBucketPolicy(t.Context(), &sdk.PutBucketPolicyInput{Bucket: aws.String("box"), Policy: aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::box/*"}}`)}))(t)
	if res, text := b.send("GET", "/box/k", ""); res.StatusCode != 200 || text != "hello" {
		t.Errorf("anonymous: %s %s", res.Status, text)
	}
	if res, text := b.send("GET", query, ""); res.StatusCode != 400 || !strings.Contains(text, "Request specific response headers cannot be used for anonymous GET requests.") {
		t.Errorf("anonymous overrides: %s %s", res.Status, text)
	}
}

// What does not exist, and what is not there for now.
func TestAbsentObjects(t *testing.T) {
	b := start(t)
	b.create("box")
	_, _, err := b.tryGet("box", "k")
	wants(t, "no key", err, 404, "NoSuchKey: The specified key does not exist.")
	_, _, err = b.tryGet("nobody", "k")
	wants(t, "no bucket", err, 404, noBucket)
	_, _, err = b.tryGet("box", "k", func(i *sdk.GetObjectInput) { i.VersionId = aws.String("x") })
	wants(t, "no id", err, 400, "InvalidArgument: Invalid version id specified")
	_, _, err = b.tryGet("box", "k", func(i *sdk.GetObjectInput) { i.VersionId = aws.String("null") })
	wants(t, "no version", err, 404, "NoSuchVersion: The specified version does not exist.")
	b.put("box", "cold", "x", func(i *sdk.PutObjectInput) { i.StorageClass = types.StorageClassGlacier })
	_, _, err = b.tryGet("box", "cold")
	wants(t, "an archived object", err, 403, "InvalidObjectState: The operation is not valid for the object's storage class")
	res, text := b.sendSigned("HEAD", "/box/k", "")
	if res.StatusCode != 404 || text != "" {
		t.Errorf("HEAD: %s %s", res.Status, text)
	}
	res, _ = b.sendSigned("HEAD", "/box/cold", "")
	if res.StatusCode != 200 || res.Header.Get("X-Amz-Storage-Class") != "GLACIER" {
		t.Errorf("HEAD of an archived object: %s", res.Status)
	}
}

// Keys are any UTF-8, and nothing in them means anything.
func TestOddKeys(t *testing.T) {
	b := start(t)
	b.create("box")
	keys := []string{"a//b", "/lead", "../up", "./here", "a/../b", "dir/", "a b+c", "ü/水車", "50%", "%2F", "q?x=1&y", "semi;colon", "a\tb\nc", "\x01\x1f", `"<&>'`, strings.Repeat("ä", 512), "~", "*", "back\\slash", "uploads", "?acl", "a%00b"}
	for i, key := range keys {
		b.put("box", key, fmt.Sprint(i))
	}
	for i, key := range keys {
		if _, text := b.get("box", key); text != fmt.Sprint(i) {
			t.Errorf("%q has %q", key, text)
		}
	}
	var listed []string
	for p := sdk.NewListObjectsV2Paginator(b.Client, &sdk.ListObjectsV2Input{Bucket: aws.String("box"), MaxKeys: aws.Int32(3), EncodingType: types.EncodingTypeUrl}); p.HasMorePages(); {
		for _, o := range must(p.NextPage(t.Context()))(t).Contents {
			listed = append(listed, *o.Key)
		}
	}
	if len(listed) != len(keys) {
		t.Errorf("listed %d of %d: %q", len(listed), len(keys), listed)
	}
}
