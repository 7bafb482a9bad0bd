package secretsmanager

import (
	"context"

	"millrace/runtime/secret"
	api "millrace/services/internal/api/secretsmanager"
	"millrace/services/internal/kit"
)

// GetSecretValue   awsJson1_1
//
//   - the version with AWSCURRENT, or what VersionId, VersionStage or both ask for
//   - DecryptionFailure while its KMS key is disabled or gone
//   - notes the day as LastAccessedDate
func (s *Service) GetSecretValue(ctx context.Context, in *api.GetSecretValueInput) (*api.GetSecretValueOutput, error) {
	r, err := s.secret(ctx, in.SecretId, "GetSecretValue", given(in.VersionId, in.VersionStage))
	if err != nil {
		return nil, err
	}
	e, err := s.read(ctx, r, kit.Value(in.VersionId), kit.Value(in.VersionStage))
	if err != nil {
		return nil, err
	}
	return &api.GetSecretValueOutput{
		ARN: e.ARN, Name: e.Name, VersionId: e.VersionId, VersionStages: e.VersionStages, CreatedDate: e.CreatedDate,
		SecretString: e.SecretString, SecretBinary: e.SecretBinary,
	}, nil
}

// read reads a version as it is answered.
func (s *Service) read(ctx context.Context, r request, id, stage string) (*api.SecretValueEntry, error) {
	v, value, err := s.secrets.Read(ctx, r.Secret, r.who, id, stage)
	if err != nil {
		return nil, failure(err)
	}
	e := &api.SecretValueEntry{ARN: r.arn(), Name: r.name(), VersionId: &v.ID, VersionStages: v.Stages, CreatedDate: &v.Created}
	if value.Binary {
		e.SecretBinary = value.Bytes
	} else {
		e.SecretString = new(string(value.Bytes))
	}
	return e, nil
}

// PutSecretValue   awsJson1_1
//
//   - the new version has the ClientRequestToken as its id, and the VersionStages, by
//     default AWSCURRENT; then the one before becomes AWSPREVIOUS
//   - the same token and value again change nothing; another value is
//     ResourceExistsException
//   - EncryptionFailure while the KMS key is disabled or gone
//   - beyond 100 versions the oldest without labels are dropped, never in their first
//     24 hours
//
// Not supported: RotationToken, which has no effect.
func (s *Service) PutSecretValue(ctx context.Context, in *api.PutSecretValueInput) (*api.PutSecretValueOutput, error) {
	id, err := token(in.ClientRequestToken)
	if err != nil {
		return nil, err
	}
	value, err := valueOf(in.SecretString, in.SecretBinary)
	if err != nil {
		return nil, err
	}
	if value == nil {
		return nil, api.ErrInvalidRequestException("You must provide either SecretString or SecretBinary.")
	}
	r, err := s.secret(ctx, in.SecretId, "PutSecretValue", nil)
	if err != nil {
		return nil, err
	}
	v, err := s.secrets.Put(ctx, r.Secret, r.who, id, *value, in.VersionStages)
	if err != nil {
		return nil, failure(err)
	}
	return &api.PutSecretValueOutput{ARN: r.arn(), Name: r.name(), VersionId: &id, VersionStages: v.Stages}, nil
}

// UpdateSecret   awsJson1_1
//
//   - changes what is given: the description, the KMS key, the value
//   - another KMS key seals the versions with AWSCURRENT, AWSPENDING and AWSPREVIOUS
//     anew; "" stands for aws/secretsmanager
//   - a value becomes a new version with AWSCURRENT, as in PutSecretValue
func (s *Service) UpdateSecret(ctx context.Context, in *api.UpdateSecretInput) (*api.UpdateSecretOutput, error) {
	id, err := token(in.ClientRequestToken)
	if err != nil {
		return nil, err
	}
	value, err := valueOf(in.SecretString, in.SecretBinary)
	if err != nil {
		return nil, err
	}
	r, err := s.secret(ctx, in.SecretId, "UpdateSecret", nil)
	if err != nil {
		return nil, err
	}
	out := &api.UpdateSecretOutput{ARN: r.arn(), Name: r.name()}
	if in.KmsKeyId != nil {
		if r.Secret, err = s.secrets.SetKey(ctx, r.Secret, r.who, *in.KmsKeyId); err != nil {
			return nil, failure(err)
		}
	}
	if value != nil {
		if _, err := s.secrets.Put(ctx, r.Secret, r.who, id, *value, nil); err != nil {
			return nil, failure(err)
		}
		out.VersionId = &id
	}
	if value != nil && in.Description == nil && in.Type == nil {
		return out, nil
	}
	err = s.secrets.Edit(ctx, r.Secret, func(sec *secret.Secret) error {
		sec.Description = kit.ValueOr(in.Description, sec.Description)
		sec.Type = kit.ValueOr(in.Type, sec.Type)
		return nil
	})
	return out, failure(err)
}
