// Package kms is the AWS Key Management Service as far as encryption at rest
// needs it: symmetric keys and HMAC keys, their aliases, policies and tags. The
// keys themselves are runtime/store/keys's; this is their AWS face.
//
// What is encrypted is encrypted: AES-256-GCM, bound to the encryption context,
// under material that leaves the runtime only wrapped. An account does with its
// keys what it likes; other accounts do what a key's policy allows them; the keys
// that AWS manages for its services can be looked at.
//
// Which operation works in which state of a key follows the table of
// https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html.
package kms

import (
	"context"
	"time"

	"millrace/runtime/policy"
	"millrace/runtime/store/keys"
	api "millrace/services/internal/api/kms"
	"millrace/services/internal/identity"
	"millrace/services/internal/wire"
)

// A Service answers KMS's operations. Its state is the ring's.
type Service struct {
	api.Unimplemented

	ring *keys.Ring
	now  func() time.Time
}

// New is the service on the keys of ring.
func New(ring *keys.Ring, now func() time.Time) *Service { return &Service{ring: ring, now: now} }

// Model is what the gateway needs to know of KMS's API.
func (*Service) Model() *wire.Service { return api.Service }

// caller is who asks. An anonymous caller is taken for the default account: there
// is nobody here whom KMS would have to keep out of it.
func caller(ctx context.Context) (c identity.Caller, who policy.Principal) {
	c = identity.From(ctx)
	c.Anonymous = false
	return c, c.Principal()
}

// key finds the key that a request names, if the caller may ask an operation of it.
func (s *Service) key(ctx context.Context, name *string, op string) (keys.Key, error) {
	c, who := caller(ctx)
	k, err := s.ring.Key(ctx, *name, c.Account, c.Region)
	if err == nil {
		err = k.Allows(who, op, c.Context(s.now))
	}
	return k, failure(err)
}
