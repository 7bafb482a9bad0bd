package rabbitmq

import (
	"context"
	"encoding/json"
	"errors"

	"millrace/esm/source"
	"millrace/runtime/fault"
)

// errNoLogin says that a secret has no user and password. It has no cause: a decoder's
// error may quote the secret.
var errNoLogin = errors.New("the secret is no JSON object with the members username and password")

// login reads the secret of BASIC_AUTH, each time that a connection is made, so that the
// next one goes by its present value.
func (s *Source) login(ctx context.Context) (user, password string, err error) {
	value, err := s.config.Secret(ctx, source.Find(s.spec.Access, source.BasicAuth))
	if err != nil {
		return "", "", err
	}
	return parseLogin(value)
}

// parseLogin reads {"username":"…","password":"…"} (Lambda Developer Guide, "Using Lambda
// with Amazon MQ", on secrets). Other members do not matter.
func parseLogin(secret string) (user, password string, err error) {
	var members map[string]json.RawMessage // of which others may be anything
	if json.Unmarshal([]byte(secret), &members) != nil {
		return "", "", errNoLogin
	}
	if json.Unmarshal(members["username"], &user) != nil || json.Unmarshal(members["password"], &password) != nil || user == "" {
		return "", "", errNoLogin
	}
	return user, password, nil
}

// secretProblem says why there is no login.
func secretProblem(err error) string {
	switch {
	case errors.Is(err, errNoLogin):
		return "The secret in SourceAccessConfigurations must be a JSON object with the keys username and password."
	case errors.Is(err, fault.NotFound):
		return "The secret in SourceAccessConfigurations does not exist."
	}
	return "The secret in SourceAccessConfigurations cannot be read."
}
