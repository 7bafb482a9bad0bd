package topic

import (
	"context"
	"strings"
	"time"

	"millrace/runtime/delivery"
	"millrace/runtime/fault"
	"millrace/runtime/topic/deliverypolicy"
	"millrace/runtime/topic/mailbox"
)

// maxQueueAttributes is how many message attributes a queue takes: a raw message with
// more cannot be delivered (Amazon SNS Developer Guide, "Raw message delivery").
const maxQueueAttributes = 10

func isFIFO(queueARN string) bool { return strings.HasSuffix(queueARN, ".fifo") }

// policyOf says how hard a delivery to a subscription is tried.
func (ts *Topics) policyOf(t *Topic, s *Subscription) delivery.Policy {
	p := delivery.Policy{Sender: SenderName, DeadLetter: s.DeadLetter()}
	switch s.Protocol {
	case HTTP, HTTPS:
		p.Failed = OverHTTP(t, s).Backoff()
	case Email, EmailJSON, SMS:
		p.Failed = deliverypolicy.Customer()
	}
	return p
}

// Delivery is the delivery policy of a topic. It was checked when it was set: what another
// version took and this one does not says nothing.
func (t *Topic) Delivery() deliverypolicy.Topic {
	p, _ := deliverypolicy.ParseTopic(t.Attributes[DeliveryPolicy])
	return p
}

// OverHTTP is the delivery policy that holds for an HTTP endpoint.
func OverHTTP(t *Topic, s *Subscription) deliverypolicy.Subscription {
	own, _ := deliverypolicy.ParseSubscription(s.Attributes[DeliveryPolicy]) // as in Delivery
	return deliverypolicy.Effective(t.Delivery(), own)
}

// Resolve is the delivery.Resolver of what SNS has: topics, and subscriptions.
func (ts *Topics) Resolve(name string) (delivery.Target, error) {
	if id, ok := ParseARN(name); ok {
		if _, err := ts.Get(id); err != nil {
			return nil, err
		}
		return topicTarget{ts, id}, nil
	}
	id, ok := ParseSubscriptionARN(name)
	if !ok {
		return nil, fault.New(fault.Invalid, "%s is neither a topic nor a subscription", name)
	}
	s, err := ts.subscription(id)
	if err != nil {
		return unsubscribed{ts, id}, nil
	}
	return ts.target(s)
}

func (ts *Topics) target(s *Subscription) (delivery.Target, error) {
	switch s.Protocol {
	case Email, EmailJSON, SMS:
		return durable{mailTarget{ts, s}}, nil
	}
	to, err := ts.config.Resolve(s.Endpoint)
	if err != nil {
		return nil, err
	}
	var target delivery.Target = endpoint{ts, s, to}
	if s.Protocol == SQS {
		target = queueEndpoint{to}
	}
	if _, ok := to.(delivery.DurableTarget); ok {
		return durable{target}, nil
	}
	return target, nil
}

// An unsubscribed target is a subscription that is not there anymore: what was still on
// its way is dropped, as SNS does it.
type unsubscribed struct {
	topics *Topics
	id     SubscriptionID
}

// Allows implements delivery.Target.
func (unsubscribed) Allows(delivery.Source) error { return nil }

// Deliver implements delivery.Target. Of a cluster another runtime may have made the
// subscription a moment ago, so it is looked for.
func (t unsubscribed) Deliver(ctx context.Context, e delivery.Event) (delivery.Reply, error) {
	for waited := time.Duration(0); t.topics.config.Shared && waited < lagTimeout; waited += lagTimeout / 20 {
		select {
		case <-time.After(lagTimeout / 20):
		case <-ctx.Done():
			return delivery.Reply{}, ctx.Err()
		}
		s, err := t.topics.subscription(t.id)
		if err != nil {
			continue
		}
		to, err := t.topics.target(s)
		if err == nil {
			err = to.Allows(e.Source)
		}
		if err != nil {
			return delivery.Reply{}, err
		}
		return to.Deliver(ctx, e)
	}
	t.topics.config.Log.Debug("a message for a subscription that has ended was dropped", "subscription", t.id.ARN(), "message", e.ID)
	return delivery.Reply{}, nil
}

// durable marks a target that has an event on disk when its Deliver returns.
type durable struct{ delivery.Target }

// Durable implements delivery.DurableTarget.
func (durable) Durable() {}

// DeliverAll implements delivery.BatchTarget.
func (d durable) DeliverAll(ctx context.Context, events []delivery.Event) (taken int, err error) {
	return delivery.DeliverAll(ctx, d.Target, events)
}

// A queueEndpoint is the queue that a subscription delivers to. It signs messages itself,
// when somebody receives them.
type queueEndpoint struct{ to delivery.Target }

