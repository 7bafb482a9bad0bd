package s3

import (
	"context"

	"millrace/runtime/object"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/kit"
)

// PutPublicAccessBlock   restXml
//
//   - replaces all four switches; one that is absent is off
//   - BlockPublicPolicy refuses public policies from now on, RestrictPublicBuckets keeps
//     other accounts out of a bucket whose policy is public
//
// BlockPublicAcls and IgnorePublicAcls have nothing to act on: there are no ACLs.
func (s *Service) PutPublicAccessBlock(ctx context.Context, in *api.PutPublicAccessBlockInput) (*api.PutPublicAccessBlockOutput, error) {
	err := s.update(ctx, publicAccess("Put", in.Bucket, in.ExpectedBucketOwner), func(settings *object.Settings) error {
		conf := in.PublicAccessBlockConfiguration
		if conf == nil {
			return noBody()
		}
		settings.Public = &object.PublicAccess{
			BlockACLs: kit.Value(conf.BlockPublicAcls), IgnoreACLs: kit.Value(conf.IgnorePublicAcls),
			BlockPolicy: kit.Value(conf.BlockPublicPolicy), RestrictBuckets: kit.Value(conf.RestrictPublicBuckets),
		}
		return nil
	})
	return &api.PutPublicAccessBlockOutput{}, err
}

// GetPublicAccessBlock   restXml
//
//   - a bucket whose configuration was deleted is NoSuchPublicAccessBlockConfiguration
func (s *Service) GetPublicAccessBlock(ctx context.Context, in *api.GetPublicAccessBlockInput) (*api.GetPublicAccessBlockOutput, error) {
	settings, err := s.settings(ctx, publicAccess("Get", in.Bucket, in.ExpectedBucketOwner))
	if err != nil {
		return nil, err
	}
	p := settings.Public
	if p == nil {
		return nil, notSet("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found", in.Bucket)
	}
	return &api.GetPublicAccessBlockOutput{PublicAccessBlockConfiguration: &api.PublicAccessBlockConfiguration{
		BlockPublicAcls: &p.BlockACLs, IgnorePublicAcls: &p.IgnoreACLs, BlockPublicPolicy: &p.BlockPolicy, RestrictPublicBuckets: &p.RestrictBuckets,
	}}, nil
}

// DeletePublicAccessBlock   restXml
//
//   - blocks nothing from now on; succeeds without a configuration, too
func (s *Service) DeletePublicAccessBlock(ctx context.Context, in *api.DeletePublicAccessBlockInput) (*api.DeletePublicAccessBlockOutput, error) {
	err := s.update(ctx, publicAccess("Put", in.Bucket, in.ExpectedBucketOwner), func(settings *object.Settings) error {
		settings.Public = nil
		return nil
	})
	return &api.DeletePublicAccessBlockOutput{}, err
}

// publicAccess asks for the public access block of a bucket; policies know no action of
// its own to delete it.
func publicAccess(verb string, bucket, owner *string) request {
	return request{action: verb + "BucketPublicAccessBlock", bucket: bucket, owner: owner}
}
