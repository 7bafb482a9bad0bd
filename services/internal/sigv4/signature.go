package sigv4

import (
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"time"

	"millrace/services/internal/awschunked"
	"millrace/services/internal/wire"
)

// The algorithms, as requests name them.
const (
	HMAC  = "AWS4-HMAC-SHA256"
	ECDSA = "AWS4-ECDSA-P256-SHA256" // SigV4A, whose scope has no region
	V2    = "AWS"                    // Signature Version 2
)

// UnsignedPayload is the payload of a request that does not sign its body.
const UnsignedPayload = "UNSIGNED-PAYLOAD"

const (
	dateLayout = "20060102"
	timeLayout = "20060102T150405Z"
)

// A Signature is what a request says of who has signed it.
type Signature struct {
	Algorithm     string // HMAC, ECDSA or V2
	Presigned     bool   // it is in the query
	AccessKey     string
	Region        string // "" in ECDSA and V2
	Service       string // "" in V2
	SignedHeaders []string
	Signature     string // hexadecimal digits; base64 in V2
	Token         string // of a session; "" without one

	// Time is when the request was signed; zero in V2.
	Time time.Time
	// Expires is the end of a presigned request; else zero.
	Expires time.Time
	// Lifetime is X-Amz-Expires, in seconds; 0 in V2 and in what is not presigned.
	Lifetime int

	// Payload is what was signed for the body: its SHA-256 in hexadecimal digits,
	// UnsignedPayload, or the name of an aws-chunked form. "" in V2.
	Payload string

	// Verified reports whether the signature was compared with that of a known
	// secret, and is equal.
	Verified bool

	stringToSign, canonicalRequest string
	key                            []byte // the signing key, once Verified
}

// Parse reads the signature of a request without verifying anything but its form. It
// returns nil for an anonymous request.
func Parse(r *http.Request) (*Signature, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		query = r.URL.Query() // what can be read of it
	}
	authorization := r.Header.Get("Authorization")
	switch {
	case authorization != "" && hasAny(query, []string{"X-Amz-Algorithm", "Signature"}):
		return nil, twoMechanisms(authorization)
	case authorization != "":
		return parseHeader(r, authorization)
	case hasAny(query, queryParameters):
		return parseQuery(r, query)
	case hasAny(query, v2Parameters):
		return parseV2Query(query)
	}
	return nil, nil
}

func hasAny(query url.Values, names []string) bool {
	for _, name := range names {
		if query.Has(name) {
			return true
		}
	}
	return false
}

// Scope is the credential scope, "20130524/us-east-1/s3/aws4_request".
func (s *Signature) Scope() string {
	parts := []string{s.Time.Format(dateLayout), s.Region, s.Service, terminal}
	if s.Algorithm == ECDSA {
		parts = []string{parts[0], s.Service, terminal}
	}
	return strings.Join(parts, "/")
}

// PayloadHash returns the SHA-256 that the body must have. ok is false if the body is
// not signed as a whole.
func (s *Signature) PayloadHash() (sum []byte, ok bool) {
	sum, err := hex.DecodeString(s.Payload)
	return sum, err == nil && len(sum) == 32
}

// Seed is what the chunks of the body are verified with; nil if the signature is not
// Verified.
func (s *Signature) Seed() *awschunked.Seed {
	if !s.Verified {
		return nil
	}
	return &awschunked.Seed{Key: s.key, Signature: s.Signature, Date: s.Time.Format(timeLayout), Scope: s.Scope(),
		Mismatch: func(stringToSign, signature string) *wire.Error {
			return mismatch(s.AccessKey, stringToSign, signature, s.canonicalRequest)
		}}
}
