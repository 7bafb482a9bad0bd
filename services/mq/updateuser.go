package mq

import (
	"context"

	"millrace/runtime/broker"
	"millrace/runtime/broker/catalog"
	api "millrace/services/internal/api/mq"
	"millrace/services/internal/kit"
)

// UpdateUser   restJson1
//
//   - the change is pending as CreateUser's is; what is left out stays, and a pending
//     deletion is taken back
func (s *Service) UpdateUser(ctx context.Context, in *api.UpdateUserInput) (*api.UpdateUserOutput, error) {
	b, err := s.userBroker(ctx, in.BrokerId)
	if err != nil {
		return nil, err
	}
	e, err := userEdit(in.Password, in.Groups, in.ConsoleAccess, in.ReplicationUser)
	if err != nil {
		return nil, err
	}
	name := kit.Value(in.Username)
	if b.Engine == catalog.ActiveMQ {
		u, err := b.User(name)
		if err != nil {
			return nil, failure(err)
		}
		console, replication := u.ConsoleAccess, u.ReplicationUser
		if u.Pending != nil {
			console, replication = u.Pending.ConsoleAccess, u.Pending.ReplicationUser
		}
		if err := checkRoles(kit.ValueOr(in.ConsoleAccess, console), kit.ValueOr(in.ReplicationUser, replication)); err != nil {
			return nil, err
		}
	}
	return &api.UpdateUserOutput{}, s.changeUser(ctx, b, broker.Update, name, e)
}
