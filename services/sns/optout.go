package sns

import (
	"context"

	api "millrace/services/internal/api/sns"
	"millrace/services/internal/kit"
)

// CheckIfPhoneNumberIsOptedOut   awsQuery
//
//   - no number is
//
// Not supported: text messages are not sent, so nobody opts out of them.
func (s *Service) CheckIfPhoneNumberIsOptedOut(ctx context.Context, in *api.CheckIfPhoneNumberIsOptedOutInput) (*api.CheckIfPhoneNumberIsOptedOutOutput, error) {
	if err := s.signed(ctx); err != nil {
		return nil, err
	}
	if err := checkPhone(kit.Value(in.PhoneNumber)); err != nil {
		return nil, err
	}
	return &api.CheckIfPhoneNumberIsOptedOutOutput{IsOptedOut: new(false)}, nil
}

// ListPhoneNumbersOptedOut   awsQuery
//
//   - there are none
//
// Not supported: text messages are not sent, so nobody opts out of them.
func (s *Service) ListPhoneNumbersOptedOut(ctx context.Context, in *api.ListPhoneNumbersOptedOutInput) (*api.ListPhoneNumbersOptedOutOutput, error) {
	if err := s.nothingMore(ctx, in.NextToken); err != nil {
		return nil, err
	}
	return &api.ListPhoneNumbersOptedOutOutput{PhoneNumbers: []string{}}, nil
}

// OptInPhoneNumber   awsQuery
//
//   - succeeds: every number is opted in
//
// Not supported: text messages are not sent, so nobody opts out of them.
func (s *Service) OptInPhoneNumber(ctx context.Context, in *api.OptInPhoneNumberInput) (*api.OptInPhoneNumberOutput, error) {
	if err := s.signed(ctx); err != nil {
		return nil, err
	}
	if err := checkPhone(kit.Value(in.PhoneNumber)); err != nil {
		return nil, err
	}
	return &api.OptInPhoneNumberOutput{}, nil
}

// nothingMore authorizes a list that is always empty: no page has a token for the next.
func (s *Service) nothingMore(ctx context.Context, token *string) error {
	if err := s.signed(ctx); err != nil {
		return err
	}
	if kit.Value(token) != "" {
		return invalid("NextToken")
	}
	return nil
}
