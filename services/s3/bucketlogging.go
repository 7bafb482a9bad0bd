package s3

import (
	"context"
	"net/http"

	"millrace/runtime/object"
	api "millrace/services/internal/api/s3"
)

// PutBucketLogging   restXml
//
//   - the target is a bucket of the same account and region; without LoggingEnabled
//     nothing is configured from now on
//
// Not supported: the configuration is stored and returned; no logs are written.
func (s *Service) PutBucketLogging(ctx context.Context, in *api.PutBucketLoggingInput) (*api.PutBucketLoggingOutput, error) {
	b, err := s.find(ctx, request{action: "PutBucketLogging", bucket: in.Bucket, owner: in.ExpectedBucketOwner})
	if err != nil {
		return nil, err
	}
	if in.BucketLoggingStatus == nil {
		return nil, noBody()
	}
	enabled := in.BucketLoggingStatus.LoggingEnabled
	if enabled != nil {
		if err := s.checkLogging(ctx, b.Info().ID, enabled); err != nil {
			return nil, err
		}
	}
	err = b.Update(ctx, func(settings *object.Settings) error { return setDocument(settings, loggingDocument, enabled) })
	return &api.PutBucketLoggingOutput{}, fromBuckets(err, *in.Bucket)
}

func (s *Service) checkLogging(ctx context.Context, of object.ID, l *api.LoggingEnabled) error {
	if l.TargetBucket == nil || l.TargetPrefix == nil {
		return malformed()
	}
	refuse := func(message string) error {
		return refusal("InvalidTargetBucketForLogging", http.StatusBadRequest, message, "TargetBucket", *l.TargetBucket)
	}
	target, err := s.buckets.Find(ctx, *l.TargetBucket)
	if err != nil {
		return refuse("The target bucket for logging does not exist")
	}
	switch id := target.Info().ID; {
	case id.Account != of.Account:
		return refuse("The owner for the bucket to be logged and the target bucket must be the same.")
	case id.Region != of.Region:
		return refusal("CrossLocationLoggingProhibitted", http.StatusForbidden, "Cross S3 location logging not allowed. ", "TargetBucketLocation", id.Region)
	}
	return nil
}

// GetBucketLogging   restXml
//
//   - as it was put; an empty element for a bucket without logging
func (s *Service) GetBucketLogging(ctx context.Context, in *api.GetBucketLoggingInput) (*api.GetBucketLoggingOutput, error) {
	settings, err := s.settings(ctx, request{action: "GetBucketLogging", bucket: in.Bucket, owner: in.ExpectedBucketOwner})
	if err != nil {
		return nil, err
	}
	enabled, err := documentIn[api.LoggingEnabled](&settings, loggingDocument)
	return &api.GetBucketLoggingOutput{LoggingEnabled: enabled}, err
}
