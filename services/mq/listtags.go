package mq

import (
	"context"

	api "millrace/services/internal/api/mq"
)

// ListTags   restJson1
//
//   - of a broker or a configuration of the caller's account; a broker's tag
//     millrace:engine says what really runs behind it
func (s *Service) ListTags(ctx context.Context, in *api.ListTagsInput) (*api.ListTagsOutput, error) {
	t, err := s.tagged(ctx, "ListTags", in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if t.tags == nil {
		t.tags = map[string]string{}
	}
	return &api.ListTagsOutput{Tags: t.tags}, nil
}
