package sigv4

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"millrace/runtime/object/checksum"
)

// ofSignatures are the parameters of a signature, with those that may be missing.
var ofSignatures = []string{"x-amz-algorithm", "x-amz-credential", "x-amz-signature", "x-amz-date", "x-amz-signedheaders",
	"x-amz-expires", "x-amz-security-token", "x-amz-content-sha256"}

// Hoisted returns the headers that stand in the query of a presigned request instead:
// parameters that begin with x-amz-, but for those of the signature. S3 takes them as
// if they were headers.
//
// Checksums are left out: the SDK for JavaScript adds that of an empty body to URLs for
// uploads, and S3 ignores it.
func Hoisted(query url.Values) http.Header {
	h := http.Header{}
	for name, values := range query {
		lower := strings.ToLower(name)
		if !strings.HasPrefix(lower, "x-amz-") || slices.Contains(ofSignatures, lower) {
			continue
		}
		if _, isChecksum := checksum.OfHeader(lower); !isChecksum {
			h[http.CanonicalHeaderKey(lower)] = slices.Clone(values)
		}
	}
	return h
}
