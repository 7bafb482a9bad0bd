package sigv4

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"millrace/services/internal/wire"
)

// maxLifetime is how long a presigned request may be valid, in seconds: a week.
const maxLifetime = 604_800

// queryParameters are what a presigned query has to have, all of them.
var queryParameters = []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Expires"}

// parseQuery reads a presigned query.
func parseQuery(r *http.Request, query url.Values) (*Signature, error) {
	for _, name := range queryParameters {
		if query.Get(name) == "" || len(query[name]) > 1 {
			return nil, badParameters("Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.")
		}
	}
	algorithm := query.Get("X-Amz-Algorithm")
	if algorithm != HMAC && algorithm != ECDSA {
		return nil, badParameters(`X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"`)
	}
	c, err := parseCredential(query.Get("X-Amz-Credential"), algorithm == ECDSA, badCredential)
	if err != nil {
		return nil, err
	}
	s := &Signature{Algorithm: algorithm, Presigned: true, AccessKey: c.accessKey, Region: c.region, Service: c.service,
		Signature: query.Get("X-Amz-Signature"), Token: query.Get("X-Amz-Security-Token"), Payload: UnsignedPayload}
	if s.Time, err = time.Parse(timeLayout, query.Get("X-Amz-Date")); err != nil {
		return nil, badParameters(`X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'"`)
	}
	if date := s.Time.Format(dateLayout); date != c.date {
		return nil, badParameters(`Invalid credential date "%s". This date is not the same as X-Amz-Date: "%s".`, c.date, date)
	}
	if s.Lifetime, err = parseLifetime(query.Get("X-Amz-Expires")); err != nil {
		return nil, err
	}
	s.Expires = s.Time.Add(time.Duration(s.Lifetime) * time.Second)
	var ok bool
	if s.SignedHeaders, ok = parseSignedHeaders(query.Get("X-Amz-SignedHeaders")); !ok {
		return nil, s.mismatch()
	}
	if slices.Contains(s.SignedHeaders, "x-amz-content-sha256") {
		s.Payload = r.Header.Get("X-Amz-Content-Sha256")
	} else if query.Has("X-Amz-Content-Sha256") {
		s.Payload = query.Get("X-Amz-Content-Sha256")
	}
	if err := s.checkPayload(); err != nil {
		return nil, err
	}
	return s, nil
}

func badCredential(format string, args ...any) *wire.Error {
	return badParameters("Error parsing the X-Amz-Credential parameter; "+format, args...)
}

func parseLifetime(text string) (seconds int, err error) {
	seconds, err = strconv.Atoi(text)
	switch {
	case err != nil:
		return 0, badParameters("X-Amz-Expires should be a number")
	case seconds < 0:
		return 0, badParameters("X-Amz-Expires must be non-negative")
	case seconds > maxLifetime:
		return 0, badParameters("X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds")
	}
	return seconds, nil
}
