package s3

import (
	"net/http"
	"regexp"
	"strings"

	"millrace/services/internal/wire"
)

// dated is how the paths of services like Lambda begin, whose operations are not all
// known here.
var dated = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)

// ClaimsRest implements gateway.LastClaimer: what is nobody else's is S3's, if it has a
// path that may begin with a bucket's name, or a signature of S3's first version: the URL
// of an object, a presigned one, a page's upload.
func (*Service) ClaimsRest(r *http.Request) bool {
	bucket, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if len(bucket) >= minBucketName {
		return !dated.MatchString(bucket)
	}
	return bucket == "" && (strings.HasPrefix(r.Header.Get("Authorization"), "AWS ") || strings.Contains(r.URL.RawQuery, "AWSAccessKeyId="))
}

// minBucketName is the length of the shortest name of a bucket.
const minBucketName = 3

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
