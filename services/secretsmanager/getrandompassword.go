package secretsmanager

import (
	"context"
	"crypto/rand"

	"millrace/runtime/secret"
	api "millrace/services/internal/api/secretsmanager"
	"millrace/services/internal/kit"
)

// GetRandomPassword   awsJson1_1
//
//   - 32 characters unless PasswordLength says otherwise, with one of each kind that is
//     left unless RequireEachIncludedType is false
func (s *Service) GetRandomPassword(_ context.Context, in *api.GetRandomPasswordInput) (*api.GetRandomPasswordOutput, error) {
	p, err := secret.Password(secret.PasswordRules{
		Length:  int(kit.ValueOr(in.PasswordLength, 32)),
		NoUpper: kit.Value(in.ExcludeUppercase), NoLower: kit.Value(in.ExcludeLowercase),
		NoDigits: kit.Value(in.ExcludeNumbers), NoPunct: kit.Value(in.ExcludePunctuation),
		Space: kit.Value(in.IncludeSpace), Exclude: kit.Value(in.ExcludeCharacters),
		RequireEach: kit.ValueOr(in.RequireEachIncludedType, true),
	}, rand.Reader)
	if err != nil {
		return nil, failure(err)
	}
	return &api.GetRandomPasswordOutput{RandomPassword: &p}, nil
}
