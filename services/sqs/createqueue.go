package sqs

import (
	"context"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
	api "millrace/services/internal/api/sqs"
	"millrace/services/internal/identity"
)

// CreateQueue   awsJson1_0, awsQuery
//
//   - a name is 1 to 80 of A-Z a-z 0-9 _ -; a FIFO queue's ends in .fifo, and
//     FifoQueue=true must be given with it
//   - creating a queue that exists returns its URL if every attribute given
//     equals the queue's, else QueueAlreadyExists names the first that differs;
//     tags are not compared
//   - the queue is durable before its URL is answered
func (s *Service) CreateQueue(ctx context.Context, in *api.CreateQueueInput) (*api.CreateQueueOutput, error) {
	c := identity.From(ctx)
	if err := elsewhere(c, "CreateQueue"); err != nil {
		return nil, err
	}
	if in.QueueName == nil {
		return nil, missingParam("QueueName")
	}
	id := queue.ID{Account: c.Account, Region: c.Region, Name: *in.QueueName}
	if err := queueName(id.Name, isTrue(in.Attributes["FifoQueue"])); err != nil {
		return nil, err
	}
	if err := checkTags(id, nil, in.Tags); err != nil {
		return nil, err
	}
	for {
		cfg := fresh(time.Now())
		q, err := s.queues.Get(id)
		if err == nil {
			cfg = q.Config()
		}
		if err := apply(&cfg, id, in.Attributes, s.redriveCheck(id)); err != nil {
			return nil, err
		}
		if q == nil {
			cfg.Tags = in.Tags
			q, err = s.queues.Create(ctx, id, cfg)
		} else if name := difference(id, q.Config(), cfg); name != "" {
			return nil, sender(400, "QueueNameExists", "QueueAlreadyExists",
				"A queue already exists with the same name and a different value for attribute %s", name)
		}
		if fault.Of(err) == fault.Exists {
			continue // somebody created it just now: compare
		}
		if err != nil {
			return nil, fromDomain(err, c.Query)
		}
		return &api.CreateQueueOutput{QueueUrl: ptr(queueURL(c, id))}, nil
	}
}

// redriveCheck tells whether a queue exists that dead letters of source may go
// to, and whether its redrive allow policy lets them.
func (s *Service) redriveCheck(source queue.ID) func(queue.ID) (allowed, exists bool) {
	return func(target queue.ID) (allowed, exists bool) {
		q, err := s.queues.Get(target)
		if err != nil {
			return false, false
		}
		a, err := parseRedriveAllow(q.Config().Texts[redriveAllow])
		return err == nil && a.allows(source), true
	}
}
