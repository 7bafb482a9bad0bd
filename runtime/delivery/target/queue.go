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

// HasPolicy reports whether anybody has set a policy for the queue, or policies do not
// count.
func (t queueTarget) HasPolicy() bool {
	return t.access.Off || t.queue.Config().Texts[queue.PolicyText] != ""
}

// Deliver implements delivery.Target: it sends the body as a message.
func (t queueTarget) Deliver(ctx context.Context, e delivery.Event) (delivery.Reply, error) {
	m := message(&e)
	err := t.admit(&e, &m)
	if err == nil {
		_, err = t.queue.Send(ctx, m)
	}
	return delivery.Reply{}, err
}

// atOnce bounds what a queue is sent in one go: the bytes of messages, but for the first.
const atOnce = 256 << 10

// DeliverAll implements delivery.BatchTarget.
func (t queueTarget) DeliverAll(ctx context.Context, events []delivery.Event) (taken int, err error) {
	for taken < len(events) {
		n, err := t.deliverSome(ctx, events[taken:])
		taken += n
		if err != nil {
			return taken, err
		}
	}
	return taken, nil
}

// deliverSome delivers the first of some events: at least one, or it says why not.
func (t queueTarget) deliverSome(ctx context.Context, events []delivery.Event) (taken int, err error) {
	var messages []queue.Message
	var refused error
	size := 0
	for i := range events {
		m := message(&events[i])
		if refused = t.admit(&events[i], &m); refused != nil {
			break
		}
		if size += m.Bytes(); i > 0 && size > atOnce {
			break
		}
		messages = append(messages, m)
	}
	if len(messages) == 0 {
		return 0, refused
	}
	_, err = t.queue.Send(ctx, messages...)
	switch {
	case err == nil:
		return len(messages), refused
	case len(messages) == 1 || !delivery.IsFinal(err):
		return 0, err
	}
	_, err = t.Deliver(ctx, events[0]) // the queue took none of them: which one does it refuse?
	if err != nil {
		return 0, err
	}
	return 1, nil
}

// message is what a queue is sent of an event.
func message(e *delivery.Event) queue.Message {
	return queue.Message{
		Body: string(e.Body), Attributes: e.Attributes, GroupID: e.GroupID, DedupID: e.DedupID,
		SenderID: senderID(e.Source), TraceHeader: e.TraceHeader, TraceParent: e.TraceParent,
		Unfinished: e.Unfinished, Source: e.SeqSource, Seq: e.Seq,
	}
}

// admit refuses what is larger than the queue's messages may be.
func (t queueTarget) admit(e *delivery.Event, m *queue.Message) error {
	if e.Unlimited {
		return nil
	}
	if n, most := m.Bytes(), t.queue.Config().MaxBytes; n > most {
		return fault.New(fault.TooLarge, "the event has %d bytes, and the queue takes %d", n, most)
	}
	return nil
}
