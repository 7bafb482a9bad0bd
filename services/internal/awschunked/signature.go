package awschunked

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strings"

	"millrace/services/internal/wire"
)

const (
	emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // of no bytes

	signatureExtension   = ";chunk-signature="
	trailerSignatureName = "x-amz-trailer-signature"
)

// A Seed is what the signatures of chunks are verified with: each one builds on that
// before it, and the first on that of the request.
type Seed struct {
	Key       []byte // the signing key of the request's date, region and service
	Signature string // of the request, in hexadecimal digits
	Date      string // of the request, "20130524T000000Z"
	Scope     string // its credential scope, "20130524/us-east-1/s3/aws4_request"

	// Mismatch is what a wrong signature is answered with. Nil means an error
	// without the fields that tell of the request.
	Mismatch func(stringToSign, signature string) *wire.Error
}

// A verifier follows the chain of signatures. A nil verifier takes every signature.
type verifier struct {
	seed     Seed
	previous string
	data     hash.Hash // of the present chunk
}

func newVerifier(seed *Seed) *verifier {
	if seed == nil {
		return nil
	}
	return &verifier{seed: *seed, previous: seed.Signature, data: sha256.New()}
}

func (v *verifier) write(p []byte) {
	if v != nil {
		v.data.Write(p)
	}
}

// chunk verifies the signature of the chunk that has been written.
func (v *verifier) chunk(signature string) error {
	if v == nil {
		return nil
	}
	sum := hex.EncodeToString(v.data.Sum(nil))
	v.data.Reset()
	return v.verify(signature, "AWS4-HMAC-SHA256-PAYLOAD", emptyHash, sum)
}

// trailers verifies the signature of the trailers: lines of "name:value\n".
func (v *verifier) trailers(signature, lines string) error {
	if v == nil {
		return nil
	}
	sum := sha256.Sum256([]byte(lines))
	return v.verify(signature, "AWS4-HMAC-SHA256-TRAILER", hex.EncodeToString(sum[:]))
}

func (v *verifier) verify(signature, algorithm string, sums ...string) error {
	text := strings.Join(append([]string{algorithm, v.seed.Date, v.seed.Scope, v.previous}, sums...), "\n")
	mac := hmac.New(sha256.New, v.seed.Key)
	mac.Write([]byte(text))
	v.previous = hex.EncodeToString(mac.Sum(nil))
	if !hmac.Equal([]byte(v.previous), []byte(signature)) {
		return v.seed.mismatch(text, signature)
	}
	return nil
}

func (s *Seed) mismatch(stringToSign, signature string) error {
	if s.Mismatch != nil {
		return s.Mismatch(stringToSign, signature)
	}
	return &wire.Error{Code: "SignatureDoesNotMatch", Status: 403,
		Message: "The request signature we calculated does not match the signature you provided. Check your key and signing method."}
}

// checkSignature checks the form of a signature: 64 hexadecimal digits, or for SigV4A
// up to 144 with asterisks behind them to fill the place.
func (f Form) checkSignature(text string) error {
	digits := text
	if f.Asymmetric {
		digits = strings.TrimRight(text, "*")
	}
	_, err := hex.DecodeString(digits)
	if err != nil || digits == "" || !f.Asymmetric && len(text) != 2*sha256.Size || len(text) > 144 {
		return incomplete()
	}
	return nil
}
