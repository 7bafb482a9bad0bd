package mq

import (
	"context"

	"millrace/runtime/broker"
	api "millrace/services/internal/api/mq"
	"millrace/services/internal/kit"
)

// DeleteUser   restJson1
//
//   - the deletion is pending as CreateUser's change is; a user that is pending itself is
//     gone at once
func (s *Service) DeleteUser(ctx context.Context, in *api.DeleteUserInput) (*api.DeleteUserOutput, error) {
	b, err := s.userBroker(ctx, in.BrokerId)
	if err != nil {
		return nil, err
	}
	return &api.DeleteUserOutput{}, s.changeUser(ctx, b, broker.Delete, kit.Value(in.Username), broker.UserEdit{})
}
