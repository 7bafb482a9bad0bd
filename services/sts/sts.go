// Package sts is the AWS Security Token Service: it says who calls, and issues
// temporary credentials.
//
// Credentials are remembered, not checked: a request signed with any key is
// served, and a key that was issued here tells whose it is, until it expires: see
// [Service.Session].
package sts

import (
	"context"
	"time"

	"millrace/runtime/identity"
	"millrace/runtime/policy"
	api "millrace/services/internal/api/sts"
	caller "millrace/services/internal/identity"
	"millrace/services/internal/wire"
)

// Roles is what the service needs to know of roles: identity.Roles.
type Roles interface {
	Get(account, name string) (r identity.Role, ok bool)
}

// A Service answers STS's operations. It holds no state.
type Service struct {
	api.Unimplemented

	sessions *identity.Sessions
	roles    Roles
}

// New is the service on sessions and roles.
func New(sessions *identity.Sessions, roles Roles) *Service {
	return &Service{sessions: sessions, roles: roles}
}

// Model is what the gateway needs to know of STS's API.
func (*Service) Model() *wire.Service { return api.Service }

// caller is who sends the request: an assumed role, or the account itself.
func (s *Service) caller(ctx context.Context) identity.Session {
	c := caller.From(ctx)
	if issued, ok := s.sessions.Get(c.AccessKey); ok {
		return issued
	}
	return identity.Session{Key: c.AccessKey, Account: c.Account, ARN: policy.RootPrincipal(c.Account).ARN, UserID: c.Account}
}

// Session returns the session of credentials that were issued here; nil for all other
// keys, and once they have expired.
func (s *Service) Session(accessKey string) *caller.Session {
	issued, ok := s.sessions.Get(accessKey)
	if !ok {
		return nil
	}
	return &caller.Session{Account: issued.Account, ARN: issued.ARN, UserID: issued.UserID, RoleARN: issued.RoleARN}
}

// issue makes credentials for a session, and stores whose they are until they expire.
func (s *Service) issue(ctx context.Context, to identity.Session, d time.Duration) (*api.Credentials, error) {
	c, err := s.sessions.Issue(ctx, to, d)
	if err != nil {
		return nil, err
	}
	return &api.Credentials{
		AccessKeyId: &c.AccessKeyID, SecretAccessKey: &c.SecretAccessKey, SessionToken: &c.SessionToken, Expiration: &c.Expires,
	}, nil
}
