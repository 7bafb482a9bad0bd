package topic

import (
	"context"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"millrace/runtime/delivery"
	"millrace/runtime/policy"
	"millrace/runtime/topic/audience"
)

// Publish publishes messages to a topic, on a FIFO topic in their order, and returns when
// all that follows from them is durable: a Published for each. Duplicates on a FIFO topic
// are answered as the first was. fault.NotFound when there is no such topic; the errors
// of package keys when its key cannot be used.
func (ts *Topics) Publish(ctx context.Context, id ID, messages ...Message) ([]Published, error) {
	t, err := ts.Get(id)
	if err != nil {
		return nil, err
	}
	if id.FIFO() {
		return ts.publishInOrder(ctx, &t, messages)
	}
	if under := t.Attributes[KMSKey]; under != "" { // the deliveries are encrypted in any case; the key has to allow it
		if _, err := ts.config.Keys.DataKey(under, id.Account, id.Region); err != nil {
			return nil, err
		}
	}
	all := make([]Published, len(messages))
	if len(messages) == 1 {
		all[0] = ts.publish(ctx, &t, &messages[0])
		return all, nil
	}
	var g errgroup.Group
	for i := range messages {
		g.Go(func() error {
			all[i] = ts.publish(ctx, &t, &messages[i])
			return nil
		})
	}
	g.Wait()
	return all, nil
}

// publish hands a message of a standard topic to its subscribers.
func (ts *Topics) publish(ctx context.Context, t *Topic, m *Message) Published {
	matched, out := ts.audience(t.ID).Match(audience.Message{Body: m.Body, Attributes: m.Attributes})
	d := ts.newDraft(t, stored{ID: uuid.NewString(), Time: ts.now(), Message: *m}, 0)
	all := make([]delivery.Delivery, 0, len(matched))
	for _, s := range matched {
		if s.Generation != t.Generation { // of an earlier topic of the name, which is being removed
			continue
		}
		e, err := d.event(ctx, s)
		if err != nil {
			return Published{Err: err}
		}
		all = append(all, delivery.Delivery{To: s.ARN(), Event: e, Policy: ts.policyOf(t, s)})
	}
	var err error
	if len(all) == 1 { // in this goroutine
		err = ts.config.Outbox.Put(ctx, all[0].To, all[0].Event, all[0].Policy)
	} else {
		err = ts.config.Outbox.PutAll(ctx, all)
	}
	if err != nil {
		return Published{Err: err}
	}
	ts.countPublished(t.ID, m, out)
	return Published{MessageID: d.ID}
}

// audience is who is subscribed to a topic.
func (ts *Topics) audience(id ID) *audience.Audience[*Subscription] {
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	if st := ts.states[id]; st != nil {
		return &st.audience
	}
	return new(audience.Audience[*Subscription])
}

// A stored message is one as FIFO topics keep it.
type stored struct {
	ID      string
	Time    time.Time // of the publish
	Message Message

	TraceParent string `json:",omitempty"` // W3C traceparent of the publish
}

// source is on whose behalf a topic's messages are delivered.
func source(t ID) delivery.Source {
	return delivery.Source{Principal: policy.ServicePrincipal(Service), ARN: t.ARN(), Account: t.Account}
}
