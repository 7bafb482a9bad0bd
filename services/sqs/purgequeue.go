package sqs

import (
	"context"
	"fmt"
	"time"

	api "millrace/services/internal/api/sqs"
	"millrace/services/internal/identity"
)

// PurgeQueue   awsJson1_0, awsQuery
//
//   - drops every message, visible, in flight or delayed, and what a FIFO queue
//     remembers for deduplication, before it answers
//   - a second purge within sixty seconds is PurgeQueueInProgress when
//     Options.PurgeWait is set; otherwise nobody has to wait
func (s *Service) PurgeQueue(ctx context.Context, in *api.PurgeQueueInput) (*api.PurgeQueueOutput, error) {
	q, err := s.find(ctx, "PurgeQueue", in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if s.options.PurgeWait {
		s.cooldowns.mu.Lock()
		defer s.cooldowns.mu.Unlock()
		if s.cooldowns.active(afterPurge, q.ID(), time.Now(), q.Config().Created) {
			return nil, api.ErrPurgeQueueInProgress(fmt.Sprintf("Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.ID().Name))
		}
	}
	if err := q.Purge(ctx); err != nil {
		return nil, fromDomain(err, identity.From(ctx).Query)
	}
	if s.options.PurgeWait { // after the purge: a process that dies in between leaves a client that may try again
		if err := s.cooldowns.start(ctx, afterPurge, q.ID(), time.Now()); err != nil {
			return nil, err
		}
	}
	return &api.PurgeQueueOutput{}, nil
}
