// Package sqs is the face of Amazon SQS: it checks requests as AWS does, asks
// the queues of millrace/runtime/queue, and answers in AWS's words. A file per
// operation; behaviour is told at its top.
//
// Who may do what is decided in one place, before anything else of a request is
// looked at: the account that owns a queue may, everybody else needs the queue's
// policy to allow it, and a Deny of the policy holds for both.
//
// The rules and texts come from AWS's documentation and from answers recorded
// from AWS; where the two differ, the recording wins.
package sqs

import (
	"context"
	"fmt"
	"time"

	"millrace/runtime/queue"
	"millrace/runtime/queue/cooldown"
	"millrace/runtime/queue/jetqueue"
	api "millrace/services/internal/api/sqs"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
	"millrace/services/internal/wire"
)

// A Service answers SQS requests. It keeps no state: what must outlive the process is
// in the queues and their cool-downs.
type Service struct {
	api.Unimplemented
	queues  *jetqueue.Queues
	tasks   MoveTasks
	options Options

	cooldowns *cooldown.Table
	fifoQuota throttle
	access    queue.Access

	drained context.Context // ends when waiting receives are to be answered at once
	drain   context.CancelFunc
}

// New serves the given queues, and the tasks that move messages between them. cooldowns
// remember purges and deletions.
func New(queues *jetqueue.Queues, tasks MoveTasks, cooldowns *cooldown.Table, o Options) *Service {
	s := &Service{queues: queues, tasks: tasks, options: o, cooldowns: cooldowns}
	s.drained, s.drain = context.WithCancel(context.Background())
	return s
}

// Model implements gateway.Service.
func (*Service) Model() *wire.Service { return api.Service }

// Drain answers every waiting receive now, with no messages, and lets no other
// one wait: the first step of stopping.
func (s *Service) Drain() { s.drain() }

// find returns the queue that a QueueUrl means, to a caller that may do the
// action to it. Every operation on a queue comes through here, with the name that
// policies have for it: a batch form's is the single form's. The query protocol
// may leave the parameter out and name the queue in the request's path instead.
func (s *Service) find(ctx context.Context, action string, url *string) (*jetqueue.Queue, error) {
	c := identity.From(ctx)
	id, err := address(c, kit.Value(url))
	if err != nil {
		return nil, err
	}
	q, err := s.queues.Get(id)
	if err != nil {
		return nil, fromDomain(err, c.Query)
	}
	if err := s.authorize(&c, q, action); err != nil {
		return nil, err
	}
	if s.options.FIFOThroughput && id.FIFO() && hasFIFOQuota(action) && !q.Config().LimitPerGroup {
		if err := s.fifoQuota.spend(time.Now(), id, action); err != nil {
			return nil, err
		}
	}
	return q, nil
}

// authorizeAccountLevel authorizes the operations that are not on one queue. It refuses
// anonymous callers and, as AWS does, requests that are sent to a queue's URL in the query
// protocol.
func (s *Service) authorizeAccountLevel(c identity.Caller, action string) error {
	if _, ok := locate(c, c.Host, c.Path); ok && c.Query {
		return invalidAction(action)
	}
	return s.signed(&c)
}

func address(c identity.Caller, url string) (queue.ID, error) {
	if url == "" {
		id, ok := locate(c, c.Host, c.Path)
		if !ok {
			return id, missingParam("QueueUrl")
		}
		return id, nil
	}
	id, ok := parseURL(c, url)
	if !ok {
		return id, api.ErrInvalidAddress(fmt.Sprintf("The address %s is not valid for this endpoint.", url))
	}
	return id, nil
}
