package s3

import (
	"context"

	"millrace/runtime/object"
	api "millrace/services/internal/api/s3"
)

// AbortMultipartUpload   restXml
//
//   - removes the upload and its parts; a part that is being sent meanwhile is refused
//   - an upload that is not under way is NoSuchUpload
//
// Not supported: x-amz-if-match-initiated-time, which is for directory buckets.
func (s *Service) AbortMultipartUpload(ctx context.Context, in *api.AbortMultipartUploadInput) (*api.AbortMultipartUploadOutput, error) {
	if in.IfMatchInitiatedTime != nil {
		return nil, notImplementedHeader("x-amz-if-match-initiated-time", "")
	}
	t, _, err := s.upload(ctx, "AbortMultipartUpload", in.Bucket, in.Key, in.UploadId, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	abort := &object.Abort{Key: t.key, Upload: t.subject.upload}
	if err := t.bucket.Do(ctx, abort); err != nil {
		return nil, t.translate(err)
	}
	if abort.Err != nil {
		return nil, t.translate(abort.Err)
	}
	return &api.AbortMultipartUploadOutput{}, nil
}
