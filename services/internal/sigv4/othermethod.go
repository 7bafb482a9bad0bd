package sigv4

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
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
	if !s.Presigned {
		return nil
	}
	sign := s.usualSigners()
	made := func(method string) bool {
		sent := *r
		sent.Method = method
		for _, text := range s.textsToSign(&sent) {
			if slices.ContainsFunc(sign, func(with signer) bool { return with(text) == s.Signature }) {
				return true
			}
		}
		return false
	}
	if made(r.Method) || !slices.ContainsFunc(methods, made) {
		return nil
	}
	s.textsToSign(r)
	return s.mismatch()
}

// A signer makes the signature of a text with one secret.
type signer func(text string) string

// usualSigners sign with the usual secrets.
func (s *Signature) usualSigners() (all []signer) {
	for _, secret := range append([]string{s.AccessKey}, usualSecrets...) {
		if s.Algorithm == V2 {
			all = append(all, func(text string) string {
				h := hmac.New(sha1.New, []byte(secret))
				h.Write([]byte(text))
				return base64.StdEncoding.EncodeToString(h.Sum(nil))
			})
			continue
		}
		key := SigningKey(secret, s.Time.Format(dateLayout), s.Region, s.Service)
		all = append(all, func(text string) string { return hex.EncodeToString(mac(key, text)) })
	}
	return all
}

// textsToSign are what a client may have signed of a request. The last one is that of an
// error's answer.
func (s *Signature) textsToSign(r *http.Request) (all []string) {
	sent := rawPath(r)
	if s.Algorithm != V2 {
		for _, path := range []string{sent, canonicalPath(sent)} { // some clients leave more bytes as they are
			s.sign(r, path)
			all = append(all, s.stringToSign)
		}
		return all
	}
	paths := []string{sent}
	if bucket, _, ok := strings.Cut(r.Host, ".s3."); ok { // as it is in the host
		paths = append(paths, "/"+bucket+sent)
	}
	for _, path := range paths {
		for _, kind := range []string{"", r.Header.Get("Content-Type")} { // a client may sign none and send one
			s.stringToSign = v2StringToSign(r, v2Resource(r, path), kind)
			all = append(all, s.stringToSign)
		}
	}
	return all
}

// v2StringToSign is what a presigned request signs in Version 2 ("Signing and
// authenticating REST requests" of the S3 API reference).
func v2StringToSign(r *http.Request, resource, kind string) string {
	text := r.Method + "\n" + r.Header.Get("Content-Md5") + "\n" + kind + "\n" + r.URL.Query().Get("Expires") + "\n"
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
