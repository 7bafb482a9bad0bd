package s3

import (
	"context"
	"strings"

	"millrace/runtime/object"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/kit"
)

// PutBucketAccelerateConfiguration   restXml
//
//   - Enabled or Suspended, for a bucket without dots in its name
//
// Not supported: the status is stored and returned; there is no accelerate endpoint.
func (s *Service) PutBucketAccelerateConfiguration(ctx context.Context, in *api.PutBucketAccelerateConfigurationInput) (*api.PutBucketAccelerateConfigurationOutput, error) {
	err := s.update(ctx, accelerateRequest("Put", in.Bucket, in.ExpectedBucketOwner), func(settings *object.Settings) error {
		if in.AccelerateConfiguration == nil {
			return noBody()
		}
		switch status := kit.Value(in.AccelerateConfiguration.Status); {
		case status != "Enabled" && status != "Suspended":
			return malformed()
		case strings.Contains(*in.Bucket, "."):
			return invalidRequest("S3 Transfer Acceleration is not supported for buckets with periods (.) in their names")
		}
		return setDocument(settings, accelerateDocument, in.AccelerateConfiguration)
	})
	return &api.PutBucketAccelerateConfigurationOutput{}, err
}

// GetBucketAccelerateConfiguration   restXml
//
//   - an empty element for a bucket whose status was never set
func (s *Service) GetBucketAccelerateConfiguration(ctx context.Context, in *api.GetBucketAccelerateConfigurationInput) (*api.GetBucketAccelerateConfigurationOutput, error) {
	settings, err := s.settings(ctx, accelerateRequest("Get", in.Bucket, in.ExpectedBucketOwner))
	if err != nil {
		return nil, err
	}
	conf, err := documentIn[api.AccelerateConfiguration](&settings, accelerateDocument)
	return &api.GetBucketAccelerateConfigurationOutput{Status: kit.Value(conf).Status}, err
}

func accelerateRequest(verb string, bucket, owner *string) request {
	return request{action: verb + "AccelerateConfiguration", bucket: bucket, owner: owner}
}
