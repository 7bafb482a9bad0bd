package sigv4

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
)

// usualSecrets are what clients are given as a secret where any will do, beside the access
// key once more.
var usualSecrets = []string{"test", "secret", "testing", "dummy", "fake", "local", "password"}

var methods = []string{http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodHead, http.MethodPost}

// checkMethod refuses a presigned request that surely was signed for another method,
// although the secret of its access key is not known: a usual secret makes its signature
// with that method. What no usual secret has signed passes.
func (s *Signature) checkMethod(r *http.Request) error {
	if !s.Presigned || s.madeFor(r, r.Method) {
		return nil
	}
	for _, method := range methods {
		if method != r.Method && s.madeFor(r, method) {
			s.sign(r, canonicalPath(rawPath(r)))
			if s.Algorithm == V2 {
				s.canonicalRequest, s.stringToSign = "", v2StringToSign(r, r.Method, v2Resource(r, r.URL.Path), r.Header.Get("Content-Type"))
			}
			return s.mismatch()
		}
	}
	return nil
}

// madeFor reports whether a usual secret makes the signature of the request, sent with a
// method.
func (s *Signature) madeFor(r *http.Request, method string) bool {
	sent := *r
	sent.Method = method
	for _, secret := range append([]string{s.AccessKey}, usualSecrets...) {
		if s.Algorithm == V2 {
			if s.v2MadeWith(&sent, secret) {
				return true
			}
			continue
		}
		made := *s
		made.key = SigningKey(secret, s.Time.Format(dateLayout), s.Region, s.Service)
		for _, path := range []string{canonicalPath(rawPath(r)), rawPath(r)} {
			if made.sign(&sent, path); made.matches() {
				return true
			}
		}
	}
	return false
}

// v2MadeWith reports whether a secret makes a presigned signature of Version 2. The client
// may have signed no content type and send one.
func (s *Signature) v2MadeWith(r *http.Request, secret string) bool {
	resources := []string{v2Resource(r, rawPath(r))}
	if bucket, _, ok := strings.Cut(r.Host, ".s3."); ok { // as it is in the host
		resources = append(resources, v2Resource(r, "/"+bucket+rawPath(r)))
	}
	for _, resource := range resources {
		for _, kind := range []string{"", r.Header.Get("Content-Type")} {
			h := hmac.New(sha1.New, []byte(secret))
			h.Write([]byte(v2StringToSign(r, r.Method, resource, kind)))
			if hmac.Equal([]byte(base64.StdEncoding.EncodeToString(h.Sum(nil))), []byte(s.Signature)) {
				return true
			}
		}
	}
	return false
}

// v2StringToSign is what a presigned request signs in Version 2 ("Signing and
// authenticating REST requests" of the S3 API reference).
func v2StringToSign(r *http.Request, method, resource, kind string) string {
	text := method + "\n" + r.Header.Get("Content-Md5") + "\n" + kind + "\n" + r.URL.Query().Get("Expires") + "\n"
	var names []string
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Amz-") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		text += strings.ToLower(name) + ":" + strings.Join(r.Header[name], ",") + "\n"
	}
	return text + resource
}

// v2Subresources are the parameters that Version 2 signs with the path.
var v2Subresources = []string{"acl", "cors", "delete", "lifecycle", "location", "logging", "notification", "partNumber", "policy", "replication",
	"requestPayment", "response-cache-control", "response-content-disposition", "response-content-encoding", "response-content-language",
	"response-content-type", "response-expires", "restore", "tagging", "torrent", "uploadId", "uploads", "versionId", "versioning", "versions", "website"}

func v2Resource(r *http.Request, path string) string {
	query, signed := r.URL.Query(), []string(nil)
	for _, name := range v2Subresources {
		if !query.Has(name) {
			continue
		}
		if value := query.Get(name); value != "" {
			name += "=" + value
		}
		signed = append(signed, name)
	}
	if signed == nil {
		return path
	}
	return path + "?" + strings.Join(signed, "&")
}
