package mq

import (
	"context"

	"millrace/runtime/broker/catalog"
	api "millrace/services/internal/api/mq"
	"millrace/services/internal/kit"
)

// DescribeUser   restJson1
//
//   - of ActiveMQ brokers; never with a password
func (s *Service) DescribeUser(ctx context.Context, in *api.DescribeUserInput) (*api.DescribeUserOutput, error) {
	b, err := s.userBroker(ctx, in.BrokerId)
	if err != nil {
		return nil, err
	}
	if b.Engine == catalog.RabbitMQ {
		return nil, usersElsewhere()
	}
	u, err := b.User(kit.Value(in.Username))
	if err != nil {
		return nil, failure(err)
	}
	out := &api.DescribeUserOutput{
		BrokerId: &b.ID, Username: &u.Name, ConsoleAccess: &u.ConsoleAccess, Groups: names(u.Groups), ReplicationUser: &u.ReplicationUser,
	}
	if p := u.Pending; p != nil {
		out.Pending = &api.UserPendingChanges{PendingChange: new(string(p.Change)), ConsoleAccess: &p.ConsoleAccess, Groups: names(p.Groups)}
	}
	return out, nil
}
