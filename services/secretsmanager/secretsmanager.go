// Package secretsmanager is AWS Secrets Manager: secrets, their versions and staging
// labels, recovery windows, resource policies and passwords. The secrets themselves are
// runtime/secret's; this is their AWS face.
//
// An account does with its secrets what it likes, unless a resource policy denies it;
// other accounts do what a secret's resource policy allows them, when its values are
// under a KMS key that they may use too.
//
// Texts and the order of checks follow what AWS answered from 2022 to 2026, as recorded
// by LocalStack's tests/aws/services/secretsmanager, and the API Reference.
package secretsmanager

import (
	"context"
	"time"
	"unicode/utf8"

	"millrace/runtime/secret"
	api "millrace/services/internal/api/secretsmanager"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
	"millrace/services/internal/wire"
)

// A Service answers Secrets Manager's operations. Its state is in runtime/secret.
type Service struct {
	api.Unimplemented

	secrets *secret.Secrets
	now     func() time.Time
}

// New is the service on secrets.
func New(secrets *secret.Secrets, now func() time.Time) *Service {
	return &Service{secrets: secrets, now: now}
}

// Model is what the gateway needs to know of Secrets Manager's API.
func (*Service) Model() *wire.Service { return api.Service }

// caller is who asks. An anonymous caller is taken for the default account, as in KMS.
func (s *Service) caller(ctx context.Context) (identity.Caller, secret.Caller) {
	c := identity.From(ctx)
	c.Anonymous = false
	return c, secret.Caller{Principal: c.Principal(), Context: c.Context(s.now)}
}

// A request is a secret that a request is about, and who asks.
type request struct {
	secret.Secret
	who secret.Caller
}

// secret finds the secret that a request names, if the caller may perform an operation on
// it. keys are the condition keys of the operation; nil for none.
func (s *Service) secret(ctx context.Context, id *string, op string, keys map[string]string) (request, error) {
	c, who := s.caller(ctx)
	ref, err := secret.ParseRef(*id, c.Account, c.Region)
	if err != nil {
		return request{}, failure(err)
	}
	if ref.Region != c.Region { // what another region has is not looked for
		return request{}, failure(secret.NotFound)
	}
	sec, err := s.secrets.Find(ref, c.Account)
	if err == nil {
		err = sec.Authorize(who, op, keys)
	}
	return request{sec, who}, failure(err)
}

// name and arn are members of nearly every answer.
func (r request) name() *string { return new(r.Secret.Name) }
func (r request) arn() *string  { return new(r.ARN()) }

// valueOf reads the value of a request, of which exactly one form may be there; nil for
// none.
func valueOf(text *string, binary []byte) (*secret.Value, error) {
	switch {
	case text != nil && binary != nil:
		return nil, api.ErrInvalidParameterException("You can't specify both a binary secret value and a string secret value in the same secret.")
	case text != nil:
		return &secret.Value{Bytes: []byte(*text)}, checkLength("secretString", len(*text))
	case binary != nil:
		return &secret.Value{Bytes: binary, Binary: true}, checkLength("secretBinary", len(binary))
	}
	return nil, nil
}

// token reads a ClientRequestToken, which becomes the id of a version.
func token(t *string) (string, error) {
	if t == nil {
		return "", api.ErrInvalidRequestException(noToken)
	}
	return *t, checkToken(*t)
}

// checkToken refuses a ClientRequestToken of the wrong length, in characters.
func checkToken(t string) error {
	if n := utf8.RuneCountInString(t); n < 32 || n > 64 {
		return api.ErrInvalidParameterException("ClientRequestToken must be 32-64 characters long.")
	}
	return nil
}

const noToken = "You must provide a ClientRequestToken value. We recommend a UUID-type value."

// present is a time of an answer; nil for none.
func present(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// given are the conditions on a version that is asked for.
func given(id, stage *string) map[string]string {
	return map[string]string{"VersionId": kit.Value(id), "VersionStage": kit.Value(stage)}
}
