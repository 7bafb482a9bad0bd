package s3

import (
	"net/http"
	"slices"
	"time"

	"millrace/runtime/object/jetobject"
	"millrace/services/internal/kit"
)

// The canned ACLs of objects.
var objectACLs = []string{"private", "public-read", "public-read-write", "authenticated-read", "aws-exec-read", "bucket-owner-read", ownerFullControl}

const (
	ownerFullControl = "bucket-owner-full-control"
	ownerEnforced    = "BucketOwnerEnforced"
)

// checkACL refuses an ACL in the headers of a write: while the bucket's owner owns all
// objects (as it does unless the bucket says otherwise) there are none but the owner's. In
// other buckets they are accepted, and mean nothing here.
func checkACL(b *jetobject.Bucket, canned *string, grants ...*string) error {
	given := slices.ContainsFunc(grants, func(g *string) bool { return g != nil })
	switch {
	case canned != nil && !slices.Contains(objectACLs, *canned):
		return invalidArgument("", "x-amz-acl", *canned)
	case canned != nil && given:
		return invalidRequest("Specifying both Canned ACLs and Header Grants is not allowed")
	case !given && (canned == nil || *canned == ownerFullControl) || b.Info().Settings.Ownership != ownerEnforced:
		return nil
	}
	return refusal("AccessControlListNotSupported", http.StatusBadRequest, "The bucket does not allow ACLs")
}

// checkLock refuses what only buckets with Object Lock take, which there are none of.
func checkLock(mode, legalHold *string, until *time.Time) error {
	if mode != nil || legalHold != nil || until != nil {
		return invalidRequest("Bucket is missing Object Lock Configuration")
	}
	return nil
}

// checkBypass refuses x-amz-bypass-governance-retention, which is for buckets with Object
// Lock.
func checkBypass(bypass *bool) error {
	if kit.Value(bypass) {
		return refusal("InvalidArgument", http.StatusBadRequest, "x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets.",
			"ArgumentName", "x-amz-bypass-governance-retention")
	}
	return nil
}
