package s3

import (
	"context"
	"net/http"

	"millrace/runtime/fault"
	api "millrace/services/internal/api/s3"
)

// DeleteBucket   restXml
//
//   - a bucket that has an object, a version or a delete marker is BucketNotEmpty; uploads
//     that are under way go with the bucket
//   - the name is free at once
func (s *Service) DeleteBucket(ctx context.Context, in *api.DeleteBucketInput) (*api.DeleteBucketOutput, error) {
	b, err := s.find(ctx, request{action: "DeleteBucket", bucket: in.Bucket, owner: in.ExpectedBucketOwner})
	if err != nil {
		return nil, err
	}
	err = s.buckets.Delete(ctx, *in.Bucket)
	if fault.Of(err) == fault.Conflict {
		message := "The bucket you tried to delete is not empty"
		if b.Info().Settings.Versioning != "" {
			message += ". You must delete all versions in the bucket."
		}
		return nil, refusal("BucketNotEmpty", http.StatusConflict, message, "BucketName", *in.Bucket)
	}
	if err != nil {
		return nil, fromBuckets(err, *in.Bucket)
	}
	return &api.DeleteBucketOutput{}, nil
}
