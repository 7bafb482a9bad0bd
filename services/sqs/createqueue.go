package sqs

import (
	"context"
	"fmt"
	"maps"
	"slices"
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
//   - the name of a queue deleted less than sixty seconds ago is
//     QueueDeletedRecently when Options.NameWait is set
//   - the queue is durable before its URL is answered
func (s *Service) CreateQueue(ctx context.Context, in *api.CreateQueueInput) (*api.CreateQueueOutput, error) {
	c := identity.From(ctx)
	if err := s.authorizeAccountLevel(c, "CreateQueue"); err != nil {
		return nil, err
	}
	if in.QueueName == nil {
		return nil, missingParam("QueueName")
	}
	id := queue.ID{Account: c.Account, Region: c.Region, Name: *in.QueueName}
	if err := queueName(id.Name, isTrue(in.Attributes["FifoQueue"])); err != nil {
		return nil, err
	}
	if _, err := tagRules(id).AddTagMap(nil, in.Tags); err != nil {
		return nil, err
	}
	url := &api.CreateQueueOutput{QueueUrl: new(s.options.URLs.url(c, id))}
	q, err := s.queues.Get(id)
	if err != nil {
		if s.options.NameWait && s.cooldowns.Deleted(id) {
			return nil, api.ErrQueueDeletedRecently("You must wait 60 seconds after deleting a queue before you can create another with the same name.")
		}
		cfg := fresh(time.Now())
		if err := apply(&cfg, id, in.Attributes, s.redriveCheck(id)); err != nil {
			return nil, err
		}
		cfg.Tags = in.Tags
		_, err := s.queues.Create(ctx, id, cfg)
		if fault.Of(err) != fault.Exists {
			return url, fromDomain(err, c.Query)
		}
		if q, err = s.queues.Get(id); err != nil { // somebody created it just now, and it is gone again
			return nil, fromDomain(err, c.Query)
		}
	}
	cfg := q.Config()
	if err := apply(&cfg, id, in.Attributes, s.redriveCheck(id)); err != nil {
		return nil, err
	}
	if name := difference(id, q.Config(), cfg, slices.Sorted(maps.Keys(in.Attributes))...); name != "" {
		return nil, api.ErrQueueNameExists(
			fmt.Sprintf("A queue already exists with the same name and a different value for attribute %s", name))
	}
	return url, nil
}

// redriveCheck reports whether a queue exists that dead letters of source may go
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
