package s3_test

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

const tagging = "<Tagging><TagSet></TagSet></Tagging>"

func digests(text string) (md5Sum, sha256Sum string) {
	a, b := md5.Sum([]byte(text)), sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(a[:]), hex.EncodeToString(b[:])
}

// A document is held against each digest that comes with it, and an upload says its
// length, before anything is done.
func TestVerify(t *testing.T) {
	g := newGateway(t)
	sum, sha := digests(tagging)
	otherSum, otherSHA := digests("other")
	const empty = "1B2M2Y8AsgTpgAmY7PhCfg=="
	for _, tt := range []struct {
		rule, line string
		body       string
		headers    []string
		want       string
	}{
		{"no digest", "/b?tagging", tagging, nil, "Called PutBucketTagging"},
		{"the right MD5", "/b?tagging", tagging, []string{"Content-MD5", sum}, "Called PutBucketTagging"},
		{"another MD5", "/b?tagging", tagging, []string{"Content-MD5", otherSum}, "BadDigest The Content-MD5 you specified did not match what we received."},
		{"an MD5 that is none", "/b?tagging", tagging, []string{"Content-MD5", "abc"}, "InvalidDigest The Content-MD5 you specified was invalid."},
		{"the right SHA-256", "/b?tagging", tagging, []string{"X-Amz-Content-Sha256", sha}, "Called PutBucketTagging"},
		{"another SHA-256", "/b?tagging", tagging, []string{"X-Amz-Content-Sha256", otherSHA}, "XAmzContentSHA256Mismatch The provided 'x-amz-content-sha256' header does not match what was computed."},
		{"not signed", "/b?tagging", tagging, []string{"X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"}, "Called PutBucketTagging"},
		{"the right checksum", "/b?tagging", tagging, []string{"X-Amz-Checksum-Md5", sum}, "Called PutBucketTagging"},
		{"another checksum", "/b?tagging", tagging, []string{"X-Amz-Checksum-Md5", otherSum}, "BadDigest The MD5 you specified did not match the calculated checksum."},
		{"a checksum that is none", "/b?tagging", tagging, []string{"X-Amz-Checksum-Sha256", sum}, "InvalidRequest Value for x-amz-checksum-sha256 header is invalid."},
		{"two checksums", "/b?tagging", tagging, []string{"X-Amz-Checksum-Md5", sum, "X-Amz-Checksum-Crc32", "AAAAAA=="}, "InvalidRequest Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."},
		{"an object's digests are not the head's matter", "/b/k", "body", []string{"Content-MD5", empty, "X-Amz-Content-Sha256", otherSHA, "X-Amz-Checksum-Crc32", "AAAAAA=="}, "Called PutObject"},
		{"an upload of a length", "/b/k", "body", nil, "Called PutObject"},
		{"an upload in chunks", "/b/k", "body", []string{"Content-Length", "-1"}, "NotImplemented A header you provided implies functionality that is not implemented"},
		{"an upload in chunks of a length", "/b/k", "body", []string{"Content-Length", "-1", "X-Amz-Decoded-Content-Length", "4"}, "Called PutObject"},
		{"an upload that says nothing", "/b/k", "", []string{"Content-Length", ""}, "MissingContentLength You must provide the Content-Length HTTP header."},
		{"a document too long", "/b?tagging", strings.Repeat(" ", 2<<20+1), nil, "MaxMessageLengthExceeded Your request was too big."},
		{"a document that is none", "/b?tagging", "<Tagging>", nil, "MalformedXML The XML you provided was not well-formed or did not validate against our published schema"},
	} {
		r := target(t, "PUT", "localhost", tt.line)
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(tt.body)), int64(len(tt.body))
		for pair := range slices.Chunk(tt.headers, 2) {
			r.Header.Set(pair[0], pair[1])
			switch {
			case pair[0] != "Content-Length":
			case pair[1] == "-1":
				r.ContentLength = -1
				fallthrough
			default:
				r.Header.Del("Content-Length")
			}
		}
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		got := said(w.Body.String(), "Code") + " " + strings.ReplaceAll(said(w.Body.String(), "Message"), "&apos;", "'")
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.rule, got, tt.want)
		}
	}
}
