package target

import (
	"context"

	"millrace/runtime/delivery"
	"millrace/runtime/fault"
	"millrace/runtime/queue"
)

// A Queue is what a target needs of a queue: jetqueue.Queue.
type Queue interface {
	Config() queue.Config
	Send(context.Context, ...queue.Message) ([]queue.SendResult, error)
}

// Queues resolves the ARNs of SQS queues. find answers fault.NotFound when there is
// no such queue. Their policies are asked unless open is true.
func Queues(find func(queue.ID) (Queue, error), open bool) delivery.Resolver {
	access := &queue.Access{Off: open}
	return func(name string) (delivery.Target, error) {
		id, ok := queue.IDFromARN(name)
		if !ok || id.Account == delivery.Reserved {
			return nil, fault.New(fault.Invalid, "%s is not the ARN of a queue", name)
		}
		q, err := find(id)
		if err != nil {
			return nil, err
		}
		return queueTarget{id, q, access}, nil
	}
}

type queueTarget struct {
	id     queue.ID
	queue  Queue
	access *queue.Access
}

// Durable implements delivery.DurableTarget.
func (queueTarget) Durable() {}

// Allows implements delivery.Target: it asks the queue's policy. The queue's own
// account may send unless that denies, services and others if it allows.
func (t queueTarget) Allows(s delivery.Source) error {
	return t.access.Authorize(t.id, t.queue.Config(), s.Principal, "sqs:SendMessage", s.Context)
}

// Deliver implements delivery.Target: it sends the body as a message.
func (t queueTarget) Deliver(ctx context.Context, e delivery.Event) (delivery.Reply, error) {
	m := queue.Message{
		Body: string(e.Body), Attributes: e.Attributes, GroupID: e.GroupID, DedupID: e.DedupID,
		TraceHeader: e.TraceHeader, TraceParent: e.TraceParent,
		Unfinished: e.Unfinished, Source: e.SeqSource, Seq: e.Seq,
	}
	if most := t.queue.Config().MaxBytes; !e.Unlimited && m.Bytes() > most {
		return delivery.Reply{}, fault.New(fault.TooLarge, "the event has %d bytes, and the queue takes %d", m.Bytes(), most)
	}
	_, err := t.queue.Send(ctx, m)
	return delivery.Reply{}, err
}
