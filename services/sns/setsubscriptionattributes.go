package sns

import (
	"context"
	"time"

	"millrace/runtime/topic"
	api "millrace/services/internal/api/sns"
	"millrace/services/internal/kit"
)

// SetSubscriptionAttributes   awsQuery
//
//   - sets one attribute; what it changes holds for the next publish, on AWS for filter
//     policies within 15 minutes
//   - "" removes FilterPolicy, as {} does, and RedrivePolicy and DeliveryPolicy
func (s *Service) SetSubscriptionAttributes(ctx context.Context, in *api.SetSubscriptionAttributesInput) (*api.SetSubscriptionAttributesOutput, error) {
	sub, err := s.subscription(ctx, "SetSubscriptionAttributes", in.SubscriptionArn)
	if err != nil {
		return nil, err
	}
	t, err := s.topics.Get(sub.Topic)
	if err != nil {
		return nil, fromSubscriptions(err)
	}
	name, value := kit.Value(in.AttributeName), kit.Value(in.AttributeValue)
	_, err = s.topics.UpdateSubscription(ctx, sub.ID(), func(sub *topic.Subscription) error {
		filtered := sub.Attributes[topic.FilterPolicy] != ""
		if err := setSubscriptionAttributes(sub, &t, map[string]string{name: value}, time.Now()); err != nil {
			return err
		}
		if name == topic.FilterPolicy && !filtered {
			return s.mayFilter(sub)
		}
		return nil
	})
	if err != nil {
		return nil, fromSubscriptions(ofOne(err))
	}
	return &api.SetSubscriptionAttributesOutput{}, nil
}
