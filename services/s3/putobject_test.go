package s3_test

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"io"
	"maps"
	"millrace/runtime/object/checksum"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// What is put comes back, short and long, with its headers.
func TestPutAndGet(t *testing.T) {
	b := start(t)
	b.create("box")
	for _, n := range []int{0, 1, 64 << 10, 64<<10 + 1, 300_000} {
		body := string(noise(uint64(n), n))
		sum := md5.Sum([]byte(body))
		before := time.Now().Add(-time.Second)
		put := b.put("box", "a/key", body, func(in *sdk.PutObjectInput) {
			in.ContentType, in.CacheControl, in.ContentLanguage = aws.String("text/plain"), aws.String("no-cache"), aws.String("de")
			in.ContentDisposition, in.ContentEncoding, in.Expires = aws.String("inline"), aws.String("gzip"), aws.Time(time.Unix(2e9, 0))
			in.Metadata = map[string]string{"Color": "Blue", "empty": ""}
			in.Tagging, in.StorageClass = aws.String("a=1&b=2"), types.StorageClassStandardIa
			in.WebsiteRedirectLocation = aws.String("/elsewhere")
		})
		if want := `"` + hex.EncodeToString(sum[:]) + `"`; str(put.ETag) != want || put.VersionId != nil || put.ServerSideEncryption != types.ServerSideEncryptionAes256 {
			t.Errorf("put of %d: %+v", n, put)
		}
		got, text := b.get("box", "a/key", func(in *sdk.GetObjectInput) { in.ChecksumMode = types.ChecksumModeEnabled })
		if text != body || str(got.ETag) != str(put.ETag) || aws.ToInt64(got.ContentLength) != int64(n) || str(got.ContentType) != "text/plain" ||
			str(got.CacheControl) != "no-cache" || str(got.ContentLanguage) != "de" || str(got.ContentDisposition) != "inline" || str(got.ContentEncoding) != "gzip" ||
			str(got.ExpiresString) != "Wed, 18 May 2033 03:33:20 GMT" || !maps.Equal(got.Metadata, map[string]string{"color": "Blue", "empty": ""}) ||
			aws.ToInt32(got.TagCount) != 2 || got.StorageClass != types.StorageClassStandardIa || str(got.WebsiteRedirectLocation) != "/elsewhere" ||
			str(got.ChecksumCRC32) != str(put.ChecksumCRC32) || got.ChecksumType != types.ChecksumTypeFullObject || got.LastModified.Before(before.Truncate(time.Second)) || str(got.AcceptRanges) != "bytes" {
			t.Errorf("get of %d: %d bytes, %+v", n, len(text), got)
		}
		head := must(b.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: aws.String("box"), Key: aws.String("a/key")}))(t)
		if str(head.ETag) != str(put.ETag) || aws.ToInt64(head.ContentLength) != int64(n) || !maps.Equal(head.Metadata, got.Metadata) || head.ChecksumCRC32 != nil {
			t.Errorf("head of %d: %+v", n, head)
		}
	}
}

// A client that says nothing of a checksum gets a CRC64NVME, and nothing else is made up.
func TestPutOfPlainClient(t *testing.T) {
	b := start(t)
	b.create("box")
	res, text := b.sendSigned("PUT", "/box/k", "hello world")
	if res.StatusCode != 200 || text != "" || res.Header.Get("X-Amz-Checksum-Crc64nvme") != "jSnVw/bqjr4=" || res.Header.Get("X-Amz-Checksum-Type") != "FULL_OBJECT" ||
		res.Header.Get("X-Amz-Server-Side-Encryption") != "AES256" || res.Header.Get("Etag") != `"5eb63bbbe01eeed093cb22bb8f5acdc3"` {
		t.Errorf("%s %v %s", res.Status, res.Header, text)
	}
	res, text = b.sendSigned("GET", "/box/k", "")
	if text != "hello world" || res.Header.Get("Content-Type") != "binary/octet-stream" || res.Header.Get("X-Amz-Storage-Class") != "" || res.Header.Get("X-Amz-Checksum-Crc64nvme") != "" || res.ContentLength != 11 {
		t.Errorf("%s %v %s", res.Status, res.Header, text)
	}
}

