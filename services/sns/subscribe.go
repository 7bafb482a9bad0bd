package sns

import (
	"context"
	"errors"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/topic"
	api "millrace/services/internal/api/sns"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// Subscribe   awsQuery
//
//   - endpoints are checked by their form; a queue or a function need not exist
//   - queues and functions of the caller's own account and phone numbers are confirmed at
//     once. All others get a token, again each time that Subscribe is repeated, and until
//     it comes back their ARN is answered only if ReturnSubscriptionArn is true
//   - an endpoint that is subscribed already is answered as it is, if the attributes given,
//     or none, are those that it has
//   - FIFO topics take queues alone, and standard topics no FIFO queues
//
// Not supported: the protocols application and firehose, which are refused as endpoints
// that do not exist.
func (s *Service) Subscribe(ctx context.Context, in *api.SubscribeInput) (*api.SubscribeOutput, error) {
	protocol, endpoint := kit.Value(in.Protocol), kit.Value(in.Endpoint)
	t, err := s.find(ctx, "Subscribe", "TopicArn", in.TopicArn, map[string]string{"sns:Protocol": protocol, "sns:Endpoint": endpoint})
	if err != nil {
		return nil, err
	}
	c := identity.From(ctx)
	owner, err := checkEndpoint(t.ID, protocol, endpoint, in.Attributes)
	if err != nil {
		return nil, err
	}
	sub := topic.Subscription{
		Topic: t.ID, Owner: c.Account, Principal: c.Principal().ARN,
		Protocol: protocol, Endpoint: endpoint, Attributes: map[string]string{},
		BaseURL: s.baseURL(&c), Pending: mustConfirm(protocol, owner, c.Account), Authenticated: !c.Anonymous,
	}
	if err := setSubscriptionAttributes(&sub, &t, in.Attributes, time.Now()); err != nil {
		return nil, ofMany(err)
	}
	there, err := s.topics.Find(t.ID, protocol, endpoint)
	if err == nil {
		return s.subscribedBefore(ctx, &there, &sub, in)
	}
	if err := s.mayBeAdded(&t, &sub); err != nil {
		return nil, err
	}
	made, err := s.topics.Subscribe(ctx, sub)
	switch {
	case errors.Is(err, fault.Exists): // at the same time
		return s.subscribedBefore(ctx, &made, &sub, in)
	case err != nil:
		return nil, fromTopics(err)
	}
	return s.subscribed(ctx, &made, in)
}

// mustConfirm reports whether the endpoint has to say that it wants the subscription.
// owner is the account that a queue or a function belongs to.
func mustConfirm(protocol, owner, caller string) bool {
	switch protocol {
	case topic.SQS, topic.Lambda:
		return owner != caller
	case topic.SMS:
		return false
	}
	return true
}

// baseURL is how the subscriber reaches this runtime, as far as the request shows it.
func (s *Service) baseURL(c *identity.Caller) string {
	if c.Host == "" {
		return s.options.BaseURL
	}
	return "http://" + c.Host
}

// subscribedBefore answers a subscription that is there when one is asked for that has
// the same attributes, as far as they are given.
func (s *Service) subscribedBefore(ctx context.Context, there, asked *topic.Subscription, in *api.SubscribeInput) (*api.SubscribeOutput, error) {
	for name := range in.Attributes {
		if !sameText(setting(there, name), setting(asked, name)) {
			return nil, invalid("Attributes Reason: Subscription already exists with different attributes")
		}
	}
	return s.subscribed(ctx, there, in)
}

// subscribed asks for the confirmation of a subscription if need be, and answers it.
func (s *Service) subscribed(ctx context.Context, sub *topic.Subscription, in *api.SubscribeInput) (*api.SubscribeOutput, error) {
	if !sub.Pending {
		return &api.SubscribeOutput{SubscriptionArn: new(sub.ARN())}, nil
	}
	if err := s.topics.AskForConfirmation(ctx, sub.ID()); err != nil {
		return nil, fromSubscriptions(err)
	}
	if kit.Value(in.ReturnSubscriptionArn) {
		return &api.SubscribeOutput{SubscriptionArn: new(sub.ARN())}, nil
	}
	return &api.SubscribeOutput{SubscriptionArn: new("pending confirmation")}, nil
}

// mayBeAdded refuses a subscription more than there may be, or that cannot take the
// topic's messages.
func (s *Service) mayBeAdded(t *topic.Topic, sub *topic.Subscription) error {
	if t.MaxBytes() > largeMessage {
		if err := s.mayBeLarge(t.ID, sub.Protocol); err != nil {
			return err
		}
	}
	quota := s.quotas.Subscriptions
	if t.FIFO() {
		quota = s.quotas.FIFOSubscriptions
	}
	if s.topics.Tally(t.ID).All() >= quota || sub.Pending && s.topics.TallyOf(sub.Owner, t.Region).Pending >= s.quotas.Pending {
		return tooManySubscriptions()
	}
	return s.mayFilter(sub)
}

// mayFilter refuses a filter policy more than there may be.
func (s *Service) mayFilter(sub *topic.Subscription) error {
	if sub.Attributes[topic.FilterPolicy] != "" &&
		(s.topics.Tally(sub.Topic).Filters >= s.quotas.TopicFilters || s.topics.TallyOf(sub.Owner, sub.Topic.Region).Filters >= s.quotas.AccountFilters) {
		return tooManyFilters()
	}
	return nil
}
