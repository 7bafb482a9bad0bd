package awschunked

import "strings"

// A Form is how a body is chunked: what the header x-amz-content-sha256 says instead of
// a hash.
type Form struct {
	Signed     bool // each chunk has a signature, and so have the trailers
	Trailer    bool // header fields follow the last chunk
	Asymmetric bool // the signatures are of SigV4A, ECDSA: their form is checked, no more
}

var forms = map[string]Form{
	"STREAMING-UNSIGNED-PAYLOAD-TRAILER":               {Trailer: true},
	"STREAMING-AWS4-HMAC-SHA256-PAYLOAD":               {Signed: true},
	"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER":       {Signed: true, Trailer: true},
	"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD":         {Signed: true, Asymmetric: true},
	"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER": {Signed: true, Asymmetric: true, Trailer: true},
}

// ParseForm returns the form that a value of x-amz-content-sha256 names. ok is false
// for a hash, for UNSIGNED-PAYLOAD and for any other text: such a body is not chunked.
func ParseForm(contentSHA256 string) (f Form, ok bool) {
	f, ok = forms[contentSHA256]
	return f, ok
}

// TrailerNames returns the names in the values of header x-amz-trailer, in lower case.
func TrailerNames(values []string) []string {
	var names []string
	for _, value := range values {
		for name := range strings.SplitSeq(value, ",") {
			if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
				names = append(names, name)
			}
		}
	}
	return names
}
