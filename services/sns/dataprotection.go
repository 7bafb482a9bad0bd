package sns

import (
	"context"

	"millrace/runtime/topic"
	api "millrace/services/internal/api/sns"
	"millrace/services/internal/kit"
)

// PutDataProtectionPolicy   awsQuery
//
//   - stores a policy of at most 30 KB as it is sent; "" removes it
//
// Not supported: policies have no effect on messages.
func (s *Service) PutDataProtectionPolicy(ctx context.Context, in *api.PutDataProtectionPolicyInput) (*api.PutDataProtectionPolicyOutput, error) {
	t, err := s.find(ctx, "PutDataProtectionPolicy", "ResourceArn", in.ResourceArn, nil)
	if err != nil {
		return nil, err
	}
	text := kit.Value(in.DataProtectionPolicy)
	if err := checkDataProtection(text); err != nil {
		return nil, err
	}
	_, err = s.topics.Update(ctx, t.ID, func(t *topic.Topic) error {
		t.DataProtection = text
		return nil
	})
	if err != nil {
		return nil, fromTopics(err)
	}
	return &api.PutDataProtectionPolicyOutput{}, nil
}

// GetDataProtectionPolicy   awsQuery
//
//   - answers the policy as it was sent, and "" when there is none
func (s *Service) GetDataProtectionPolicy(ctx context.Context, in *api.GetDataProtectionPolicyInput) (*api.GetDataProtectionPolicyOutput, error) {
	t, err := s.find(ctx, "GetDataProtectionPolicy", "ResourceArn", in.ResourceArn, nil)
	if err != nil {
		return nil, err
	}
	return &api.GetDataProtectionPolicyOutput{DataProtectionPolicy: &t.DataProtection}, nil
}

func checkDataProtection(text string) error {
	if len(text) > maxPolicyBytes {
		return invalid("DataProtectionPolicy Reason: Policy exceeds the maximum size of %d bytes", maxPolicyBytes)
	}
	if _, err := parseObject("DataProtectionPolicy", text); err != nil {
		return invalid("%v", err)
	}
	return nil
}
