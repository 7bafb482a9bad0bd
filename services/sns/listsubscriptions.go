package sns

import (
	"context"

	"millrace/runtime/topic"
	api "millrace/services/internal/api/sns"
	"millrace/services/internal/identity"
)

// ListSubscriptions   awsQuery
//
//   - answers what the account subscribed in the region, whoever owns the topics: 100 a
//     page, in the order of their ARNs
//   - those that wait for their confirmation have PendingConfirmation as their ARN
func (s *Service) ListSubscriptions(ctx context.Context, in *api.ListSubscriptionsInput) (*api.ListSubscriptionsOutput, error) {
	if err := s.signed(ctx); err != nil {
		return nil, err
	}
	c := identity.From(ctx)
	page, next, err := pageOf(s.topics.SubscriptionsOf(c.Account, c.Region), func(s topic.Subscription) string { return s.ARN() }, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &api.ListSubscriptionsOutput{Subscriptions: listed(page), NextToken: next}, nil
}

// ListSubscriptionsByTopic   awsQuery
//
//   - answers all subscriptions of a topic, whoever owns them, as ListSubscriptions does
func (s *Service) ListSubscriptionsByTopic(ctx context.Context, in *api.ListSubscriptionsByTopicInput) (*api.ListSubscriptionsByTopicOutput, error) {
	t, err := s.find(ctx, "ListSubscriptionsByTopic", "TopicArn", in.TopicArn, nil)
	if err != nil {
		return nil, err
	}
	page, next, err := pageOf(s.topics.Subscriptions(t.ID), func(s topic.Subscription) string { return s.UUID }, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &api.ListSubscriptionsByTopicOutput{Subscriptions: listed(page), NextToken: next}, nil
}

func listed(subs []topic.Subscription) []*api.Subscription {
	all := []*api.Subscription{}
	for _, s := range subs {
		arn := s.ARN()
		if s.Pending {
			arn = "PendingConfirmation"
		}
		all = append(all, &api.Subscription{
			SubscriptionArn: &arn, TopicArn: new(s.Topic.ARN()), Owner: &s.Owner, Protocol: &s.Protocol, Endpoint: new(masked(s.Endpoint)),
		})
	}
	return all
}
