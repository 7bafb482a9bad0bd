package sqs

import (
	"context"
	"errors"
	"fmt"

	"millrace/runtime/queue/cooldown"
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
	purge := func() error { return q.Purge(ctx) }
	if s.options.PurgeWait {
		err = s.cooldowns.Purge(ctx, q.ID(), q.Config().Created, purge)
	} else {
		err = purge()
	}
	if errors.Is(err, cooldown.ErrPurged) {
		return nil, api.ErrPurgeQueueInProgress(fmt.Sprintf("Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.ID().Name))
	}
	return &api.PurgeQueueOutput{}, fromDomain(err, identity.From(ctx).Query)
}
