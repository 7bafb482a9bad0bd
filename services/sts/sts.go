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
	"sync"
	"time"

	"millrace/runtime/record"
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

	mu    sync.Mutex // guards swept
	swept time.Time  // when sessions that were over were last looked for
}

// New is the service on the sessions in store.
func New(store *record.Store, roles Roles, now func() time.Time) *Service {
	return &Service{sessions: record.NewTable[session](store, "stssession"), roles: roles, now: now}
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

// session returns the session that an access key belongs to, until it expires.
func (s *Service) session(accessKey string) (session, bool) {
	got, ok := s.sessions.Get(accessKey)
	return got, ok && s.now().Before(got.Expires)
}

// caller says who sends the request: an assumed role, or the account itself.
func (s *Service) caller(ctx context.Context) session {
	c := identity.From(ctx)
	if lent, ok := s.session(c.AccessKey); ok {
		return lent
	}
	return session{Key: c.AccessKey, Account: c.Account, ARN: "arn:aws:iam::" + c.Account + ":root", UserID: c.Account}
}

// Session returns whose credentials that were lent here are; nil for all other
// keys, and once they have expired.
func (s *Service) Session(accessKey string) *identity.Session {
	lent, ok := s.session(accessKey)
	if !ok {
		return nil
	}
	return &identity.Session{Account: lent.Account, ARN: lent.ARN, UserID: lent.UserID, RoleARN: lent.RoleARN}
}

// lend makes credentials for a session and remembers whose they are. Sessions
// that are over are forgotten on the way.
func (s *Service) lend(ctx context.Context, to session, d time.Duration) (*api.Credentials, error) {
	now := s.now().UTC().Truncate(time.Second)
	s.sweep(ctx, now)
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

// sweep forgets the sessions that are over, once a minute: each look reads them
// all, and a client may assume a role for everything it does.
func (s *Service) sweep(ctx context.Context, now time.Time) {
	s.mu.Lock()
	due := s.swept.IsZero() || now.Sub(s.swept).Abs() >= time.Minute // Abs: clocks are set back too
	if due {
		s.swept = now
	}
	s.mu.Unlock()
	if !due {
		return
	}
	for _, old := range s.sessions.List("") {
		if !now.Before(old.Expires) {
			// One that stays is tried again next time.
			_ = s.sessions.Delete(ctx, old.Key)
		}
	}
}

func secret(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b) // never fails, says its documentation
	return base64.StdEncoding.EncodeToString(b)
}
