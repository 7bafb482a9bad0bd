package s3

import (
	"context"
	"strings"

	"millrace/runtime/object"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/kit"
)

// DeleteObject   restXml
//
//   - what does not exist is deleted all the same: 204
//   - in a bucket with versions a delete without versionId puts a delete marker, and one
//     with it removes that version for good; removing a delete marker brings the object
//     back
//   - If-Match with an ETag, or with * for any object, is decided in the commit
//   - x-amz-if-match-size and its like, which are for directory buckets, are 501
//
// Not supported: MFA, which is accepted and not asked for; Object Lock.
func (s *Service) DeleteObject(ctx context.Context, in *api.DeleteObjectInput) (*api.DeleteObjectOutput, error) {
	t, err := s.target(ctx, "DeleteObject", in.Bucket, in.Key, in.VersionId, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	switch {
	case in.IfMatchLastModifiedTime != nil:
		return nil, notImplementedHeader("x-amz-if-match-last-modified-time", "")
	case in.IfMatchSize != nil:
		return nil, notImplementedHeader("x-amz-if-match-size", "")
	}
	if err := checkBypass(in.BypassGovernanceRetention); err != nil {
		return nil, err
	}
	d := &object.Delete{Key: t.key, Version: t.version, By: causer(ctx), Condition: object.Condition{IfMatch: strings.Trim(kit.Value(in.IfMatch), `"`)}}
	if err := t.bucket.Do(ctx, d); err != nil {
		return nil, t.translate(err)
	}
	if d.Err != nil {
		return nil, t.translate(d.Err)
	}
	out := &api.DeleteObjectOutput{}
	switch {
	case d.Marker != nil:
		out.DeleteMarker, out.VersionId = new(true), new(t.bucket.VersionID(*d.Marker))
	case t.versionID != "":
		out.VersionId = &t.versionID
		if d.Removed != nil && d.Removed.Marker {
			out.DeleteMarker = new(true)
		}
	}
	return out, nil
}
