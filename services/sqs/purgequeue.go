package sqs

import (
	"context"

	api "millrace/services/internal/api/sqs"
	"millrace/services/internal/identity"
)

// PurgeQueue   awsJson1_0, awsQuery
//
//   - drops every message, visible, in flight or delayed, and what a FIFO queue
//     remembers for deduplication, before it answers
//
// Not imitated: the 60 seconds in which AWS refuses a second purge.
func (s *Service) PurgeQueue(ctx context.Context, in *api.PurgeQueueInput) (*api.PurgeQueueOutput, error) {
	q, err := s.find(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := q.Purge(ctx); err != nil {
		return nil, fromDomain(err, identity.From(ctx).Query)
	}
	return &api.PurgeQueueOutput{}, nil
}
