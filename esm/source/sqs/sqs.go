// Package sqs makes an SQS queue a source of event source mappings: it receives
// messages, renders them as the records of an SQS event, and deletes them when
// they are done.
package sqs

import (
	"context"
	"time"

	"millrace/esm/source"
	"millrace/runtime/queue"
)

// A Queue is what this package asks of a queue.
type Queue interface {
	Config() queue.Config
	Receive(context.Context, queue.ReceiveRequest) ([]queue.Received, error)
	Delete(ctx context.Context, handles ...string) []error
	ChangeVisibility(context.Context, ...queue.Change) []error
}

// Queues finds a queue; fault.NotFound when there is none of that name.
type Queues func(queue.ID) (Queue, error)

// grace is what Lambda adds to window and time-out when it must hide messages
// for longer than their queue does.
const grace = 30 * time.Second

// A Source is one queue. It looks the queue up each time, so that one deleted
// and created again goes on being the same source.
type Source struct {
	id     queue.ID
	queues Queues
}

// New builds the source of a queue, which need not exist.
func New(id queue.ID, queues Queues) *Source { return &Source{id, queues} }

// Name is the queue's name.
func (s *Source) Name() string { return s.id.Name }

// System names the kind of source as OpenTelemetry does.
func (s *Source) System() string { return "aws_sqs" }

// Ordered tells that records must not overtake each other.
func (s *Source) Ordered() bool { return s.id.FIFO() }

// Receive waits for messages as the request says; none when the wait is over.
// Messages stay hidden for the queue's own visibility timeout, unless the
// request holds them for longer. until is when they come back.
func (s *Source) Receive(ctx context.Context, r source.Request) (records []source.Record, until time.Time, err error) {
	q, err := s.queues(s.id)
	if err != nil {
		return nil, until, err
	}
	want := queue.ReceiveRequest{Max: r.Max, Wait: r.Wait}
	hidden := q.Config().Visibility
	if r.Hold > hidden {
		hidden = min(r.Hold+grace, queue.MaxVisibility)
		want.Visibility = &hidden
	}
	messages, err := q.Receive(ctx, want)
	for i := range messages {
		m := &messages[i]
		records = append(records, source.Record{
			ID: m.MessageID, Handle: m.ReceiptHandle, JSON: encode(s.id, m), Payload: m.Body, TraceParent: m.TraceParent,
		})
	}
	return records, time.Now().Add(hidden), err
}

// Frame is what stands before and after an event's records.
func (s *Source) Frame() (head, tail string) { return `{"Records":[`, `]}` }

// Payload is the record's member that patterns match inside.
func (s *Source) Payload() string { return "body" }

// Done deletes messages.
func (s *Source) Done(ctx context.Context, records []source.Record) error {
	q, err := s.queues(s.id)
	if err != nil {
		return err
	}
	handles := make([]string, len(records))
	for i, r := range records {
		handles[i] = r.Handle
	}
	return first(q.Delete(ctx, handles...))
}

// Release makes messages visible again.
func (s *Source) Release(ctx context.Context, records []source.Record) error {
	q, err := s.queues(s.id)
	if err != nil {
		return err
	}
	changes := make([]queue.Change, len(records))
	for i, r := range records {
		changes[i] = queue.Change{ReceiptHandle: r.Handle}
	}
	return first(q.ChangeVisibility(ctx, changes...))
}

func first(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
