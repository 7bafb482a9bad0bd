package gateway

import (
	"net/http"
	"strings"

	"millrace/runtime/policy"
	"millrace/services/internal/identity"
)

// A scope is what a request's signature says of its sender. The signature
// itself is not checked: whoever reaches the port may do everything.
type scope struct {
	accessKey, region, service string
	anyRegion                  bool // SigV4A: the scope names no region
}

// scopeOf reads the credential scope from the Authorization header (SigV4 and
// SigV4A) or from a presigned query. ok is false for an anonymous request.
func scopeOf(r *http.Request) (s scope, ok bool) {
	if auth := header(r, "Authorization"); auth != "" {
		if _, rest, found := strings.Cut(auth, "Credential="); found {
			cred, _, _ := strings.Cut(rest, ",")
			asymmetric := strings.HasPrefix(auth, "AWS4-ECDSA-P256-SHA256")
			return parseScope(strings.TrimSpace(cred), asymmetric)
		}
		return scope{}, false
	}
	if strings.Contains(r.URL.RawQuery, "X-Amz-Credential") {
		q := r.URL.Query()
		return parseScope(q.Get("X-Amz-Credential"), q.Get("X-Amz-Algorithm") == "AWS4-ECDSA-P256-SHA256")
	}
	return scope{}, false
}

// keyOfVersion2 returns the access key of a request in Signature Version 2, in which S3 is
// still asked: AWS AKID:SIGNATURE in the header, or AWSAccessKeyId and Signature in a
// presigned query. It names no region and no service. "" for any other request.
func keyOfVersion2(r *http.Request) string {
	if rest, ok := strings.CutPrefix(header(r, "Authorization"), "AWS "); ok {
		key, _, ok := strings.Cut(rest, ":")
		if !ok {
			return ""
		}
		return key
	}
	if strings.Contains(r.URL.RawQuery, "AWSAccessKeyId=") {
		if q := r.URL.Query(); q.Has("Signature") {
			return q.Get("AWSAccessKeyId")
		}
	}
	return ""
}

// parseScope reads AKID/date/region/service/aws4_request; SigV4A has no region.
// An access key may hold slashes in theory, so the parts are counted from the end.
func parseScope(cred string, asymmetric bool) (scope, bool) {
	cut := func() (last string) {
		i := strings.LastIndexByte(cred, '/')
		if i < 0 {
			return ""
		}
		last, cred = cred[i+1:], cred[:i]
		return last
	}
	var s scope
	if cut() != "aws4_request" {
		return scope{}, false
	}
	s.service = cut()
	if s.anyRegion = asymmetric; !asymmetric {
		s.region = cut()
	}
	if date := cut(); len(date) != 8 || s.service == "" {
		return scope{}, false
	}
	s.accessKey = cred
	return s, true
}

// account maps an access key to its account: a twelve-digit key is the account
// itself, a temporary key has a session of the account that lent it, and every
// other key belongs to the default account.
func (g *Gateway) account(accessKey string) (string, *identity.Session) {
	if policy.IsAccount(accessKey) {
		return accessKey, nil
	}
	if g.SessionOf != nil && strings.HasPrefix(accessKey, "ASIA") {
		if s := g.SessionOf(accessKey); s != nil {
			return s.Account, s
		}
	}
	return g.Account, nil
}
