package sns

import (
	"context"

	api "millrace/services/internal/api/sns"
	"millrace/services/internal/identity"
)

// ListTopics   awsQuery
//
//   - answers 100 topics a page, in the order of their names
func (s *Service) ListTopics(ctx context.Context, in *api.ListTopicsInput) (*api.ListTopicsOutput, error) {
	c := identity.From(ctx)
	out := &api.ListTopicsOutput{}
	for _, id := range s.topics.List(c.Account, c.Region) {
		out.Topics = append(out.Topics, &api.Topic{TopicArn: new(id.ARN())})
	}
	return out, nil
}
