package s3_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"millrace/services/internal/sigv4"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// follow sends a presigned request, with a body and headers in turn.
func (b *bench) follow(r *v4.PresignedHTTPRequest, body string, headers ...string) (*http.Response, string) {
	b.t.Helper()
	for name := range r.SignedHeader {
		if name != "Host" && name != "Content-Length" {
			headers = append(headers, name, r.SignedHeader.Get(name))
		}
	}
	return b.send(r.Method, strings.TrimPrefix(r.URL, b.url), body, headers...)
}

// A URL for each operation that clients presign, of an account whose secret nobody knows.
func TestPresignedURLs(t *testing.T) {
	b := start(t)
	b.create("box")
	p := sdk.NewPresignClient(b.Client)
	ctx, box, k := t.Context(), aws.String("box"), aws.String("a k+y")
	put := must(p.PresignPutObject(ctx, &sdk.PutObjectInput{Bucket: box, Key: k, ContentType: aws.String("text/plain"), Metadata: map[string]string{"m": "1"}, StorageClass: types.StorageClassStandardIa}))(t)
	if res, text := b.follow(put, "hello"); res.StatusCode != 200 {
		t.Fatalf("put: %s %s", res.Status, text)
	}
	get := must(p.PresignGetObject(ctx, &sdk.GetObjectInput{Bucket: box, Key: k, ResponseContentType: aws.String("text/html")}))(t)
	res, text := b.follow(get, "")
	if res.StatusCode != 200 || text != "hello" || res.Header.Get("Content-Type") != "text/html" || res.Header.Get("X-Amz-Meta-M") != "1" || res.Header.Get("X-Amz-Storage-Class") != "STANDARD_IA" {
		t.Errorf("get: %s %v %s", res.Status, res.Header, text)
	}
	head := must(p.PresignHeadObject(ctx, &sdk.HeadObjectInput{Bucket: box, Key: k}))(t)
	if res, _ := b.follow(head, ""); res.StatusCode != 200 || res.ContentLength != 5 {
		t.Errorf("head: %s", res.Status)
	}
	id := b.begin("box", "a k+y")
	part := must(p.PresignUploadPart(ctx, &sdk.UploadPartInput{Bucket: box, Key: k, UploadId: id, PartNumber: aws.Int32(1)}))(t)
	res, text = b.follow(part, "part")
	if res.StatusCode != 200 {
		t.Errorf("part: %s %s", res.Status, text)
	}
	if _, err := b.complete("box", "a k+y", id, []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: aws.String(res.Header.Get("Etag"))}}); err != nil {
		t.Error(err)
	}
	del := must(p.PresignDeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: box, Key: k}))(t)
	if res, text := b.follow(del, ""); res.StatusCode != 204 {
		t.Errorf("delete: %s %s", res.Status, text)
	}
	if res, text := b.follow(get, ""); res.StatusCode != 404 {
		t.Errorf("what is deleted: %s %s", res.Status, text)
	}
	// What is signed has to be there, and nothing of AWS's besides.
	res, text = b.send("PUT", strings.TrimPrefix(put.URL, b.url), "hello", "X-Amz-Meta-Other", "1")
	if res.StatusCode != 403 {
		t.Errorf("an unsigned header: %s %s", res.Status, text)
	}
	for change, want := range map[[2]string]string{
		{"X-Amz-Expires=900", "X-Amz-Expires=604801"}: "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds",
		{"X-Amz-Expires=900", "X-Amz-Expires=0x"}:     "X-Amz-Expires should be a number",
		{"X-Amz-Signature=", "X-Amz-Signed="}:         "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
	} {
		url := strings.Replace(strings.TrimPrefix(get.URL, b.url), change[0], change[1], 1)
		if res, text := b.send("GET", url, ""); res.StatusCode != 400 || !strings.Contains(text, want) {
			t.Errorf("%v: %s %s", change, res.Status, text)
		}
	}
}

// URLs in Signature Version 2, as the AWS CLI of the first version makes them, are of the
// account of their key, and expire.
func TestPresignedURLsOfVersion2(t *testing.T) {
	b := start(t)
	b.create("box")
	b.put("box", "k", "hello")
	at := func(after time.Duration) string { return strconv.FormatInt(time.Now().Add(after).Unix(), 10) }
	for query, status := range map[string]int{
		"AWSAccessKeyId=" + account + "&Signature=dLKf%3D&Expires=" + at(time.Minute):  200,
		"AWSAccessKeyId=" + stranger + "&Signature=dLKf%3D&Expires=" + at(time.Minute): 403,
		"AWSAccessKeyId=" + account + "&Signature=dLKf%3D&Expires=" + at(-time.Minute): 403,
		"AWSAccessKeyId=" + account + "&Expires=" + at(time.Minute):                    403,
	} {
		if res, text := b.send("GET", "/box/k?"+query, ""); res.StatusCode != status {
			t.Errorf("%s: %s %s", query, res.Status, text)
		}
	}
}

// A region that is none is answered with one that is: s3cmd asks again with it.
func TestWrongRegion(t *testing.T) {
	b := start(t)
	res, text := b.send("GET", "/", "", append(asAccount(), "Authorization", strings.Replace(authorization(http.Header{"X-Amz-Date": {time.Now().UTC().Format("20060102T150405Z")}, "X-Amz-Content-Sha256": {""}}), "/"+region+"/", "/US/", 1))...)
	if res.StatusCode != 400 || !strings.Contains(text, "<Code>AuthorizationHeaderMalformed</Code>") || !strings.Contains(text, "<Region>us-east-1</Region>") {
		t.Errorf("%s %s", res.Status, text)
	}
}

