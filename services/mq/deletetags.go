package mq

import (
	"context"
	"strings"

	api "millrace/services/internal/api/mq"
)

// DeleteTags   restJson1
//
//   - removes the tags with the given keys; keys that are not there are ignored
func (s *Service) DeleteTags(ctx context.Context, in *api.DeleteTagsInput) (*api.DeleteTagsOutput, error) {
	if err := required(presence{"tagKeys", len(in.TagKeys) > 0}); err != nil {
		return nil, err
	}
	for _, key := range in.TagKeys {
		if strings.HasPrefix(strings.ToLower(key), ownPrefix) {
			return nil, bad("tagKeys", "Tags whose keys begin with millrace: cannot be removed.")
		}
	}
	t, err := s.tagged(ctx, "DeleteTags", in.ResourceArn)
	if err != nil {
		return nil, err
	}
	err = t.change(ctx, func(tags map[string]string) (map[string]string, error) {
		return tagRules.RemoveTagMap(tags, in.TagKeys), nil
	})
	return &api.DeleteTagsOutput{}, failure(err)
}
