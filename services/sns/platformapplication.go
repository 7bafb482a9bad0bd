package sns

import (
	"context"
	"slices"

	api "millrace/services/internal/api/sns"
	"millrace/services/internal/kit"
)

// platforms are the push services that SNS knows
// (https://docs.aws.amazon.com/sns/latest/api/API_CreatePlatformApplication.html).
var platforms = []string{"ADM", "APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX", "BAIDU", "GCM",
	"MACOS", "MACOS_SANDBOX", "MPNS", "WNS"}

// CreatePlatformApplication   awsQuery
//
//   - refuses all credentials, as AWS does those that the push service does not know
//
// Not supported: there is no mobile push, so there are no platform applications and no
// endpoints.
func (s *Service) CreatePlatformApplication(ctx context.Context, in *api.CreatePlatformApplicationInput) (*api.CreatePlatformApplicationOutput, error) {
	if err := s.signed(ctx); err != nil {
		return nil, err
	}
	platform, name := kit.Value(in.Platform), kit.Value(in.Name)
	if err := checkApplicationName(name); err != nil {
		return nil, err
	}
	if !slices.Contains(platforms, platform) {
		return nil, invalid("Platform Reason: %s is not supported", platform)
	}
	_, credential := in.Attributes["PlatformCredential"]
	_, principal := in.Attributes["PlatformPrincipal"]
	switch {
	case credential && !principal && platform != "GCM":
		return nil, invalid("Attributes Reason: PlatformCredential attribute provided without PlatformPrincipal")
	case principal && !credential:
		return nil, invalid("Attributes Reason: PlatformPrincipal attribute provided without PlatformCredential")
	}
	return nil, invalid("Attributes Reason: Platform credentials are invalid")
}

func checkApplicationName(name string) error {
	switch {
	case name == "":
		return invalid("%s Reason: cannot be empty", name)
	case len(name) > 256:
		return invalid("%s Reason: must be at most 256 characters long", name)
	}
	for _, c := range name {
		if c != '.' && !isIdentifier(string(c)) {
			return invalid("%s Reason: must contain only characters 'a'-'z', 'A'-'Z', '0'-'9', '_', '-', and '.'", name)
		}
	}
	return nil
}

// ListPlatformApplications   awsQuery
//
//   - there are none
//
// Not supported: mobile push; the answer is that of an account without it.
func (s *Service) ListPlatformApplications(ctx context.Context, in *api.ListPlatformApplicationsInput) (*api.ListPlatformApplicationsOutput, error) {
	if err := s.nothingMore(ctx, in.NextToken); err != nil {
		return nil, err
	}
	return &api.ListPlatformApplicationsOutput{PlatformApplications: []*api.PlatformApplication{}}, nil
}

// GetPlatformApplicationAttributes   awsQuery
//
//   - is NotFound: there are no platform applications
//
// Not supported: mobile push; the answer is that of an account without it.
func (s *Service) GetPlatformApplicationAttributes(ctx context.Context, in *api.GetPlatformApplicationAttributesInput) (*api.GetPlatformApplicationAttributesOutput, error) {
	return nil, s.noApplication(ctx, in.PlatformApplicationArn)
}

// SetPlatformApplicationAttributes   awsQuery
//
//   - is NotFound: there are no platform applications
//
// Not supported: mobile push; the answer is that of an account without it.
func (s *Service) SetPlatformApplicationAttributes(ctx context.Context, in *api.SetPlatformApplicationAttributesInput) (*api.SetPlatformApplicationAttributesOutput, error) {
	return nil, s.noApplication(ctx, in.PlatformApplicationArn)
}

// DeletePlatformApplication   awsQuery
//
//   - one that is not there is deleted
//
// Not supported: mobile push; the answer is that of an account without it.
func (s *Service) DeletePlatformApplication(ctx context.Context, in *api.DeletePlatformApplicationInput) (*api.DeletePlatformApplicationOutput, error) {
	if err := s.applicationARN(ctx, in.PlatformApplicationArn); err != nil {
		return nil, err
	}
	return &api.DeletePlatformApplicationOutput{}, nil
}

func (s *Service) noApplication(ctx context.Context, arn *string) error {
	if err := s.applicationARN(ctx, arn); err != nil {
		return err
	}
	return api.ErrNotFoundException("PlatformApplication does not exist")
}

// applicationARN checks …:app/PLATFORM/NAME.
func (s *Service) applicationARN(ctx context.Context, arn *string) error {
	return s.slashedARN(ctx, "PlatformApplicationArn", arn, 2)
}