// Signatures of keys that the runtime has issued are compared.
func TestVerifiedSignatures(t *testing.T) {
	b := start(t)
	b.create("box")
	of := func(secret string) *sdk.Client {
		return sdk.New(sdk.Options{BaseEndpoint: &b.url, Region: region, RetryMaxAttempts: 1, UsePathStyle: true, Credentials: credentials.NewStaticCredentialsProvider(issued, secret, "")})
	}
	right, wrong := of(secret), of("another")
	put := func(c *sdk.Client, body io.Reader) error {
		_, err := c.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: aws.String("box"), Key: aws.String("k/ä"), Body: body})
		return err
	}
	const mismatch = "SignatureDoesNotMatch: The request signature we calculated does not match the signature you provided. Check your key and signing method."
	wants(t, "the secret", put(right, strings.NewReader("hello")), 0, "")
	wants(t, "another secret", put(wrong, strings.NewReader("other")), 403, mismatch)
	long := hex.EncodeToString(noise(1, 50_000))
	for _, c := range []struct {
		rule, secret, broken string
		status               int
	}{
		{"chunks", secret, "", 200}, {"chunks with another secret", "another", "", 403}, {"a chunk that was changed", secret, "chunk", 403},
	} {
		if res, text := b.sendChunks(c.secret, "/box/k/%C3%A4", long, c.broken != ""); res.StatusCode != c.status || c.status == 403 && !strings.Contains(text, "<Code>SignatureDoesNotMatch</Code>") {
			t.Errorf("%s: %s %s", c.rule, res.Status, text)
		}
	}
	get := must(sdk.NewPresignClient(right).PresignGetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String("box"), Key: aws.String("k/ä")}, sdk.WithPresignExpires(time.Minute)))(t)
	if res, text := b.follow(get, ""); res.StatusCode != 200 || text != long {
		t.Errorf("a URL: %s, %d bytes", res.Status, len(text))
	}
	get.Method = "DELETE"
	if res, text := b.follow(get, ""); res.StatusCode != 403 || !strings.Contains(text, "<Code>SignatureDoesNotMatch</Code>") || !strings.Contains(text, "<StringToSign>") {
		t.Errorf("a URL for another method: %s %s", res.Status, text)
	}
	get.Method = "GET"
	get.URL = strings.Replace(get.URL, "X-Amz-Expires=60", "X-Amz-Expires=61", 1)
	if res, text := b.follow(get, ""); res.StatusCode != 403 {
		t.Errorf("a URL that was changed: %s %s", res.Status, text)
	}
}

// sendChunks puts an object in signed chunks, of which the last may have another content than
// was signed.
func (b *bench) sendChunks(secret, path, body string, change bool) (*http.Response, string) {
	b.t.Helper()
	const form, layout = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "20060102T150405Z"
	now := time.Now().UTC()
	req := must(http.NewRequestWithContext(b.t.Context(), "PUT", b.url+path, nil))(b.t)
	req.Header.Set("X-Amz-Content-Sha256", form)
	req.Header.Set("X-Amz-Decoded-Content-Length", strconv.Itoa(len(body)))
	req.Header.Set("Content-Encoding", "aws-chunked")
	key := aws.Credentials{AccessKeyID: issued, SecretAccessKey: secret}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err := signer.SignHTTP(b.t.Context(), key, req, form, "s3", region, now); err != nil {
		b.t.Fatal(err)
	}
	_, signature, _ := strings.Cut(req.Header.Get("Authorization"), "Signature=")
	scope := now.Format("20060102") + "/" + region + "/s3/aws4_request"
	hash := func(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }
	var out strings.Builder
	for _, chunk := range []string{body[:70_000], body[70_000:], ""} {
		mac := hmac.New(sha256.New, sigv4.SigningKey(secret, now.Format("20060102"), region, "s3"))
		io.WriteString(mac, strings.Join([]string{"AWS4-HMAC-SHA256-PAYLOAD", now.Format(layout), scope, signature, hash(""), hash(chunk)}, "\n"))
		signature = fmt.Sprintf("%x", mac.Sum(nil))
		if change {
			chunk = strings.ToUpper(chunk)
		}
		fmt.Fprintf(&out, "%x;chunk-signature=%s\r\n%s\r\n", len(chunk), signature, chunk)
	}
	var headers []string
	for name := range req.Header {
		headers = append(headers, name, req.Header.Get(name))
	}
	return b.send("PUT", path, out.String(), headers...)
}

// S3's times: fifteen minutes of skew, and the end of a URL.
func TestSignaturesExpire(t *testing.T) {
	b := start(t)
	b.create("box")
	b.put("box", "k", "hello")
	get := must(sdk.NewPresignClient(b.Client).PresignGetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String("box"), Key: aws.String("k")}, sdk.WithPresignExpires(time.Hour)))(t)
	for _, c := range []struct {
		later  time.Duration
		url    int
		header int
	}{{0, 200, 200}, {14 * time.Minute, 200, 200}, {16 * time.Minute, 200, 403}, {59 * time.Minute, 200, 403}, {61 * time.Minute, 403, 403}} {
		b.later.Store(int64(c.later))
		res, text := b.follow(get, "")
		if res.StatusCode != c.url || c.url == 403 && !strings.Contains(text, "<Code>AccessDenied</Code><Message>Request has expired</Message>") {
			t.Errorf("a URL %v later: %s %s", c.later, res.Status, text)
		}
		res, text = b.sendSigned("GET", "/box/k", "")
		if res.StatusCode != c.header || c.header == 403 && !strings.Contains(text, "<Code>RequestTimeTooSkewed</Code>") {
			t.Errorf("a request %v later: %s %s", c.later, res.Status, text)
		}
	}
}
