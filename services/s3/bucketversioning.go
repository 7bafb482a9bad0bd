package s3

import (
	"context"
	"net/http"

	"millrace/runtime/object"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/kit"
)

// PutBucketVersioning   restXml
//
//   - Enabled or Suspended; a bucket that had versions never is unversioned again
//
// Not supported: MFA delete; there are no devices to ask for a code.
func (s *Service) PutBucketVersioning(ctx context.Context, in *api.PutBucketVersioningInput) (*api.PutBucketVersioningOutput, error) {
	err := s.update(ctx, request{action: "PutBucketVersioning", bucket: in.Bucket, owner: in.ExpectedBucketOwner}, func(settings *object.Settings) error {
		v, err := versioning(in)
		settings.Versioning = v
		return err
	})
	return &api.PutBucketVersioningOutput{}, err
}

func versioning(in *api.PutBucketVersioningInput) (object.Versioning, error) {
	conf := in.VersioningConfiguration
	switch {
	case conf == nil:
		return "", noBody()
	case conf.MFADelete != nil && *conf.MFADelete != "Enabled" && *conf.MFADelete != "Disabled":
		return "", malformed()
	case conf.Status == nil:
		return "", refusal("IllegalVersioningConfigurationException", http.StatusBadRequest, "The Versioning element must be specified")
	}
	v := object.Versioning(*conf.Status)
	switch {
	case v != object.VersioningEnabled && v != object.VersioningSuspended:
		return "", malformed()
	case in.MFA != nil:
		return "", notImplementedHeader("x-amz-mfa", "")
	case kit.Value(conf.MFADelete) == "Enabled":
		return "", refusal("AccessDenied", http.StatusForbidden, "Mfa Authentication must be used for this request")
	}
	return v, nil
}

// GetBucketVersioning   restXml
//
//   - an empty element for a bucket that never had versions
func (s *Service) GetBucketVersioning(ctx context.Context, in *api.GetBucketVersioningInput) (*api.GetBucketVersioningOutput, error) {
	settings, err := s.settings(ctx, request{action: "GetBucketVersioning", bucket: in.Bucket, owner: in.ExpectedBucketOwner})
	if err != nil {
		return nil, err
	}
	return &api.GetBucketVersioningOutput{Status: kit.Optional(string(settings.Versioning))}, nil
}