// Each rule of a put, by its refusal; nothing is stored then.
func TestPutRefusals(t *testing.T) {
	b := start(t)
	b.create("box")
	type in = sdk.PutObjectInput
	long := strings.Repeat("x", 1025)
	for _, c := range []struct {
		rule   string
		change func(*in)
		status int
		want   string
	}{
		{"no bucket", func(i *in) { i.Bucket = aws.String("nobody") }, 404, noBucket},
		{"a long key", func(i *in) { i.Key = &long }, 400, "KeyTooLongError: Your key is too long"},
		{"a key that is no UTF-8", func(i *in) { i.Key = aws.String("a\xff\xfe") }, 400, "InvalidURI: Couldn't parse the specified URI."},
		{"another MD5", func(i *in) { i.ContentMD5 = aws.String("XrY7u+Ae7tCTyyK7j1rNww==") }, 400, "BadDigest: The Content-MD5 you specified did not match what we received."},
		{"no MD5", func(i *in) { i.ContentMD5 = aws.String("eA==") }, 400, "InvalidDigest: The Content-MD5 you specified was invalid."},
		{"another checksum", func(i *in) { i.ChecksumSHA256 = aws.String(base64.StdEncoding.EncodeToString(make([]byte, 32))) }, 400, "BadDigest: The SHA256 you specified did not match the calculated checksum."},
		{"no checksum", func(i *in) { i.ChecksumSHA256 = aws.String("eA==") }, 400, "InvalidRequest: Value for x-amz-checksum-sha256 header is invalid."},
		{"two checksums", func(i *in) { i.ChecksumCRC32, i.ChecksumSHA1 = aws.String("eA=="), aws.String("eA==") }, 400, "InvalidRequest: Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."},
		{"a storage class", func(i *in) { i.StorageClass = "COLD" }, 400, "InvalidStorageClass: The storage class you specified is not valid"},
		{"an ACL", func(i *in) { i.ACL = types.ObjectCannedACLPublicRead }, 400, "AccessControlListNotSupported: The bucket does not allow ACLs"},
		{"a grant", func(i *in) { i.GrantRead = aws.String("id=x") }, 400, "AccessControlListNotSupported: The bucket does not allow ACLs"},
		{"a lock", func(i *in) {
			i.ObjectLockMode, i.ObjectLockRetainUntilDate = types.ObjectLockModeGovernance, aws.Time(time.Now())
		}, 400, "InvalidRequest: Bucket is missing Object Lock Configuration"},
		{"eleven tags", func(i *in) { i.Tagging = aws.String("a=&b=&c=&d=&e=&f=&g=&h=&i=&j=&k=") }, 400, "BadRequest: Object tags cannot be greater than 10"},
		{"a tag twice", func(i *in) { i.Tagging = aws.String("a=1&a=2") }, 400, "InvalidArgument: The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates."},
		{"a tag of AWS", func(i *in) { i.Tagging = aws.String("aws:a=1") }, 400, "InvalidTag: Your TagKey cannot be prefixed with aws:"},
		{"a tag's characters", func(i *in) { i.Tagging = aws.String("a=%3C") }, 400, "InvalidTag: The TagValue you have provided is invalid"},
		{"a redirect", func(i *in) { i.WebsiteRedirectLocation = aws.String("there") }, 400, "InvalidRedirectLocation: The website redirect location must have a prefix of 'http://' or 'https://' or '/'."},
		{"metadata", func(i *in) { i.Metadata = map[string]string{"a": strings.Repeat("x", 2048)} }, 400, "MetadataTooLarge: Your metadata headers exceed the maximum allowed metadata size"},
		{"a way of encryption", func(i *in) { i.ServerSideEncryption = "ROT13" }, 400, "InvalidArgument: The encryption method specified is not supported"},
		{"a KMS key without KMS", func(i *in) { i.SSEKMSKeyId = aws.String("alias/x") }, 400, "InvalidArgument: Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms"},
		{"a KMS key that is none", func(i *in) { i.ServerSideEncryption, i.SSEKMSKeyId = "aws:kms", aws.String("alias/x") }, 400, "KMS.NotFoundException: Alias arn:aws:kms:us-east-1:111111111111:alias/x is not found."},
		{"a client's own key", func(i *in) {
			i.SSECustomerAlgorithm, i.SSECustomerKey = aws.String("AES256"), aws.String(base64.StdEncoding.EncodeToString(make([]byte, 32)))
		}, 403, denied},
		{"an offset", func(i *in) { i.WriteOffsetBytes = aws.Int64(5) }, 501, "NotImplemented: A header you provided implies functionality that is not implemented"},
		{"If-Match with a star", func(i *in) { i.IfMatch = aws.String("*") }, 501, "NotImplemented: A header you provided implies functionality that is not implemented"},
		{"If-None-Match with an ETag", func(i *in) { i.IfNoneMatch = aws.String("x") }, 501, "NotImplemented: A header you provided implies functionality that is not implemented"},
		{"both conditions", func(i *in) { i.IfMatch, i.IfNoneMatch = aws.String("x"), aws.String("*") }, 501, "NotImplemented: A header you provided implies functionality that is not implemented"},
		{"If-Match without an object", func(i *in) { i.IfMatch = aws.String("x") }, 404, "NoSuchKey: The specified key does not exist."},
	} {
		_, err := b.tryPut("box", "k", "hello", c.change)
		wants(t, c.rule, err, c.status, c.want)
	}
	for _, c := range []struct {
		rule    string
		headers []string
		want    string
	}{
		{"the SHA-256 of another body", []string{"X-Amz-Content-Sha256", strings.Repeat("0", 64)}, "XAmzContentSHA256Mismatch"},
		{"an algorithm that is none", []string{"X-Amz-Sdk-Checksum-Algorithm", "CRC16"}, "InvalidRequest"},
		{"another algorithm than is announced", []string{"X-Amz-Sdk-Checksum-Algorithm", "SHA1", "X-Amz-Checksum-Crc32", "NhCmhg=="}, "InvalidRequest"},
	} {
		res, text := b.sendSigned("PUT", "/box/k", "hello", c.headers...)
		if res.StatusCode != 400 || !strings.Contains(text, "<Code>"+c.want+"</Code>") {
			t.Errorf("%s: %s %s", c.rule, res.Status, text)
		}
	}
	if out := must(b.ListObjectsV2(t.Context(), &sdk.ListObjectsV2Input{Bucket: aws.String("box")}))(t); len(out.Contents) != 0 {
		t.Errorf("stored: %v", out.Contents)
	}
}

