package secretsmanager

import (
	"context"

	"millrace/runtime/secret"
	api "millrace/services/internal/api/secretsmanager"
	"millrace/services/internal/kit"
)

// DescribeSecret   awsJson1_1
//
//   - works in the recovery window too, and shows its end as DeletedDate
//   - shows the versions that have labels
//
// Not supported: the members of rotation and replicas, which no secret has.
func (s *Service) DescribeSecret(ctx context.Context, in *api.DescribeSecretInput) (*api.DescribeSecretOutput, error) {
	r, err := s.secret(ctx, in.SecretId, "DescribeSecret", nil)
	if err != nil {
		return nil, err
	}
	e := entry(r.Secret)
	return &api.DescribeSecretOutput{
		ARN: e.ARN, Name: e.Name, Description: e.Description, KmsKeyId: e.KmsKeyId, Type: e.Type,
		CreatedDate: e.CreatedDate, LastChangedDate: e.LastChangedDate, LastAccessedDate: e.LastAccessedDate, DeletedDate: e.DeletedDate,
		Tags: e.Tags, VersionIdsToStages: e.SecretVersionsToStages,
	}, nil
}

// entry is a secret as lists show it.
func entry(sec secret.Secret) *api.SecretListEntry {
	e := &api.SecretListEntry{
		ARN: new(sec.ARN()), Name: &sec.Name,
		Description: kit.Optional(sec.Description), KmsKeyId: kit.Optional(sec.KeyID), Type: kit.Optional(sec.Type),
		CreatedDate: &sec.Created, LastChangedDate: &sec.Changed,
		LastAccessedDate: present(sec.Accessed), DeletedDate: present(sec.DeleteAt),
	}
	if sec.Tagged {
		e.Tags = []*api.Tag{}
	}
	for _, t := range sec.Tags {
		e.Tags = append(e.Tags, &api.Tag{Key: &t.Key, Value: &t.Value})
	}
	for _, v := range sec.Versions {
		if len(v.Stages) > 0 {
			if e.SecretVersionsToStages == nil {
				e.SecretVersionsToStages = map[string][]string{}
			}
			e.SecretVersionsToStages[v.ID] = v.Stages
		}
	}
	return e
}
