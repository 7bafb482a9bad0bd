package mq

import (
	"context"

	api "millrace/services/internal/api/mq"
)

// DeleteBroker   restJson1
//
//   - in any state; the broker is DELETION_IN_PROGRESS until nothing is left of it, its
//     data included, and then it is not found, and its name free
//   - its configuration stays
func (s *Service) DeleteBroker(ctx context.Context, in *api.DeleteBrokerInput) (*api.DeleteBrokerOutput, error) {
	b, err := s.broker(ctx, in.BrokerId)
	if err != nil {
		return nil, err
	}
	if err := s.brokers.Delete(ctx, b); err != nil {
		return nil, failure(err)
	}
	return &api.DeleteBrokerOutput{BrokerId: &b.ID}, nil
}
