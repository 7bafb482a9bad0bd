package secretsmanager

import (
	"context"
	"errors"

	"millrace/runtime/secret"
	api "millrace/services/internal/api/secretsmanager"
	"millrace/services/internal/kit"
)

// CreateSecret   awsJson1_1
//
//   - the first version has the ClientRequestToken as its id and the label AWSCURRENT;
//     without a value there is no version
//   - the value is sealed under KmsKeyId, or under the account's aws/secretsmanager
//   - a name is taken until the secret is deleted and its recovery window is over
//
// Not supported: replicas in other regions: InvalidParameterException.
func (s *Service) CreateSecret(ctx context.Context, in *api.CreateSecretInput) (*api.CreateSecretOutput, error) {
	id, err := token(in.ClientRequestToken)
	if err != nil {
		return nil, err
	}
	if !secret.IsName(*in.Name) {
		return nil, failure(secret.BadName)
	}
	if len(in.AddReplicaRegions) > 0 {
		return nil, noReplicas()
	}
	value, err := valueOf(in.SecretString, in.SecretBinary)
	if err != nil {
		return nil, err
	}
	tags, err := withTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	c, who := s.caller(ctx)
	sec, err := s.secrets.Create(ctx, secret.Secret{
		Account: c.Account, Region: c.Region, Name: *in.Name,
		Description: kit.Value(in.Description), KeyID: kit.Value(in.KmsKeyId), Type: kit.Value(in.Type), Tags: tags,
	}, who, id, value)
	if errors.Is(err, secret.Exists) {
		return nil, exists(*in.Name)
	}
	if err != nil {
		return nil, failure(err)
	}
	out := &api.CreateSecretOutput{ARN: new(sec.ARN()), Name: &sec.Name}
	if value != nil {
		out.VersionId = &id
	}
	return out, nil
}