// Allows implements delivery.Target: it asks the queue's policy.
func (t queueEndpoint) Allows(s delivery.Source) error { return t.to.Allows(s) }

// Deliver implements delivery.Target.
func (t queueEndpoint) Deliver(ctx context.Context, e delivery.Event) (delivery.Reply, error) {
	if err := fitsQueue(&e); err != nil {
		return delivery.Reply{}, err
	}
	return t.to.Deliver(ctx, e)
}

// DeliverAll implements delivery.BatchTarget: up to the first event that no queue takes.
func (t queueEndpoint) DeliverAll(ctx context.Context, events []delivery.Event) (taken int, err error) {
	for n := range events {
		if refused := fitsQueue(&events[n]); refused != nil {
			if taken, err = delivery.DeliverAll(ctx, t.to, events[:n]); err == nil {
				err = refused
			}
			return taken, err
		}
	}
	return delivery.DeliverAll(ctx, t.to, events)
}

// An endpoint is what a subscription delivers to that has to be signed: a function or a web
// server.
type endpoint struct {
	topics *Topics
	sub    *Subscription
	to     delivery.Target
}

// Allows implements delivery.Target: it asks the endpoint's own policy.
func (t endpoint) Allows(s delivery.Source) error { return t.to.Allows(s) }

// Deliver implements delivery.Target.
func (t endpoint) Deliver(ctx context.Context, e delivery.Event) (delivery.Reply, error) {
	if t.sub.Protocol == HTTP || t.sub.Protocol == HTTPS {
		topic, err := t.topics.Get(t.sub.Topic)
		if err != nil {
			return delivery.Reply{}, err
		}
		if err := t.topics.paces.Admit(ctx, t.sub.ARN(), OverHTTP(&topic, t.sub).PerSecond()); err != nil {
			return delivery.Reply{}, err
		}
	}
	if e.Unfinished {
		e.Body, e.Unfinished = []byte(t.topics.config.Signer.Finish(string(e.Body))), false
	}
	return t.to.Deliver(ctx, e)
}

// fitsQueue refuses an event that no queue takes.
func fitsQueue(e *delivery.Event) error {
	if n := len(e.Attributes); n > maxQueueAttributes {
		return fault.New(fault.Invalid, "the message has %d attributes, and a queue takes %d", n, maxQueueAttributes)
	}
	return nil
}

// A mailTarget keeps what would have been sent.
type mailTarget struct {
	topics *Topics
	sub    *Subscription
}

// Allows implements delivery.Target: nobody's policy stands before a mailbox.
func (mailTarget) Allows(delivery.Source) error { return nil }

// Deliver implements delivery.Target.
func (t mailTarget) Deliver(ctx context.Context, e delivery.Event) (delivery.Reply, error) {
	body := string(e.Body)
	if e.Unfinished {
		body = t.topics.config.Signer.Finish(body)
	}
	return delivery.Reply{}, t.topics.config.Mailbox.Add(ctx, mailbox.Mail{
		ID: e.ID, Time: t.topics.now(), Account: t.sub.Owner, Region: t.sub.Topic.Region, Topic: t.sub.Topic.ARN(),
		Protocol: t.sub.Protocol, To: t.sub.Endpoint, Subject: e.Subject, Text: body,
	})
}

// A topicTarget is a topic that other services deliver to.
type topicTarget struct {
	topics *Topics
	id     ID
}

// Durable implements delivery.DurableTarget.
func (topicTarget) Durable() {}

// Allows implements delivery.Target: it asks the topic's policy.
func (t topicTarget) Allows(s delivery.Source) error {
	return t.topics.Authorize(t.id, s.Principal, "sns:Publish", s.Context)
}

// Deliver implements delivery.Target: it publishes the event.
func (t topicTarget) Deliver(ctx context.Context, e delivery.Event) (delivery.Reply, error) {
	topic, err := t.topics.Get(t.id)
	if err != nil {
		return delivery.Reply{}, err
	}
	m := Message{
		Subject: e.Subject, Body: string(e.Body), Attributes: e.Attributes, GroupID: e.GroupID, DedupID: e.DedupID, TraceHeader: e.TraceHeader,
	}
	if n := m.Bytes(); n > topic.MaxBytes() {
		return delivery.Reply{}, fault.New(fault.TooLarge, "the event has %d bytes, and the topic takes %d", n, topic.MaxBytes())
	}
	if t.id.FIFO() && m.GroupID == "" {
		return delivery.Reply{}, fault.New(fault.Invalid, "the event has no message group, which a FIFO topic wants")
	}
	published, err := t.topics.Publish(ctx, t.id, m)
	if err == nil {
		err = published[0].Err
	}
	return delivery.Reply{}, err
}
