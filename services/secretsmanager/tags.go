package secretsmanager

import (
	"context"

	"millrace/runtime/secret"
	api "millrace/services/internal/api/secretsmanager"
	"millrace/services/internal/kit"
)

// TagResource   awsJson1_1
//
//   - adds tags, and gives those that are there their new values; 50 at most
func (s *Service) TagResource(ctx context.Context, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	r, err := s.secret(ctx, in.SecretId, "TagResource", nil)
	if err != nil {
		return nil, err
	}
	err = s.secrets.Edit(ctx, r.Secret, func(sec *secret.Secret) (err error) {
		sec.Tags, err = withTags(sec.Tags, in.Tags)
		return err
	})
	return &api.TagResourceOutput{}, failure(err)
}

// UntagResource   awsJson1_1
//
//   - keys that are not there are no error
func (s *Service) UntagResource(ctx context.Context, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	r, err := s.secret(ctx, in.SecretId, "UntagResource", nil)
	if err != nil {
		return nil, err
	}
	err = s.secrets.Edit(ctx, r.Secret, func(sec *secret.Secret) error {
		sec.Tags = kit.RemoveTags(tagRules, sec.Tags, in.TagKeys)
		return nil
	})
	return &api.UntagResourceOutput{}, failure(err)
}

var tagRules = kit.TagRules{
	Max: 50,
	Check: func(key, _ string) error {
		if kit.IsReservedTag(key) {
			return api.ErrInvalidParameterException("aws: prefixed tag key names are not allowed for external use.")
		}
		return nil
	},
	Duplicate: func() error { return api.ErrInvalidParameterException("Duplicate tag keys are not allowed.") },
	TooMany:   func() error { return api.ErrInvalidParameterException("A secret can have at most 50 tags.") },
}

// withTags returns tags with more added to them, or put in their place.
func withTags(tags []secret.Tag, more []*api.Tag) ([]secret.Tag, error) {
	add := make([]secret.Tag, len(more))
	for i, t := range more {
		if t.Key == nil {
			return nil, api.ErrInvalidParameterException("A tag must have a key.")
		}
		add[i] = secret.Tag{Key: *t.Key, Value: kit.Value(t.Value)}
	}
	return kit.AddTags(tagRules, tags, add)
}
