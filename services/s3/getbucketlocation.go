package s3

import (
	"context"

	api "millrace/services/internal/api/s3"
	"millrace/services/internal/kit"
)

// GetBucketLocation   restXml
//
//   - an empty element for us-east-1, EU for a bucket that was created so, and the region
//     for all others
//   - clients ask for it in any region
func (s *Service) GetBucketLocation(ctx context.Context, in *api.GetBucketLocationInput) (*api.GetBucketLocationOutput, error) {
	settings, err := s.settings(ctx, request{action: "GetBucketLocation", bucket: in.Bucket, owner: in.ExpectedBucketOwner, anyRegion: true})
	if err != nil {
		return nil, err
	}
	return &api.GetBucketLocationOutput{LocationConstraint: kit.Optional(settings.Location)}, nil
}
