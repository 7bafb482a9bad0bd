package s3

import (
	"net/http"
	"strings"

	"millrace/services/internal/wire"
)

// ClaimsRest implements gateway.LastClaimer: what is nobody else's is S3's, if it can be
// one of its requests: a URL of an object, a presigned one, a page's upload. Only a POST
// of the root and a GET of it without a signature say nothing at all.
func (*Service) ClaimsRest(r *http.Request) bool {
	if strings.Trim(r.URL.Path, "/") != "" {
		return true
	}
	q := r.URL.RawQuery
	return strings.Contains(q, "X-Amz-Algorithm=") || strings.Contains(q, "AWSAccessKeyId=")
}

// RefuseOperation implements gateway.Refuser: a method that a resource does not have.
func (*Service) RefuseOperation(r *wire.Request, _ wire.Protocol, name string) *wire.Error {
	if name != "" {
		return nil
	}
	path := r.Path
	if path == "" {
		path = r.HTTP.URL.EscapedPath()
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	kind := "OBJECT"
	switch {
	case bucket == "":
		kind = "SERVICE"
	case key == "":
		kind = "BUCKET"
	}
	if kind == "BUCKET" && r.HTTP.Method == http.MethodPost {
		return wire.NotSupported("PostObject")
	}
	return refusal("MethodNotAllowed", http.StatusMethodNotAllowed, "The specified method is not allowed against this resource.",
		"Method", r.HTTP.Method, "ResourceType", kind)
}

// RefuseBody implements gateway.Limiter: the body of a document is too long.
func (*Service) RefuseBody(_ *wire.Operation, _ int64) *wire.Error {
	return refusal("MaxMessageLengthExceeded", http.StatusBadRequest, "Your request was too big.")
}
