// Package sts is the AWS Security Token Service: it says who calls, and lends
// credentials.
//
// Credentials are remembered, not checked: a request signed with any key is
// served, and a key that was lent here tells whose it is, until it expires: see
// [Service.Session].
package sts

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"time"

	"millrace/runtime/store/record"
	api "millrace/services/internal/api/sts"
	"millrace/services/internal/identity"
	"millrace/services/internal/wire"
)

// Roles is what the service asks about roles; services/iam has it.
type Roles interface {
	// Role returns a role's unique id and the longest session it allows; ok is
	// false when there is no such role.
	Role(account, name string) (id string, longest time.Duration, ok bool)
}

// A Service answers STS's operations. Its state is one table of records.
type Service struct {
	api.Unimplemented

	sessions *record.Table[session]
	roles    Roles
	now      func() time.Time
}

// New is the service on the sessions in store.
func New(store *record.Store, roles Roles, now func() time.Time) *Service {
	sessions := record.NewTable[session](store, "stssession").Expiring(func(s session) time.Time { return s.Expires }, now)
	return &Service{sessions: sessions, roles: roles, now: now}
}

// Model is what the gateway needs to know of STS's API.
func (*Service) Model() *wire.Service { return api.Service }

// A session is who uses credentials that were lent.
type session struct {
	Key     string // the access key
	Account string
	ARN     string // of the caller, as GetCallerIdentity says it
	UserID  string
	RoleARN string // of the role that was assumed; "" for a session of the account itself
	Expires time.Time
}

// caller says who sends the request: an assumed role, or the account itself.
func (s *Service) caller(ctx context.Context) session {
	c := identity.From(ctx)
	if lent, ok := s.sessions.Get(c.AccessKey); ok {
		return lent
	}
	return session{Key: c.AccessKey, Account: c.Account, ARN: "arn:aws:iam::" + c.Account + ":root", UserID: c.Account}
}

// Session returns whose credentials that were lent here are; nil for all other
// keys, and once they have expired.
func (s *Service) Session(accessKey string) *identity.Session {
	lent, ok := s.sessions.Get(accessKey)
	if !ok {
		return nil
	}
	return &identity.Session{Account: lent.Account, ARN: lent.ARN, UserID: lent.UserID, RoleARN: lent.RoleARN}
}

// issue makes credentials for a session and remembers whose they are,
// until they expire.
func (s *Service) issue(ctx context.Context, to session, d time.Duration) (*api.Credentials, error) {
	now := s.now().UTC().Truncate(time.Second)
	to.Key = "ASIA" + rand.Text()[:16]
	to.Expires = now.Add(d)
	if err := s.sessions.Create(ctx, to.Key, to); err != nil {
		return nil, err
	}
	return &api.Credentials{
		AccessKeyId:     &to.Key,
		SecretAccessKey: new(secret(30)), // 40 characters
		SessionToken:    new(secret(258)),
		Expiration:      &to.Expires,
	}, nil
}

func secret(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b) // never fails, says its documentation
	return base64.StdEncoding.EncodeToString(b)
}
