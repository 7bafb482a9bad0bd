package sqs

import (
	"context"
	"time"

	api "millrace/services/internal/api/sqs"
	"millrace/services/internal/identity"
)

// DeleteQueue   awsJson1_0, awsQuery
//
//   - removes the queue with its messages, attributes and tags at once
//   - receivers that wait are answered that the queue does not exist
//   - the name stays taken for sixty seconds when Options.NameWait is set
func (s *Service) DeleteQueue(ctx context.Context, in *api.DeleteQueueInput) (*api.DeleteQueueOutput, error) {
	q, err := s.find(ctx, "DeleteQueue", in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if s.options.NameWait { // before the deletion: a process that dies in between leaves a queue, and no name is taken by one
		s.cooldowns.mu.Lock()
		defer s.cooldowns.mu.Unlock()
		if err := s.cooldowns.start(ctx, afterDelete, q.ID(), time.Now()); err != nil {
			return nil, err
		}
	}
	if err := s.queues.Delete(ctx, q.ID()); err != nil {
		return nil, fromDomain(err, identity.From(ctx).Query)
	}
	return &api.DeleteQueueOutput{}, nil
}
