package s3

import (
	"context"
	"net/http"
	"time"

	"millrace/runtime/arn"
	"millrace/services/internal/awschunked"
	"millrace/services/internal/identity"
	"millrace/services/internal/sigv4"
)

// maxSkew is how far the time of a signed request may be from the clock
// (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, RequestTimeTooSkewed).
const maxSkew = 15 * time.Minute

// verifier checks signatures: those of keys that the runtime has issued as a whole, and of
// all others the form, the time and which headers are signed.
func (s *Service) verifier() sigv4.Verifier {
	return sigv4.Verifier{Now: s.now, MaxSkew: maxSkew, Secret: s.config.Secret}
}

// checkSignature refuses a request whose signature is not right. The parameters of a
// presigned one that stand for headers become headers.
func (s *Service) checkSignature(r *http.Request) error {
	signature, err := s.verifier().Check(r)
	if err != nil || signature == nil {
		return err
	}
	if signature.Region != "" && !arn.IsRegion(signature.Region) { // s3cmd signs for US, and asks again as it is told
		return sigv4.WrongRegion(signature, "us-east-1")
	}
	if !signature.Presigned {
		return nil
	}
	for name, values := range sigv4.Hoisted(r.URL.Query()) {
		if r.Header[name] == nil {
			r.Header[name] = values
		}
	}
	return nil
}

// seed is what the signed chunks of a body are verified with; nil where the secret is not
// known.
func (s *Service) seed(ctx context.Context) *awschunked.Seed {
	r := identity.From(ctx).HTTP
	if r == nil || r.Header.Get("Authorization") == "" { // a presigned request signs no chunks
		return nil
	}
	signature, err := s.verifier().Check(r)
	if err != nil || signature == nil {
		return nil // it was checked before
	}
	return signature.Seed()
}
