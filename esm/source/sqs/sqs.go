// Package sqs makes SQS queues sources of event source mappings: it receives
// messages, renders them as the records of an SQS event, and deletes them when
// they are done.
package sqs

import (
	"context"
	"time"

	"millrace/esm/source"
	"millrace/runtime/arn"
	"millrace/runtime/queue"
)

// A Queue is what this package asks of a queue.
type Queue interface {
	Config() queue.Config
	Receive(context.Context, queue.ReceiveRequest) ([]queue.ReceivedMessage, error)
	Delete(ctx context.Context, handles ...string) []error
	ChangeVisibility(context.Context, ...queue.VisibilityChange) []error
}

// Queues finds a queue; fault.NotFound when there is none of that name.
type Queues func(queue.ID) (Queue, error)

// grace is what Lambda adds to window and time-out when it must hide messages
// for longer than their queue does.
const grace = 30 * time.Second

// A Source is one queue. It looks the queue up each time, so that one deleted
// and created again goes on being the same source.
type Source struct {
	id       queue.ID
	queues   Queues
	windowed bool
}

// perReceive is how many messages a queue gives at once.
const perReceive = 10

// Kind makes queues the sources of mappings. mayReceive says whether a function may
// take the messages of another account's queue: fault.Denied when the queue's owner
// does not let it. It is asked before each receive; nil lets every function.
func Kind(queues Queues, mayReceive func(q queue.ID, functionARN string) error) source.Kind {
	return func(s source.Spec) (source.Source, bool) {
		id, ok := queue.IDFromARN(s.ARN.String())
		if !ok {
			return nil, false
		}
		find := queues
		if f, err := arn.Parse(s.FunctionARN); mayReceive != nil && (err != nil || f.Account != id.Account) {
			find = func(id queue.ID) (Queue, error) {
				q, err := queues(id)
				if err == nil {
					err = mayReceive(id, s.FunctionARN)
				}
				return q, err
			}
		}
		return New(id, find, s.Window), true
	}
}

// New builds the source of a queue, which need not exist. windowed says that the
// mapping has a batching window, which shows in the records.
func New(id queue.ID, queues Queues, windowed bool) *Source { return &Source{id, queues, windowed} }

// Traits are those of Lambda's SQS events.
func (s *Source) Traits() source.Traits {
	return source.Traits{
		Name: s.id.Name, System: "aws_sqs", Payload: "body",
		Head: `{"Records":[`, Tail: `]}`, Ordered: s.id.FIFO(), NoWindow: s.id.FIFO(),
		DefaultBatch: 10, MaxUnwindowed: perReceive, MaxReceive: perReceive,
	}
}

// Check implements source.Source: messages must stay hidden for as long as the
// function may take.
func (s *Source) Check(timeout time.Duration) error {
	q, err := s.queues(s.id)
	if err != nil {
		return err
	}
	if hidden := q.Config().Visibility; hidden < timeout {
		return &source.VisibilityError{Visibility: hidden, Timeout: timeout}
	}
	return nil
}

// Receive waits for messages as the request says; none when the wait is over.
// Messages stay hidden for the queue's own visibility timeout, unless the
// request holds them for longer.
func (s *Source) Receive(ctx context.Context, r source.Request) ([]source.Record, error) {
	q, err := s.queues(s.id)
	if err != nil {
		return nil, err
	}
	want := queue.ReceiveRequest{Max: r.Max, Wait: r.Wait}
	if r.Wait == source.Forever {
		want.Wait = queue.Forever
	}
	hidden := q.Config().Visibility
	if r.Processing > hidden {
		hidden = min(r.Processing+grace, queue.MaxVisibility)
		want.Visibility = &hidden
	}
	messages, err := q.Receive(ctx, want)
	if err != nil {
		return nil, err
	}
	until := time.Now().Add(hidden)
	records := make([]source.Record, len(messages))
	for i := range messages {
		m := &messages[i]
		records[i] = source.Record{
			ID: m.MessageID, Handle: m.ReceiptHandle, JSON: encode(s.id, m, s.windowed), Payload: m.Body,
			TraceParent: m.TraceParent, TraceHeader: m.TraceHeader, RedeliveredAt: until,
		}
	}
	return records, nil
}

// Acknowledge deletes messages.
func (s *Source) Acknowledge(ctx context.Context, records []source.Record) error {
	q, err := s.queues(s.id)
	if err != nil {
		return err
	}
	handles := make([]string, len(records))
	for i, r := range records {
		handles[i] = r.Handle.(string)
	}
	return firstError(q.Delete(ctx, handles...))
}

// Release makes messages visible again.
func (s *Source) Release(ctx context.Context, records []source.Record) error {
	q, err := s.queues(s.id)
	if err != nil {
		return err
	}
	changes := make([]queue.VisibilityChange, len(records))
	for i, r := range records {
		changes[i] = queue.VisibilityChange{ReceiptHandle: r.Handle.(string)}
	}
	return firstError(q.ChangeVisibility(ctx, changes...))
}

// Close implements source.Source: nothing is open.
func (s *Source) Close() error { return nil }

func firstError(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
