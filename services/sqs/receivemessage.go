package sqs

import (
	"context"
	"errors"
	"math"
	"time"

	"millrace/runtime/queue"
	"millrace/runtime/queue/jetqueue"
	api "millrace/services/internal/api/sqs"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// ReceiveMessage   awsJson1_0, awsQuery
//
//   - answers up to MaxNumberOfMessages (1 to 10, 1 if absent) and hides them for
//     VisibilityTimeout (0 to 43200 s, the queue's if absent)
//   - with Options.AnyNumber MaxNumberOfMessages may be more, and -1 means all
//   - waits up to WaitTimeSeconds (0 to 20, the queue's if absent), and answers as
//     soon as one message is there
//   - ReceiveRequestAttemptId means something on FIFO queues, and nothing on others
//   - every delivery has a receipt handle of its own, which with its deadline
//     survives the process
//   - a message received more than maxReceiveCount times goes to the dead-letter
//     queue instead
//
// Not supported: short polls that ask only some of AWS's servers.
func (s *Service) ReceiveMessage(ctx context.Context, in *api.ReceiveMessageInput) (*api.ReceiveMessageOutput, error) {
	c := identity.From(ctx)
	q, err := s.find(ctx, "ReceiveMessage", in.QueueUrl)
	if err != nil {
		return nil, err
	}
	req, err := receiveRequest(in, q.ID(), q.Config(), s.options.AnyNumber)
	if err != nil {
		return nil, err
	}
	got, err := s.receive(ctx, q, req)
	if errors.Is(err, queue.ErrAttemptNotRetryable) {
		return nil, invalidParam("ReceiveRequestAttemptId", req.AttemptID,
			"The receiveRequestAttemptId is not valid anymore since the receive call is not retryable.")
	}
	if err != nil {
		return nil, fromDomain(err, c.Query)
	}
	out := &api.ReceiveMessageOutput{}
	system := systemNames(in.AttributeNames, in.MessageSystemAttributeNames, c.Query)
	if len(got) > 0 {
		out.Messages = make([]*api.Message, len(got))
	}
	for i := range got {
		out.Messages[i] = answer(&got[i], in.MessageAttributeNames, system)
	}
	return out, nil
}

// receive waits no longer than until the service is drained.
func (s *Service) receive(ctx context.Context, q *jetqueue.Queue, req queue.ReceiveRequest) ([]queue.ReceivedMessage, error) {
	if req.Max > mostAtOnce {
		return s.receiveMany(ctx, q, req)
	}
	if req.Wait == 0 {
		return q.Receive(ctx, req)
	}
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.drained, cancel)()
	got, err := q.Receive(waiting, req)
	if errors.Is(err, context.Canceled) && ctx.Err() == nil {
		return nil, nil // drained: an empty answer is a true one
	}
	return got, err
}

// mostAtOnce is how many messages one command to a queue asks for.
const mostAtOnce = 2000

// receiveMany receives until there are req.Max messages or no more: a wait is
// over with the first ones. What was received before a failure is answered.
func (s *Service) receiveMany(ctx context.Context, q *jetqueue.Queue, req queue.ReceiveRequest) ([]queue.ReceivedMessage, error) {
	var all []queue.ReceivedMessage
	for want := req.Max; len(all) < want; req.Wait = 0 {
		req.Max = min(want-len(all), mostAtOnce)
		got, err := s.receive(ctx, q, req)
		if len(all) > 0 && err != nil {
			break
		}
		if err != nil || len(got) == 0 {
			return all, err
		}
		all = append(all, got...)
		if len(got) < req.Max {
			break
		}
	}
	return all, nil
}

// receiveRequest checks the numbers of a receive and fills in the queue's own.
func receiveRequest(in *api.ReceiveMessageInput, id queue.ID, cfg queue.Config, anyNumber bool) (queue.ReceiveRequest, error) {
	req := queue.ReceiveRequest{Max: 1, Wait: cfg.Wait}
	if n := in.MaxNumberOfMessages; n != nil {
		if anyNumber && *n == -1 {
			*n = math.MaxInt32
		}
		if *n < 1 || *n > 10 && !anyNumber {
			return req, invalidParam("MaxNumberOfMessages", *n, "Must be between 1 and 10, if provided.")
		}
		req.Max = int(*n)
	}
	if n := in.WaitTimeSeconds; n != nil {
		if *n < 0 || *n > 20 {
			return req, invalidParam("WaitTimeSeconds", *n, "Must be >= 0 and <= 20, if provided.")
		}
		req.Wait = time.Duration(*n) * time.Second
	}
	if n := in.VisibilityTimeout; n != nil {
		if err := checkVisibility(*n); err != nil {
			return req, err
		}
		req.Visibility = new(time.Duration(*n) * time.Second)
	}
	if !id.FIFO() {
		return req, nil
	}
	req.AttemptID = kit.Value(in.ReceiveRequestAttemptId)
	return req, checkID("ReceiveRequestAttemptId", in.ReceiveRequestAttemptId)
}

func checkVisibility(n int32) error {
	if n < 0 || n > 43200 {
		return invalidParam("VisibilityTimeout", n, "Must be between 0 and 43200, if provided.")
	}
	return nil
}
