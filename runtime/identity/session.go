package identity

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"time"

	"millrace/runtime/store/record"
)

// A Session is who uses temporary credentials.
type Session struct {
	Key     string // the access key id
	Account string
	ARN     string // of the caller, as GetCallerIdentity shows it
	UserID  string // likewise
	RoleARN string // of the role that was assumed; "" for a session of the account itself
	Expires time.Time

	// SecretAccessKey verifies the signatures of the session. It is "" in sessions that
	// were stored when secrets were not kept.
	SecretAccessKey string
}

// Credentials are what signs the requests of a session.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string // 40 characters
	SessionToken    string
	Expires         time.Time
}

// Sessions are the sessions that have not expired. Safe for concurrent use.
type Sessions struct {
	table *record.Table[Session]
	now   func() time.Time
}

// NewSessions is the sessions in a store. They expire by the clock now.
func NewSessions(store *record.Store, now func() time.Time) *Sessions {
	return &Sessions{
		table: record.NewTable[Session](store, "stssession").Expiring(func(s Session) time.Time { return s.Expires }, now),
		now:   now,
	}
}

// Get returns the session of an access key; ok is false for every other key, and once
// the session has expired.
func (ss *Sessions) Get(accessKeyID string) (s Session, ok bool) { return ss.table.Get(accessKeyID) }

// Secret returns the secret of an access key that was issued here, to verify signatures
// with. ok is false for every other key, and once the session has expired.
func (ss *Sessions) Secret(accessKeyID string) (secret string, ok bool) {
	s, ok := ss.table.Get(accessKeyID)
	return s.SecretAccessKey, ok && s.SecretAccessKey != ""
}

// Issue makes credentials for a session of duration d, and stores the session with
// their secret. Its Key, SecretAccessKey and Expires are set by Issue.
func (ss *Sessions) Issue(ctx context.Context, s Session, d time.Duration) (Credentials, error) {
	s.Key, s.SecretAccessKey = "ASIA"+rand.Text()[:16], secret(30)
	s.Expires = ss.now().UTC().Truncate(time.Second).Add(d)
	if err := ss.table.Create(ctx, s.Key, s); err != nil {
		return Credentials{}, err
	}
	return Credentials{AccessKeyID: s.Key, SecretAccessKey: s.SecretAccessKey, SessionToken: secret(258), Expires: s.Expires}, nil
}

func secret(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b) // never fails, says its documentation
	return base64.StdEncoding.EncodeToString(b)
}
