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
//   - the name stays taken for sixty seconds when Options.NameWait is set
func (s *Service) DeleteQueue(ctx context.Context, in *api.DeleteQueueInput) (*api.DeleteQueueOutput, error) {
	q, err := s.find(ctx, "DeleteQueue", in.QueueUrl)
	if err != nil {
		return nil, err
	}
	remove := func() error { return s.queues.Delete(ctx, q.ID()) }
	if s.options.NameWait {
		err = s.cooldowns.Delete(ctx, q.ID(), remove)
	} else {
		err = remove()
	}
	return &api.DeleteQueueOutput{}, fromDomain(err, identity.From(ctx).Query)
}
