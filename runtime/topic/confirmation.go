package topic

import (
	"context"

	"github.com/google/uuid"

	"millrace/runtime/delivery"
	"millrace/runtime/topic/deliverypolicy"
	"millrace/runtime/topic/envelope"
)

// AskForConfirmation sends the subscriber of a pending subscription its token, again if
// need be and a new one when the last was not used in time, and returns when that is
// durable.
func (ts *Topics) AskForConfirmation(ctx context.Context, id SubscriptionID) error {
	s, err := ts.Subscription(id)
	if err != nil || !s.Pending {
		return err
	}
	if s.tokenExpired(ts.now()) {
		s, err = ts.UpdateSubscription(ctx, id, func(s *Subscription) error {
			s.Token, s.TokenMade = newToken(), ts.now()
			return nil
		})
		if err != nil {
			return err
		}
	}
	t, err := ts.Get(s.Topic)
	if err != nil {
		return err
	}
	return ts.confirmation(ctx, &t, &s, s.ARN(), envelope.Confirmation{Token: s.Token})
}

// sayGoodbye tells an HTTP endpoint that its subscription was ended, with a token that
// restores it.
func (ts *Topics) sayGoodbye(ctx context.Context, t *Topic, s *Subscription) error {
	return ts.confirmation(ctx, t, s, s.Endpoint, envelope.Confirmation{Token: s.Token, SubscriptionARN: s.ARN()})
}

// confirmation delivers a document to a subscriber. to is the target's name: the endpoint
// itself when the subscription is no more.
func (ts *Topics) confirmation(ctx context.Context, t *Topic, s *Subscription, to string, c envelope.Confirmation) error {
	certURL, err := ts.config.Signer.URL(ctx, t.Region)
	if err != nil {
		return err
	}
	c.MessageID, c.TopicARN, c.Timestamp = uuid.NewString(), t.ARN(), ts.now()
	c.SignatureVersion, c.CertURL, c.BaseURL = t.Attributes[SignatureVersion], certURL, s.BaseURL
	e := delivery.Event{ID: c.MessageID, Source: source(t.ID), Body: c.Body(), Unfinished: true}
	switch s.Protocol {
	case HTTP, HTTPS:
		e.Headers = c.Headers()
	case Email, EmailJSON:
		e.Subject = "AWS Notification - Subscription Confirmation"
	}
	if to != s.ARN() { // no target of ours stands between, which would sign
		e.Body, e.Unfinished = []byte(ts.config.Signer.Finish(string(e.Body))), false
	}
	p := ts.policyOf(t, s)
	if p.Failed == nil {
		p.Failed = deliverypolicy.Managed()
	}
	p.Sender, p.DeadLetter = "", "" // it is no message: nothing counts it, and nobody misses it
	return ts.config.Outbox.Put(ctx, to, e, p)
}
