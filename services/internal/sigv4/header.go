package sigv4

import (
	"net/http"
	"strings"
	"time"

	"millrace/services/internal/awschunked"
)

// parseHeader reads
//
//	AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…
//
// with or without spaces behind the commas, the parts in any order.
func parseHeader(r *http.Request, authorization string) (*Signature, error) {
	algorithm, rest, ok := strings.Cut(strings.TrimSpace(authorization), " ")
	if !ok {
		return nil, badAuthorization("Authorization header is invalid -- one and only one ' ' (space) required.", authorization)
	}
	switch algorithm {
	case V2:
		return parseV2Header(authorization, rest)
	case HMAC, ECDSA:
	default:
		return nil, badAuthorization("Unsupported Authorization Type", authorization)
	}
	parts, err := parseComponents(rest)
	if err != nil {
		return nil, err
	}
	c, err := parseCredential(parts["Credential"], algorithm == ECDSA, malformed)
	if err != nil {
		return nil, err
	}
	s := &Signature{Algorithm: algorithm, AccessKey: c.accessKey, Region: c.region, Service: c.service,
		Signature: parts["Signature"], Token: r.Header.Get("X-Amz-Security-Token")}
	if s.SignedHeaders, ok = parseSignedHeaders(parts["SignedHeaders"]); !ok {
		return nil, malformed(`the authorization component "SignedHeaders=%s" is malformed.`, parts["SignedHeaders"])
	}
	if s.Time, err = timeOf(r.Header); err != nil {
		return nil, err
	}
	if s.Time.Format(dateLayout) != c.date {
		return nil, malformed("Invalid credential date. Date is not the same as X-Amz-Date.")
	}
	s.Payload = r.Header.Get("X-Amz-Content-Sha256")
	if err := s.checkPayload(); err != nil {
		return nil, err
	}
	return s, nil
}

func parseComponents(text string) (map[string]string, error) {
	parts := map[string]string{}
	for component := range strings.SplitSeq(text, ",") {
		component = strings.TrimSpace(component)
		name, value, ok := strings.Cut(component, "=")
		if _, twice := parts[name]; !ok || twice {
			return nil, malformed(`the authorization component "%s" is malformed.`, component)
		}
		parts[name] = value
	}
	if len(parts) != 3 {
		return nil, malformed("the authorization header requires three components: Credential, SignedHeaders, and Signature.")
	}
	for _, name := range []string{"Credential", "SignedHeaders", "Signature"} {
		if parts[name] == "" {
			return nil, malformed("missing %s.", name)
		}
	}
	return parts, nil
}

// timeOf is when a request was signed: X-Amz-Date, or else Date, which may have the
// form of HTTP as well.
func timeOf(h http.Header) (time.Time, error) {
	text := h.Get("X-Amz-Date")
	if text == "" {
		text = h.Get("Date")
		if t, err := http.ParseTime(text); err == nil {
			return t.UTC(), nil
		}
	}
	t, err := time.Parse(timeLayout, text)
	if err != nil {
		return time.Time{}, denied("AWS authentication requires a valid Date or x-amz-date header", nil)
	}
	return t, nil
}

// checkPayload checks the form of x-amz-content-sha256, which S3 requires.
func (s *Signature) checkPayload() error {
	_, isHash := s.PayloadHash()
	_, isChunked := awschunked.ParseForm(s.Payload)
	switch {
	case s.Payload == "":
		return invalidRequest("Missing required header for this request: x-amz-content-sha256")
	case !isHash && !isChunked && s.Payload != UnsignedPayload:
		e := badAuthorization("x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "+
			"STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, "+
			"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value.", s.Payload)
		e.Fields["ArgumentName"] = "x-amz-content-sha256"
		return e
	}
	return nil
}
