package s3

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/textproto"
	"slices"

	"millrace/runtime/object/checksum"
	"millrace/services/internal/sigv4"
	"millrace/services/internal/wire"
)

// VerifyHead implements gateway.Verifier: a signature is right, and an upload says how long
// it is.
func (s *Service) VerifyHead(_ context.Context, op *wire.Operation, r *wire.Request) error {
	if err := s.checkSignature(r.HTTP); err != nil {
		return err
	}
	if op.StreamIn {
		return checkLength(r.HTTP)
	}
	return nil
}

// checkLength refuses an upload of unknown length. In chunks of HTTP's own, it has to say
// the length of what is encoded in it; that is how SDKs send streams.
func checkLength(r *http.Request) error {
	switch {
	case r.Header.Get("X-Amz-Decoded-Content-Length") != "":
		return nil
	case r.ContentLength < 0:
		return notImplementedHeader("Transfer-Encoding", "")
	case r.ContentLength == 0 && r.Header.Get("Content-Length") == "":
		return refusal("MissingContentLength", http.StatusLengthRequired, "You must provide the Content-Length HTTP header.")
	}
	return nil
}

// VerifyBody implements gateway.Verifier: a document is what its digests say.
func (*Service) VerifyBody(_ context.Context, op *wire.Operation, r *wire.Request) error {
	h := r.HTTP.Header
	if err := checkMD5(h.Get("Content-Md5"), r.Body); err != nil {
		return err
	}
	if err := checkSHA256(h.Get("X-Amz-Content-Sha256"), r.Body); err != nil {
		return err
	}
	return checkSums(op, h, r.Body)
}

// checkSums holds a document against its checksum. Where the operation has checksums
// among its members, they are an object's.
func checkSums(op *wire.Operation, h http.Header, body []byte) error {
	var one checksum.Algorithm
	for _, a := range checksum.All() {
		name := textproto.CanonicalMIMEHeaderKey(a.Header())
		if h[name] == nil || slices.ContainsFunc(op.Input.Members, func(m *wire.Member) bool { return m.Header == name }) {
			continue
		}
		if one != checksum.None {
			return invalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		one = a
	}
	switch {
	case one == checksum.None && op.Name == "DeleteObjects" && h.Get("Content-Md5") == "":
		return invalidRequest("Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	case one == checksum.None:
		return nil
	}
	said, err := givenChecksum{one, h.Get(one.Header())}.read()
	if err != nil {
		return err
	}
	sum := checksum.New(one)
	sum.Write(body)
	if checksum.Of(one, sum.Sum(nil)) != said {
		return badChecksum(one.String())
	}
	return nil
}

// checkMD5 holds a body against a Content-MD5, "" for none.
func checkMD5(said string, body []byte) error {
	if said == "" {
		return nil
	}
	if raw, err := base64.StdEncoding.DecodeString(said); err != nil || len(raw) != md5.Size {
		return invalidMD5(said)
	}
	sum := md5.Sum(body)
	if found := base64.StdEncoding.EncodeToString(sum[:]); found != said {
		return wrongMD5(said, found)
	}
	return nil
}

func invalidMD5(said string) *wire.Error {
	return refusal("InvalidDigest", http.StatusBadRequest, "The Content-MD5 you specified was invalid.", "Content-MD5", said)
}

func wrongMD5(said, found string) *wire.Error {
	return refusal("BadDigest", http.StatusBadRequest, "The Content-MD5 you specified did not match what we received.",
		"ExpectedDigest", said, "CalculatedDigest", found)
}

// checkSHA256 holds a body against what its signature was made of. What is no digest, as
// UNSIGNED-PAYLOAD, is the signature's own matter.
func checkSHA256(said string, body []byte) error {
	if raw, err := hex.DecodeString(said); err != nil || len(raw) != sha256.Size {
		return nil
	}
	sum := sha256.Sum256(body)
	if found := hex.EncodeToString(sum[:]); found != said {
		return sigv4.PayloadMismatch(said, found)
	}
	return nil
}
