package mq

import (
	"context"

	"millrace/runtime/broker"
	"millrace/runtime/broker/catalog"
	api "millrace/services/internal/api/mq"
)

// ListUsers   restJson1
//
//   - of ActiveMQ brokers, with what is pending of each, ordered by name
func (s *Service) ListUsers(ctx context.Context, in *api.ListUsersInput) (*api.ListUsersOutput, error) {
	b, err := s.userBroker(ctx, in.BrokerId)
	if err != nil {
		return nil, err
	}
	if b.Engine == catalog.RabbitMQ {
		return nil, usersElsewhere()
	}
	p, err := page(b.Users, func(u broker.StoredUser) string { return u.Name }, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &api.ListUsersOutput{BrokerId: &b.ID, Users: []*api.UserSummary{}, MaxResults: p.most, NextToken: p.next}
	for _, u := range p.items {
		out.Users = append(out.Users, userSummary(u))
	}
	return out, nil
}
