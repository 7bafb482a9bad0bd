package sns

import (
	"context"

	"millrace/runtime/topic"
	api "millrace/services/internal/api/sns"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// ListTopics   awsQuery
//
//   - answers 100 topics a page, in the order of their names
func (s *Service) ListTopics(ctx context.Context, in *api.ListTopicsInput) (*api.ListTopicsOutput, error) {
	if err := s.signed(ctx); err != nil {
		return nil, err
	}
	c := identity.From(ctx)
	page, next, err := pageOf(s.topics.List(c.Account, c.Region), func(id topic.ID) string { return id.Name }, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &api.ListTopicsOutput{Topics: []*api.Topic{}, NextToken: next} // AWS answers an empty list too
	for _, id := range page {
		out.Topics = append(out.Topics, &api.Topic{TopicArn: new(id.ARN())})
	}
	return out, nil
}

// pageOf is one page of a list in the order of its keys. Tokens are opaque, and good for
// as long as anybody keeps them.
func pageOf[T any](all []T, key func(T) string, token *string) (page []T, next *string, err error) {
	if kit.Value(token) == "" {
		token = nil
	}
	page, next, _, err = kit.MarkedPage(all, key, token, pageSize)
	if err != nil {
		return nil, nil, invalid("NextToken")
	}
	return page, next, nil
}
