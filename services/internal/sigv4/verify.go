package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A Verifier checks the signatures of requests. Its zero value checks their form and
// which headers are signed.
type Verifier struct {
	// Now is the clock that requests expire by. Nil lets none expire.
	Now func() time.Time
	// MaxSkew is how far the time of a request that is not presigned may be from
	// Now. 0 does not check it; S3 allows 15 minutes.
	MaxSkew time.Duration
	// Secret returns the secret of an access key. Nil knows none.
	Secret func(accessKey string) (secret string, ok bool)
}

// Check reads the signature of a request and checks all that can be: it is nil for an
// anonymous request. The request's body is not read.
func (v Verifier) Check(r *http.Request) (*Signature, error) {
	s, err := Parse(r)
	if s == nil || err != nil {
		return nil, err
	}
	if v.Now != nil {
		if err := s.checkTime(v.Now().UTC(), v.MaxSkew); err != nil {
			return nil, err
		}
	}
	if s.Algorithm == V2 {
		if err := s.checkMethod(r); err != nil {
			return nil, err
		}
		return s, nil
	}
	if unsigned := s.unsignedHeaders(r); unsigned != nil {
		return nil, denied("There were headers present in the request which were not signed",
			map[string]any{"HeadersNotSigned": strings.Join(unsigned, ", ")})
	}
	if s.Algorithm == HMAC {
		if err := v.verify(s, r); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// unsignedHeaders are those that have to be signed and are not: host, and all of AWS's.
// The hash of the payload is fixed in presigned requests, whatever a client adds.
func (s *Signature) unsignedHeaders(r *http.Request) (names []string) {
	if !slices.Contains(s.SignedHeaders, "host") {
		names = append(names, "host")
	}
	for key := range r.Header {
		if !strings.HasPrefix(key, "X-Amz-") || s.Presigned && key == "X-Amz-Content-Sha256" {
			continue
		}
		if name := strings.ToLower(key); !slices.Contains(s.SignedHeaders, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// unseen are headers that a server or a proxy takes away or adds. A request may have
// signed them and come without.
var unseen = []string{"host", "content-length", "transfer-encoding", "connection", "trailer", "expect", "te", "upgrade",
	"keep-alive", "user-agent", "accept-encoding", "x-amzn-trace-id"}

// verify compares the signature with that of the secret, if it is known. Without it, a
// signature is refused that no secret can have made: one of another form, or of a
// header that the request does not have.
func (v Verifier) verify(s *Signature, r *http.Request) error {
	sent := rawPath(r)
	if !s.plausible(r) {
		s.sign(r, canonicalPath(sent))
		return s.mismatch()
	}
	if v.Secret == nil {
		return s.checkMethod(r)
	}
	secret, ok := v.Secret(s.AccessKey)
	if !ok {
		return s.checkMethod(r)
	}
	s.key = SigningKey(secret, s.Time.Format(dateLayout), s.Region, s.Service)
	if s.sign(r, canonicalPath(sent)); !s.matches() {
		// Some clients sign the path as they send it, and leave more bytes as they are.
		told := *s
		if s.sign(r, sent); !s.matches() {
			return told.mismatch()
		}
	}
	s.Verified = true
	return nil
}

// plausible reports whether some secret can have made the signature.
func (s *Signature) plausible(r *http.Request) bool {
	if digits, err := hex.DecodeString(s.Signature); err != nil || len(digits) != sha256.Size {
		return false
	}
	for _, name := range s.SignedHeaders {
		if len(headerValues(r, name)) == 0 && !slices.Contains(unseen, name) {
			return false
		}
	}
	return true
}

// sign prepares what is signed, with a path.
func (s *Signature) sign(r *http.Request, path string) {
	s.canonicalRequest = s.canonical(r, path)
	sum := sha256.Sum256([]byte(s.canonicalRequest))
	s.stringToSign = strings.Join([]string{s.Algorithm, s.Time.Format(timeLayout), s.Scope(), hex.EncodeToString(sum[:])}, "\n")
}

func (s *Signature) matches() bool {
	want := hex.EncodeToString(mac(s.key, s.stringToSign))
	return hmac.Equal([]byte(want), []byte(s.Signature))
}

func (s *Signature) mismatch() error {
	return mismatch(s.AccessKey, s.stringToSign, s.Signature, s.canonicalRequest)
}

// SigningKey is the key that signs a day's requests to a region's service. The date is
// "20130524".
func SigningKey(secret, date, region, service string) []byte {
	return mac(mac(mac(mac([]byte("AWS4"+secret), date), region), service), terminal)
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
