package mq

import (
	"context"

	api "millrace/services/internal/api/mq"
)

// CreateTags   restJson1
//
//   - adds tags and overwrites those with the same key, up to 50, at once
func (s *Service) CreateTags(ctx context.Context, in *api.CreateTagsInput) (*api.CreateTagsOutput, error) {
	t, err := s.tagged(ctx, "CreateTags", in.ResourceArn)
	if err != nil {
		return nil, err
	}
	err = t.change(ctx, func(tags map[string]string) (map[string]string, error) { return tagRules.AddTagMap(tags, in.Tags) })
	return &api.CreateTagsOutput{}, failure(err)
}
