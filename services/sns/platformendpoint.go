package sns

import (
	"context"
	"strings"

	api "millrace/services/internal/api/sns"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// CreatePlatformEndpoint   awsQuery
//
//   - is NotFound: there are no platform applications
//
// Not supported: mobile push; the answer is that of an account without it.
func (s *Service) CreatePlatformEndpoint(ctx context.Context, in *api.CreatePlatformEndpointInput) (*api.CreatePlatformEndpointOutput, error) {
	return nil, s.noApplication(ctx, in.PlatformApplicationArn)
}

// ListEndpointsByPlatformApplication   awsQuery
//
//   - is NotFound: there are no platform applications
//
// Not supported: mobile push; the answer is that of an account without it.
func (s *Service) ListEndpointsByPlatformApplication(ctx context.Context, in *api.ListEndpointsByPlatformApplicationInput) (*api.ListEndpointsByPlatformApplicationOutput, error) {
	return nil, s.noApplication(ctx, in.PlatformApplicationArn)
}

// GetEndpointAttributes   awsQuery
//
//   - is NotFound: there are no endpoints
//
// Not supported: mobile push; the answer is that of an account without it.
func (s *Service) GetEndpointAttributes(ctx context.Context, in *api.GetEndpointAttributesInput) (*api.GetEndpointAttributesOutput, error) {
	return nil, s.noEndpoint(ctx, in.EndpointArn)
}

// SetEndpointAttributes   awsQuery
//
//   - is NotFound: there are no endpoints
//
// Not supported: mobile push; the answer is that of an account without it.
func (s *Service) SetEndpointAttributes(ctx context.Context, in *api.SetEndpointAttributesInput) (*api.SetEndpointAttributesOutput, error) {
	return nil, s.noEndpoint(ctx, in.EndpointArn)
}

// DeleteEndpoint   awsQuery
//
//   - one that is not there is deleted
//
// Not supported: mobile push; the answer is that of an account without it.
func (s *Service) DeleteEndpoint(ctx context.Context, in *api.DeleteEndpointInput) (*api.DeleteEndpointOutput, error) {
	if err := s.endpointARN(ctx, in.EndpointArn); err != nil {
		return nil, err
	}
	return &api.DeleteEndpointOutput{}, nil
}

func (s *Service) noEndpoint(ctx context.Context, arn *string) error {
	if err := s.endpointARN(ctx, arn); err != nil {
		return err
	}
	return api.ErrNotFoundException("Endpoint does not exist")
}

// endpointARN checks …:endpoint/PLATFORM/APPLICATION/UUID.
func (s *Service) endpointARN(ctx context.Context, arn *string) error {
	return s.slashedARN(ctx, "EndpointArn", arn, 3)
}

// slashedARN authorizes an operation on something of mobile push, and checks the form of
// its ARN.
func (s *Service) slashedARN(ctx context.Context, param string, arn *string, slashes int) error {
	if err := s.signed(ctx); err != nil {
		return err
	}
	p, err := parts(param, kit.Value(arn))
	switch {
	case err != nil:
		return err
	case p[0] != "arn" || p[2] != "sns" || p[3] != identity.From(ctx).Region:
		return invalid("%s", param)
	case strings.Count(strings.Join(p[5:], ":"), "/") != slashes:
		return invalid("%s Reason: Wrong number of slashes in relative portion of the ARN.", param)
	}
	return nil
}
