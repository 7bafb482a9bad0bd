package sts

import (
	"context"

	api "millrace/services/internal/api/sts"
	caller "millrace/services/internal/identity"
)

// GetCallerIdentity   awsQuery
//
//   - the assumed role of credentials that AssumeRole lent
//   - else the account's root, whatever the access key
//   - anonymous callers get MissingAuthenticationToken
//
// Not supported: users; every other key is the root's.
func (s *Service) GetCallerIdentity(ctx context.Context, _ *api.GetCallerIdentityInput) (*api.GetCallerIdentityOutput, error) {
	if caller.From(ctx).AccessKey == "" {
		return nil, anonymous
	}
	c := s.caller(ctx)
	return &api.GetCallerIdentityOutput{Account: &c.Account, Arn: &c.ARN, UserId: &c.UserID}, nil
}

// GetAccessKeyInfo   awsQuery
//
//   - the account of credentials that were lent here, else the caller's own
//
// Not supported: reading the account out of keys that were not lent here.
func (s *Service) GetAccessKeyInfo(ctx context.Context, in *api.GetAccessKeyInfoInput) (*api.GetAccessKeyInfoOutput, error) {
	key, ok := s.sessions.Get(*in.AccessKeyId)
	if !ok {
		key = s.caller(ctx)
	}
	return &api.GetAccessKeyInfoOutput{Account: &key.Account}, nil
}

// GetSessionToken   awsQuery
//
//   - credentials of the caller's account, for 12 hours unless DurationSeconds
//     says otherwise
//
// Not supported: MFA; the limit of one hour that AWS sets the root.
func (s *Service) GetSessionToken(ctx context.Context, in *api.GetSessionTokenInput) (*api.GetSessionTokenOutput, error) {
	credentials, err := s.issue(ctx, s.caller(ctx), seconds(in.DurationSeconds, 12*60*60))
	if err != nil {
		return nil, err
	}
	return &api.GetSessionTokenOutput{Credentials: credentials}, nil
}
