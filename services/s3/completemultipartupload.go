package s3

import (
	"context"
	"net/url"
	"strings"

	"millrace/runtime/object"
	"millrace/runtime/object/checksum"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// CompleteMultipartUpload   restXml
//
//   - moves no bytes: the parts become the object as they are
//   - parts are listed in ascending order, with their ETags; all but the last have at least
//     5 MiB
//   - the checksum of the object is computed from those of the parts; one that the client
//     gives is compared with it, if it is of the upload's algorithm
//   - If-Match and If-None-Match are decided in the commit; an object that was written or
//     deleted since the upload began is 409 ConditionalRequestConflict
//   - a call that is repeated after its answer was lost gets the same answer
//   - LastModified is when the upload began, as on AWS
//
// Not supported: white space that keeps the connection alive, since the answer never waits
// for long.
func (s *Service) CompleteMultipartUpload(ctx context.Context, in *api.CompleteMultipartUploadInput) (*api.CompleteMultipartUploadOutput, error) {
	t, err := s.target(ctx, "PutObject", in.Bucket, in.Key, nil, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	t.subject.upload = kit.Value(in.UploadId)
	complete := &object.Complete{Key: t.key, Upload: t.subject.upload, Modified: s.now(), Size: -1, By: causer(ctx)}
	if complete.Condition, err = writeCondition(in.IfMatch, in.IfNoneMatch); err != nil {
		return nil, err
	}
	if in.MpuObjectSize != nil {
		complete.Size = max(*in.MpuObjectSize, 0)
	}
	if complete.Parts, err = completedParts(in.MultipartUpload); err != nil {
		return nil, err
	}
	u, err := t.bucket.Upload(ctx, t.key, t.subject.upload)
	if err == nil { // else it may have been completed before
		complete.Modified = u.Created
		key := customerKey{in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5}
		if key.given() {
			if _, err := key.forPart(&u.Encryption); err != nil {
				return nil, err
			}
		}
	}
	if complete.Checksum, err = objectChecksum(in, &u); err != nil {
		return nil, err
	}
	if in.ChecksumType != nil {
		complete.ChecksumType, _ = checksum.ParseType(*in.ChecksumType)
	}
	if err := t.bucket.Do(ctx, complete); err != nil {
		return nil, t.translate(err)
	}
	if complete.Err != nil {
		return nil, t.translate(complete.Err)
	}
	o := &complete.Stored
	e := showEncryption(&o.Encryption)
	out := &api.CompleteMultipartUploadOutput{
		Bucket: in.Bucket, Key: in.Key, ETag: quoted(o.ETag), Location: new(location(ctx, &t)), VersionId: shownVersion(t.bucket, o),
		ChecksumType: shownType(o.Checksum), ServerSideEncryption: e.algorithm, SSEKMSKeyId: e.key, BucketKeyEnabled: e.bucketKey,
	}
	ofCompleteOutput(out).set(o.Checksum)
	return out, nil
}

// completedParts reads the list of parts.
func completedParts(m *api.CompletedMultipartUpload) ([]object.CompletedPart, error) {
	if m == nil || len(m.Parts) == 0 {
		return nil, malformed()
	}
	all := make([]object.CompletedPart, len(m.Parts))
	for i, p := range m.Parts {
		if p.PartNumber == nil || p.ETag == nil {
			return nil, malformed()
		}
		number, err := readPartNumber(p.PartNumber)
		if err != nil {
			return nil, err
		}
		sum, err := ofCompletedPart(p).one()
		if err != nil {
			return nil, err
		}
		all[i] = object.CompletedPart{Number: number, ETag: strings.Trim(*p.ETag, `"`), Checksum: sum}
	}
	return all, nil
}

// objectChecksum reads the checksum that the client says the object has. The algorithms of
// before 2026 mean nothing in an upload that was not created with them; the newer ones are
// refused then.
func objectChecksum(in *api.CompleteMultipartUploadInput, u *object.Upload) (checksum.Value, error) {
	all := ofComplete(in).given()
	switch len(all) {
	case 0:
		return checksum.Value{}, nil
	case 1:
	default:
		return checksum.Value{}, invalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
	}
	v, err := all[0].readComposite()
	if err == nil && v.Algorithm >= checksum.SHA512 && u.ID != "" && v.Algorithm != u.Algorithm {
		err = invalidRequest("The upload was created without the " + strings.ToLower(v.Algorithm.String()) + " checksum algorithm, which has to be named when an upload is created.")
	}
	return v, err
}

// location is the URL of an object, at the host that the client has called.
func location(ctx context.Context, t *target) string {
	c := identity.From(ctx)
	u := url.URL{Scheme: "http", Host: c.Host, Path: "/" + t.subject.bucket + "/" + t.key}
	if bucket, ok := hostBucket(c.Host); ok && bucket != "" {
		u.Path = "/" + t.key
	}
	return u.String()
}