// S3 User Guide, "Conditional writes".
func TestConditionalPuts(t *testing.T) {
	b := start(t)
	b.create("box")
	type in = sdk.PutObjectInput
	absent := func(i *in) { i.IfNoneMatch = aws.String("*") }
	first := b.put("box", "k", "1", absent)
	_, err := b.tryPut("box", "k", "2", absent)
	wants(t, "an object that exists", err, 412, failed)
	same := func(i *in) { i.IfMatch = first.ETag }
	b.put("box", "k", "3", same)
	_, err = b.tryPut("box", "k", "4", same)
	wants(t, "an object that has changed", err, 412, failed)
	b.enableVersions("box")
	b.delete("box", "k", "")
	_, err = b.tryPut("box", "k", "5", same)
	wants(t, "a delete marker", err, 404, "NoSuchKey: The specified key does not exist.")
	b.put("box", "k", "6", absent)
	if _, text := b.get("box", "k"); text != "6" {
		t.Errorf("stored: %s", text)
	}
}

const failed = "PreconditionFailed: At least one of the pre-conditions you specified did not hold"

// What is not ASCII in a header is read as ISO 8859-1, or by RFC 2047, and comes back by RFC
// 2047.
func TestMetadataBeyondASCII(t *testing.T) {
	b := start(t)
	b.create("box")
	for sent, want := range map[string]string{
		"plain text":                     "plain text",
		"=?UTF-8?Q?AMAZONS3?=":           "AMAZONS3",
		"=?UTF-8?Q?=C3=84?=":             "=?UTF-8?B?w4Q=?=",
		"\xc4":                           "=?UTF-8?B?w4Q=?=",
		"\xc3\x84":                       "=?UTF-8?B?w4PChA==?=",
		"=?UTF-8?B?not base64 at all!?=": "=?UTF-8?B?not base64 at all!?=",
	} {
		if res, text := b.sendSigned("PUT", "/box/k", "", "X-Amz-Meta-A", sent); res.StatusCode != 200 {
			t.Fatalf("%q: %s", sent, text)
		}
		if res, _ := b.sendSigned("HEAD", "/box/k", ""); res.Header.Get("X-Amz-Meta-A") != want {
			t.Errorf("%q came back as %q, want %q", sent, res.Header.Get("X-Amz-Meta-A"), want)
		}
	}
}

