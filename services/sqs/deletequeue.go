package sqs

import (
	"context"

	api "millrace/services/internal/api/sqs"
	"millrace/services/internal/identity"
)

// DeleteQueue   awsJson1_0, awsQuery
//
//   - removes the queue with its messages, attributes and tags at once
//   - receivers that wait are answered that the queue does not exist
//
// Not imitated: the 60 seconds in which the name stays taken.
func (s *Service) DeleteQueue(ctx context.Context, in *api.DeleteQueueInput) (*api.DeleteQueueOutput, error) {
	q, err := s.find(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := s.queues.Delete(ctx, q.ID()); err != nil {
		return nil, fromDomain(err, identity.From(ctx).Query)
	}
	return &api.DeleteQueueOutput{}, nil
}
