package s3

import (
	"context"

	"millrace/runtime/object/notify"
	api "millrace/services/internal/api/s3"
)

// HeadBucket   restXml
//
//   - policies know it as s3:ListBucket
//   - errors have no body, as nothing that answers HEAD has; a bucket of another region
//     says which in x-amz-bucket-region
func (s *Service) HeadBucket(ctx context.Context, in *api.HeadBucketInput) (*api.HeadBucketOutput, error) {
	b, err := s.find(ctx, request{action: "ListBucket", bucket: in.Bucket, owner: in.ExpectedBucketOwner})
	if err != nil {
		return nil, err
	}
	id := b.Info().ID
	return &api.HeadBucketOutput{BucketRegion: &id.Region, AccessPointAlias: new(false), BucketArn: new(notify.BucketARN(id.Name))}, nil
}
