package topic

import (
	"sync/atomic"

	"millrace/runtime/delivery"
	"millrace/runtime/topic/audience"
	"millrace/runtime/topic/deliverypolicy"
	"millrace/runtime/topic/envelope"
)

// SenderName is the name under which the outbox knows what topics deliver.
const SenderName = "sns"

// Metrics are a topic's counts since the runtime was started, by the names that
// CloudWatch has for them (Amazon SNS Developer Guide, "Monitoring Amazon SNS topics
// using CloudWatch").
type Metrics struct {
	NumberOfMessagesPublished                           int64
	PublishSize                                         int64 // bytes, of all messages together
	NumberOfNotificationsDelivered                      int64
	NumberOfNotificationsFailed                         int64
	NumberOfNotificationsFilteredOut                    int64
	NumberOfNotificationsFilteredOutMessageAttributes   int64
	NumberOfNotificationsFilteredOutNoMessageAttributes int64
	NumberOfNotificationsFilteredOutInvalidAttributes   int64
	NumberOfNotificationsFilteredOutMessageBody         int64
	NumberOfNotificationsFilteredOutInvalidMessageBody  int64
	NumberOfNotificationsRedrivenToDlq                  int64
	NumberOfNotificationsFailedToRedriveToDlq           int64
}

// counters are what Metrics are made of.
type counters struct {
	published, bytes, delivered, failed, redriven, notRedriven atomic.Int64
	filtered                                                   [len(audience.FilteredOut{})]atomic.Int64
}

// Metrics returns the counts of a topic.
func (ts *Topics) Metrics(id ID) Metrics {
	c := ts.counters(id)
	filtered := func(r audience.Reason) int64 { return c.filtered[r].Load() }
	m := Metrics{
		NumberOfMessagesPublished: c.published.Load(), PublishSize: c.bytes.Load(),
		NumberOfNotificationsDelivered: c.delivered.Load(), NumberOfNotificationsFailed: c.failed.Load(),
		NumberOfNotificationsFilteredOutMessageAttributes:   filtered(audience.MessageAttributes),
		NumberOfNotificationsFilteredOutNoMessageAttributes: filtered(audience.NoMessageAttributes),
		NumberOfNotificationsFilteredOutInvalidAttributes:   filtered(audience.InvalidAttributes),
		NumberOfNotificationsFilteredOutMessageBody:         filtered(audience.MessageBody),
		NumberOfNotificationsFilteredOutInvalidMessageBody:  filtered(audience.InvalidMessageBody),
		NumberOfNotificationsRedrivenToDlq:                  c.redriven.Load(),
		NumberOfNotificationsFailedToRedriveToDlq:           c.notRedriven.Load(),
	}
	for i := range c.filtered {
		m.NumberOfNotificationsFilteredOut += c.filtered[i].Load()
	}
	return m
}

// counters are those of a topic; of one that is not there they count nothing.
func (ts *Topics) counters(id ID) *counters {
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	if st := ts.states[id]; st != nil {
		return &st.counters
	}
	return new(counters)
}

func (ts *Topics) countPublished(id ID, m *Message, out audience.FilteredOut) {
	c := ts.counters(id)
	c.published.Add(1)
	c.bytes.Add(int64(m.Bytes()))
	c.countFiltered(out)
}

func (c *counters) countFiltered(out audience.FilteredOut) {
	for reason, n := range out {
		if n > 0 {
			c.filtered[reason].Add(int64(n))
		}
	}
}

// deadLetterSender is the name under which the outbox knows the dead letters of
// subscriptions.
const deadLetterSender = SenderName + "-dead-letters"

// Senders are how the outbox treats what topics deliver, by the names that it knows them
// by.
func (ts *Topics) Senders() map[string]delivery.Sender {
	return map[string]delivery.Sender{
		SenderName:       {Failed: deliverypolicy.Managed(), Ended: ts.ended, DeadLetter: deadLetter, DeadLetters: deadLetterSender},
		deadLetterSender: {Ended: ts.redriven},
	}
}

// deadLetter is what a dead-letter queue gets: what a queue would have got in place of the
// endpoint.
func deadLetter(o delivery.Outcome) delivery.Event {
	e := o.Event
	if !e.Unlimited && e.Headers == nil { // neither a queue's nor a web server's: raw messages may look like events
		if body, err := envelope.FromLambda(e.Body); err == nil {
			e.Body = body
		}
	}
	e.Unlimited = true // the queue's own MaximumMessageSize does not count
	return e
}

// ended counts a delivery that is over.
func (ts *Topics) ended(o delivery.Outcome) {
	id, ok := ParseSubscriptionARN(o.To)
	if !ok {
		return
	}
	if _, err := ts.subscription(id); err != nil { // it was dropped
		return
	}
	c := ts.counters(id.Topic)
	if o.Condition == delivery.Success {
		c.delivered.Add(1)
	} else {
		c.failed.Add(1)
	}
}

// redriven counts a dead letter that has reached its queue, or cannot.
func (ts *Topics) redriven(o delivery.Outcome) {
	id, ok := ParseARN(o.Event.Source.ARN)
	if !ok {
		return
	}
	c := ts.counters(id)
	if o.Condition == delivery.Success {
		c.redriven.Add(1)
	} else {
		c.notRedriven.Add(1)
	}
}
