package secretsmanager

import (
	"context"
	"fmt"
	"slices"

	"millrace/runtime/secret"
	api "millrace/services/internal/api/secretsmanager"
	"millrace/services/internal/kit"
)

// ListSecretVersionIds   awsJson1_1
//
//   - in the order of their making, 100 a page; also in the recovery window
//   - versions without labels with IncludeDeprecated only
func (s *Service) ListSecretVersionIds(ctx context.Context, in *api.ListSecretVersionIdsInput) (*api.ListSecretVersionIdsOutput, error) {
	r, err := s.secret(ctx, in.SecretId, "ListSecretVersionIds", nil)
	if err != nil {
		return nil, err
	}
	versions := r.Versions
	if !kit.Value(in.IncludeDeprecated) {
		versions = slices.DeleteFunc(versions, func(v secret.Version) bool { return len(v.Stages) == 0 })
	}
	place := func(v secret.Version) string { return fmt.Sprintf("%015d %s", v.Created.UnixMilli(), v.ID) }
	slices.SortFunc(versions, func(a, b secret.Version) int { return compare(place(a), place(b)) })
	part, next, err := page(versions, place, in.NextToken, kit.ValueOr(in.MaxResults, 100))
	if err != nil {
		return nil, err
	}
	out := &api.ListSecretVersionIdsOutput{ARN: r.arn(), Name: r.name(), NextToken: next, Versions: []*api.SecretVersionsListEntry{}}
	for _, v := range part {
		key := v.KeyID
		if key == "" {
			key = "DefaultEncryptionKey"
		}
		e := &api.SecretVersionsListEntry{VersionId: &v.ID, CreatedDate: &v.Created, LastAccessedDate: present(v.Accessed), KmsKeyIds: []string{key}}
		if len(v.Stages) > 0 {
			e.VersionStages = v.Stages
		}
		out.Versions = append(out.Versions, e)
	}
	return out, nil
}

// UpdateSecretVersionStage   awsJson1_1
//
//   - puts a label on a version, takes it from one, or moves it; RemoveFromVersionId must
//     name the version that has it
//   - AWSCURRENT takes AWSPREVIOUS to the version that had it
func (s *Service) UpdateSecretVersionStage(ctx context.Context, in *api.UpdateSecretVersionStageInput) (*api.UpdateSecretVersionStageOutput, error) {
	r, err := s.secret(ctx, in.SecretId, "UpdateSecretVersionStage", map[string]string{"VersionStage": *in.VersionStage})
	if err != nil {
		return nil, err
	}
	if in.MoveToVersionId == nil && in.RemoveFromVersionId == nil {
		return nil, api.ErrInvalidParameterException("You must provide either MoveToVersionId or RemoveFromVersionId.")
	}
	err = s.secrets.MoveStage(ctx, r.Secret, *in.VersionStage, kit.Value(in.MoveToVersionId), kit.Value(in.RemoveFromVersionId))
	return &api.UpdateSecretVersionStageOutput{ARN: r.arn(), Name: r.name()}, failure(err)
}
