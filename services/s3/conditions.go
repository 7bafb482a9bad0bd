package s3

import (
	"net/http"
	"strings"
	"time"

	"millrace/runtime/object"
	"millrace/services/internal/kit"
)

// The conditions of reads, as answers name them.
const (
	ifMatch           = "If-Match"
	ifNoneMatch       = "If-None-Match"
	ifModifiedSince   = "If-Modified-Since"
	ifUnmodifiedSince = "If-Unmodified-Since"
)

// A readCondition is what a read of an object depends on. Its texts and times are nil where
// they are not given.
type readCondition struct {
	match, noneMatch               *string
	modifiedSince, unmodifiedSince *time.Time
}

// failed returns the name of a condition that does not hold; "" for none. A condition on
// the ETag takes the place of the one on the time (RFC 9110, 13.2.2). Times count in
// whole seconds, and a modifiedSince that is still to come is no condition (13.1.3).
func (c *readCondition) failed(o *object.Object, now time.Time) string {
	modified := o.Modified.Truncate(time.Second)
	etag := o.ETag.String()
	switch {
	case c.match != nil && !matchesETag(*c.match, etag):
		return ifMatch
	case c.match == nil && c.unmodifiedSince != nil && modified.After(*c.unmodifiedSince):
		return ifUnmodifiedSince
	case c.noneMatch != nil && matchesETag(*c.noneMatch, etag):
		return ifNoneMatch
	case c.noneMatch == nil && c.modifiedSince != nil && !c.modifiedSince.After(now) && !modified.After(*c.modifiedSince):
		return ifModifiedSince
	}
	return ""
}

// check answers for a read whose condition does not hold: 304 with h where the client has
// the object already, else 412. It is nil for one that does.
func (c *readCondition) check(o *object.Object, now time.Time, h func() http.Header) error {
	switch name := c.failed(o, now); name {
	case "":
		return nil
	case ifNoneMatch, ifModifiedSince:
		return notModified(h())
	default:
		return preconditionFailed(name)
	}
}

// checkSource is check for the source of a copy, where all conditions fail alike.
func (c *readCondition) checkSource(o *object.Object, now time.Time) error {
	if name := c.failed(o, now); name != "" {
		return preconditionFailed("x-amz-copy-source-" + name)
	}
	return nil
}

// matchesETag reports whether one of a list of ETags, with quotation marks or without, is
// an object's; "*" is any.
func matchesETag(list, etag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
		if one == "*" || strings.Trim(one, `"`) == etag {
			return true
		}
	}
	return false
}

// writeCondition reads the condition of a PutObject, CopyObject or
// CompleteMultipartUpload, which may have one: If-Match with an ETag, or If-None-Match: *.
func writeCondition(match, noneMatch *string) (object.Condition, error) {
	const refused = "We don't accept the provided value of %s header for this API"
	switch {
	case match != nil && noneMatch != nil:
		return object.Condition{}, notImplementedHeader(ifMatch+","+ifNoneMatch, "Multiple conditional request headers present in the request")
	case noneMatch != nil && *noneMatch != "*":
		return object.Condition{}, notImplementedHeader(ifNoneMatch, strings.ReplaceAll(refused, "%s", ifNoneMatch))
	case match != nil && *match == "*":
		return object.Condition{}, notImplementedHeader(ifMatch, strings.ReplaceAll(refused, "%s", ifMatch))
	}
	return object.Condition{IfMatch: strings.Trim(kit.Value(match), `"`), IfNoneMatch: noneMatch != nil}, nil
}
