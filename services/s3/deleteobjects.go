package s3

import (
	"context"
	"errors"
	"strings"

	"millrace/runtime/fault"
	"millrace/runtime/object"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/kit"
	"millrace/services/internal/wire"
)

// maxDeletes is how many objects one DeleteObjects may name.
const maxDeletes = 1000

// DeleteObjects   restXml
//
//   - 1 to 1,000 objects, each as DeleteObject has it, in their order; what goes wrong with
//     one is told in its place and does not keep the others
//   - Quiet leaves out what was deleted
//   - the ETag of an entry is a condition; Size and LastModifiedTime, which are for
//     directory buckets, are NotImplemented
//
// Not supported: as of DeleteObject.
func (s *Service) DeleteObjects(ctx context.Context, in *api.DeleteObjectsInput) (*api.DeleteObjectsOutput, error) {
	b, err := s.find(ctx, request{action: "DeleteObject", bucket: in.Bucket, owner: in.ExpectedBucketOwner})
	if err != nil {
		return nil, err
	}
	if err := checkBypass(in.BypassGovernanceRetention); err != nil {
		return nil, err
	}
	if in.Delete == nil || len(in.Delete.Objects) == 0 || len(in.Delete.Objects) > maxDeletes {
		return nil, malformed()
	}
	all := make([]*deletion, len(in.Delete.Objects))
	var commands []object.Command
	for i, one := range in.Delete.Objects {
		if one.Key == nil || *one.Key == "" {
			return nil, malformed()
		}
		all[i] = &deletion{wanted: one}
		if all[i].err = all[i].prepare(ctx, s, in); all[i].err == nil {
			commands = append(commands, &all[i].Delete)
		}
	}
	if err := b.Do(ctx, commands...); err != nil {
		return nil, subject{bucket: b.ID().Name}.translate(err)
	}
	out := &api.DeleteObjectsOutput{}
	for _, d := range all {
		if e := d.failure(); e != nil {
			out.Errors = append(out.Errors, e)
		} else if !kit.Value(in.Delete.Quiet) {
			out.Deleted = append(out.Deleted, d.success())
		}
	}
	return out, nil
}

// A deletion is one of many.
type deletion struct {
	object.Delete
	wanted *api.ObjectIdentifier
	target target
	err    error // what is wrong with it before it is tried
}

func (d *deletion) prepare(ctx context.Context, s *Service, in *api.DeleteObjectsInput) (err error) {
	if d.wanted.Size != nil || d.wanted.LastModifiedTime != nil {
		return notImplementedHeader("Size", "")
	}
	version := d.wanted.VersionId
	if version != nil && *version == "" {
		version = nil
	}
	if d.target, err = s.target(ctx, "DeleteObject", in.Bucket, d.wanted.Key, version, in.ExpectedBucketOwner); err != nil {
		return err
	}
	d.Delete = object.Delete{
		Key: d.target.key, Version: d.target.version, By: causer(ctx),
		Condition: object.Condition{IfMatch: strings.Trim(kit.Value(d.wanted.ETag), `"`)},
	}
	return nil
}

// failure is what the answer says of one that failed; nil when it did not.
func (d *deletion) failure() *api.Error {
	err := d.err
	if err == nil {
		err = d.target.translate(d.Err)
	}
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*wire.Error](err)
	if !ok {
		e = &wire.Error{Code: "InternalError", Message: "We encountered an internal error. Please try again."}
		if fault.Of(err) == fault.Unavailable {
			e = &wire.Error{Code: "ServiceUnavailable", Message: "Please reduce your request rate."}
		}
	}
	message := e.Message
	if e.Code == "InvalidArgument" && d.wanted.VersionId != nil {
		e, message = &wire.Error{Code: "NoSuchVersion"}, "The specified version does not exist."
	}
	return &api.Error{Code: &e.Code, Message: &message, Key: d.wanted.Key, VersionId: d.wanted.VersionId}
}

func (d *deletion) success() *api.DeletedObject {
	out := &api.DeletedObject{Key: d.wanted.Key, VersionId: kit.Optional(d.target.versionID)}
	switch {
	case d.Marker != nil:
		out.DeleteMarker, out.DeleteMarkerVersionId = new(true), new(d.target.bucket.VersionID(*d.Marker))
	case d.Removed != nil && d.Removed.Marker && d.target.versionID != "":
		out.DeleteMarker, out.DeleteMarkerVersionId = new(true), &d.target.versionID
	}
	return out
}
