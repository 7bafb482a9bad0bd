package secretsmanager

import (
	"context"
	"errors"
	"time"

	"millrace/runtime/secret"
	api "millrace/services/internal/api/secretsmanager"
	"millrace/services/internal/kit"
)

// DeleteSecret   awsJson1_1
//
//   - the secret waits for 7 to 30 days, by default 30, in which it can be restored; its
//     values cannot be read, and its name stays taken
//   - ForceDeleteWithoutRecovery removes it at once, and succeeds without a secret too
//   - the secret is gone when the window is over, at the moment
func (s *Service) DeleteSecret(ctx context.Context, in *api.DeleteSecretInput) (*api.DeleteSecretOutput, error) {
	force, days := kit.Value(in.ForceDeleteWithoutRecovery), kit.ValueOr(in.RecoveryWindowInDays, 30)
	switch {
	case force && in.RecoveryWindowInDays != nil:
		return nil, api.ErrInvalidParameterException("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
	case days < 7 || days > 30:
		return nil, api.ErrInvalidParameterException("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
	}
	r, err := s.secret(ctx, in.SecretId, "DeleteSecret", nil)
	if force && isNotFound(err) {
		return s.deletedNothing(ctx, *in.SecretId)
	}
	if err != nil {
		return nil, err
	}
	if !force {
		sec, err := s.secrets.Delete(ctx, r.Secret, time.Duration(days)*24*time.Hour)
		if err != nil {
			return nil, failure(err)
		}
		return &api.DeleteSecretOutput{ARN: r.arn(), Name: r.name(), DeletionDate: &sec.DeleteAt}, nil
	}
	if err := s.secrets.Remove(ctx, r.Secret); err != nil && !errors.Is(err, secret.NotFound) {
		return nil, failure(err)
	}
	return &api.DeleteSecretOutput{ARN: r.arn(), Name: r.name(), DeletionDate: new(s.now())}, nil
}

// deletedNothing is the answer to a forced deletion of what is not there.
func (s *Service) deletedNothing(ctx context.Context, id string) (*api.DeleteSecretOutput, error) {
	c, _ := s.caller(ctx)
	ref, err := secret.ParseRef(id, c.Account, c.Region)
	if err != nil {
		return nil, failure(err)
	}
	return &api.DeleteSecretOutput{ARN: new(ref.ARN()), Name: &ref.Name, DeletionDate: new(s.now())}, nil
}

// RestoreSecret   awsJson1_1
//
//   - ends the recovery window: the secret is what it was
//   - succeeds for a secret that was not deleted
func (s *Service) RestoreSecret(ctx context.Context, in *api.RestoreSecretInput) (*api.RestoreSecretOutput, error) {
	r, err := s.secret(ctx, in.SecretId, "RestoreSecret", nil)
	if err != nil {
		return nil, err
	}
	return &api.RestoreSecretOutput{ARN: r.arn(), Name: r.name()}, failure(s.secrets.Restore(ctx, r.Secret))
}