// Each algorithm of S3, right and wrong, in a header and in a trailer.
func TestPutChecksums(t *testing.T) {
	b := start(t)
	b.create("box")
	for _, a := range checksum.All() {
		hash := checksum.New(a)
		hash.Write([]byte("hello"))
		right := base64.StdEncoding.EncodeToString(hash.Sum(nil))
		wrong := base64.StdEncoding.EncodeToString(make([]byte, a.Size()))
		for _, trailer := range []bool{false, true} {
			send := func(value string) (*http.Response, string) {
				if !trailer {
					return b.sendSigned("PUT", "/box/k", "hello", a.Header(), value)
				}
				return b.sendSigned("PUT", "/box/k", "5\r\nhello\r\n0\r\n"+a.Header()+":"+value+"\r\n\r\n",
					"X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Trailer", a.Header(), "X-Amz-Decoded-Content-Length", "5")
			}
			if res, text := send(wrong); res.StatusCode != 400 || !strings.Contains(text, "<Code>BadDigest</Code><Message>The "+a.String()+" you specified did not match the calculated checksum.</Message>") {
				t.Errorf("a wrong %s, trailer %v: %s %s", a, trailer, res.Status, text)
			}
			if res, text := send("eA=="); res.StatusCode != 400 || !strings.Contains(text, "Value for "+a.Header()+" header is invalid.") {
				t.Errorf("no %s, trailer %v: %s %s", a, trailer, res.Status, text)
			}
			if res, text := send(right); res.StatusCode != 200 || res.Header.Get(a.Header()) != right {
				t.Errorf("%s, trailer %v: %s %v %s", a, trailer, res.Status, res.Header, text)
			}
			if res, _ := b.sendSigned("HEAD", "/box/k", "", "X-Amz-Checksum-Mode", "ENABLED"); res.Header.Get(a.Header()) != right || res.Header.Get("X-Amz-Checksum-Type") != "FULL_OBJECT" {
				t.Errorf("%s: HEAD says %v", a, res.Header)
			}
		}
	}
}

// The names of a client's own headers are in lower case on the wire: boto3 takes them so.
func TestMetadataNames(t *testing.T) {
	b := start(t)
	b.create("box")
	b.put("box", "k", "", func(i *sdk.PutObjectInput) { i.Metadata = map[string]string{"Some-Name": "1"} })
	conn := must(net.Dial("tcp", strings.TrimPrefix(b.url, "http://")))(t)
	defer conn.Close()
	req := must(http.NewRequest("HEAD", b.url+"/box/k", nil))(t)
	req.Close = true
	for pair := range slices.Chunk(asAccount(), 2) {
		req.Header.Set(pair[0], pair[1])
	}
	req.Header.Set("Authorization", authorization(req.Header))
	if err := req.Write(conn); err != nil {
		t.Fatal(err)
	}
	if answer := must(io.ReadAll(conn))(t); !strings.Contains(string(answer), "\r\nx-amz-meta-some-name: 1\r\n") {
		t.Errorf("%s", answer)
	}
}

// Bodies in chunks that are not as long as their heads say, or too long by what they say.
func TestLengths(t *testing.T) {
	b := start(t)
	b.create("box")
	for _, c := range []struct{ length, want string }{
		{"", "411 <Code>MissingContentLength</Code>"}, {"x", "411 <Code>MissingContentLength</Code>"}, {"5368709121", "400 <Code>EntityTooLarge</Code>"},
		{"4", "400 <Code>IncompleteBody</Code>"}, {"6", "400 <Code>IncompleteBody</Code>"}, {"5", "200"},
	} {
		res, text := b.sendSigned("PUT", "/box/k", "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
			"X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Trailer", "x-amz-checksum-crc32", "Content-Encoding", "aws-chunked,br", "X-Amz-Decoded-Content-Length", c.length)
		status, code, _ := strings.Cut(c.want, " ")
		if !strings.HasPrefix(res.Status, status) || !strings.Contains(text, code) {
			t.Errorf("decoded length %q: %s %s", c.length, res.Status, text)
		}
	}
	if out, text := b.get("box", "k"); text != "hello" || str(out.ContentEncoding) != "br" {
		t.Errorf("%q, coded %s", text, str(out.ContentEncoding))
	}
}
