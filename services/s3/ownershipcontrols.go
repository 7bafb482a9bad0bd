package s3

import (
	"context"

	"millrace/runtime/object"
	api "millrace/services/internal/api/s3"
)

const (
	enforced  = "BucketOwnerEnforced" // of buckets that have no access control lists
	preferred = "BucketOwnerPreferred"
)

func isOwnership(s string) bool {
	return s == enforced || s == preferred || s == "ObjectWriter"
}

// PutBucketOwnershipControls   restXml
//
//   - exactly one rule
//
// Not supported: objects belong to the bucket's owner, whatever the rule.
func (s *Service) PutBucketOwnershipControls(ctx context.Context, in *api.PutBucketOwnershipControlsInput) (*api.PutBucketOwnershipControlsOutput, error) {
	err := s.update(ctx, ownershipControls("Put", in.Bucket, in.ExpectedBucketOwner), func(settings *object.Settings) error {
		c := in.OwnershipControls
		switch {
		case c == nil:
			return noBody()
		case len(c.Rules) != 1 || c.Rules[0] == nil || c.Rules[0].ObjectOwnership == nil || !isOwnership(*c.Rules[0].ObjectOwnership):
			return malformed()
		}
		settings.Ownership = *c.Rules[0].ObjectOwnership
		return nil
	})
	return &api.PutBucketOwnershipControlsOutput{}, err
}

// GetBucketOwnershipControls   restXml
//
//   - a bucket whose controls were deleted is OwnershipControlsNotFoundError
func (s *Service) GetBucketOwnershipControls(ctx context.Context, in *api.GetBucketOwnershipControlsInput) (*api.GetBucketOwnershipControlsOutput, error) {
	settings, err := s.settings(ctx, ownershipControls("Get", in.Bucket, in.ExpectedBucketOwner))
	if err != nil {
		return nil, err
	}
	if settings.Ownership == "" {
		return nil, notSet("OwnershipControlsNotFoundError", "The bucket ownership controls were not found", in.Bucket)
	}
	return &api.GetBucketOwnershipControlsOutput{OwnershipControls: &api.OwnershipControls{
		Rules: []*api.OwnershipControlsRule{{ObjectOwnership: &settings.Ownership}},
	}}, nil
}

// DeleteBucketOwnershipControls   restXml
//
//   - succeeds without controls, too
func (s *Service) DeleteBucketOwnershipControls(ctx context.Context, in *api.DeleteBucketOwnershipControlsInput) (*api.DeleteBucketOwnershipControlsOutput, error) {
	err := s.update(ctx, ownershipControls("Put", in.Bucket, in.ExpectedBucketOwner), func(settings *object.Settings) error {
		settings.Ownership = ""
		return nil
	})
	return &api.DeleteBucketOwnershipControlsOutput{}, err
}

func ownershipControls(verb string, bucket, owner *string) request {
	return request{action: verb + "BucketOwnershipControls", bucket: bucket, owner: owner}
}
