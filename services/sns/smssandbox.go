package sns

import (
	"context"

	api "millrace/services/internal/api/sns"
)

// GetSMSSandboxAccountStatus   awsQuery
//
//   - every account is in the sandbox
//
// Not supported: the SMS sandbox; the answer is that of an account without numbers.
func (s *Service) GetSMSSandboxAccountStatus(ctx context.Context, _ *api.GetSMSSandboxAccountStatusInput) (*api.GetSMSSandboxAccountStatusOutput, error) {
	if err := s.signed(ctx); err != nil {
		return nil, err
	}
	return &api.GetSMSSandboxAccountStatusOutput{IsInSandbox: new(true)}, nil
}

// ListSMSSandboxPhoneNumbers   awsQuery
//
//   - there are none
//
// Not supported: the SMS sandbox; the answer is that of an account without numbers.
func (s *Service) ListSMSSandboxPhoneNumbers(ctx context.Context, in *api.ListSMSSandboxPhoneNumbersInput) (*api.ListSMSSandboxPhoneNumbersOutput, error) {
	if err := s.nothingMore(ctx, in.NextToken); err != nil {
		return nil, err
	}
	return &api.ListSMSSandboxPhoneNumbersOutput{PhoneNumbers: []*api.SMSSandboxPhoneNumber{}}, nil
}

// ListOriginationNumbers   awsQuery
//
//   - there are none
//
// Not supported: the SMS sandbox; the answer is that of an account without numbers.
func (s *Service) ListOriginationNumbers(ctx context.Context, in *api.ListOriginationNumbersInput) (*api.ListOriginationNumbersOutput, error) {
	if err := s.nothingMore(ctx, in.NextToken); err != nil {
		return nil, err
	}
	return &api.ListOriginationNumbersOutput{PhoneNumbers: []*api.PhoneNumberInformation{}}, nil
}

// CreateSMSSandboxPhoneNumber   awsQuery
//
//   - is UserError
//
// Not supported: nobody sends the password that would verify a number.
func (s *Service) CreateSMSSandboxPhoneNumber(ctx context.Context, _ *api.CreateSMSSandboxPhoneNumberInput) (*api.CreateSMSSandboxPhoneNumberOutput, error) {
	if err := s.signed(ctx); err != nil {
		return nil, err
	}
	return nil, api.ErrUserErrorException("Phone numbers of the SMS sandbox are not supported by Millrace.")
}

// VerifySMSSandboxPhoneNumber   awsQuery
//
//   - is ResourceNotFound: there are no numbers
//
// Not supported: the SMS sandbox; the answer is that of an account without numbers.
func (s *Service) VerifySMSSandboxPhoneNumber(ctx context.Context, _ *api.VerifySMSSandboxPhoneNumberInput) (*api.VerifySMSSandboxPhoneNumberOutput, error) {
	return nil, s.noSandboxNumber(ctx)
}

// DeleteSMSSandboxPhoneNumber   awsQuery
//
//   - is ResourceNotFound: there are no numbers
//
// Not supported: the SMS sandbox; the answer is that of an account without numbers.
func (s *Service) DeleteSMSSandboxPhoneNumber(ctx context.Context, _ *api.DeleteSMSSandboxPhoneNumberInput) (*api.DeleteSMSSandboxPhoneNumberOutput, error) {
	return nil, s.noSandboxNumber(ctx)
}

func (s *Service) noSandboxNumber(ctx context.Context) error {
	if err := s.signed(ctx); err != nil {
		return err
	}
	return api.ErrResourceNotFoundException("Phone number does not exist in the SMS sandbox")
}
