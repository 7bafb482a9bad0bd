package sns

import (
	"context"
	"maps"
	"strconv"

	"millrace/runtime/topic"
	api "millrace/services/internal/api/sns"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// GetSubscriptionAttributes   awsQuery
//
//   - the owners of the subscription and of its topic may see it
//   - answers all attributes; those without a default are left out until they are set, and
//     FilterPolicyScope until there is a FilterPolicy
func (s *Service) GetSubscriptionAttributes(ctx context.Context, in *api.GetSubscriptionAttributesInput) (*api.GetSubscriptionAttributesOutput, error) {
	sub, err := s.subscription(ctx, "GetSubscriptionAttributes", in.SubscriptionArn)
	if err != nil {
		return nil, err
	}
	all := map[string]string{
		"SubscriptionArn": sub.ARN(), "TopicArn": sub.Topic.ARN(), "Owner": sub.Owner,
		"Protocol": sub.Protocol, "Endpoint": masked(sub.Endpoint),
		"PendingConfirmation":          strconv.FormatBool(sub.Pending),
		"ConfirmationWasAuthenticated": strconv.FormatBool(sub.Authenticated && !sub.Pending),
		topic.RawDelivery:              setting(&sub, topic.RawDelivery),
	}
	if sub.Principal != "" {
		all["SubscriptionPrincipal"] = sub.Principal
	}
	maps.Copy(all, sub.Attributes)
	if delete(all, topic.FilterPolicyScope); sub.Attributes[topic.FilterPolicy] != "" {
		all[topic.FilterPolicyScope] = setting(&sub, topic.FilterPolicyScope)
	}
	if sub.Protocol == topic.HTTP || sub.Protocol == topic.HTTPS {
		t, err := s.topics.Get(sub.Topic)
		if err != nil {
			return nil, fromSubscriptions(err)
		}
		all["EffectiveDeliveryPolicy"] = topic.OverHTTP(&t, &sub).String()
	}
	if status := s.topics.ReplayStatus(&sub); status != "" {
		all["ReplayStatus"] = status
	}
	return &api.GetSubscriptionAttributesOutput{Attributes: all}, nil
}

// subscription returns the subscription that an ARN names, to a caller who owns it or its
// topic.
func (s *Service) subscription(ctx context.Context, action string, arn *string) (topic.Subscription, error) {
	c := identity.From(ctx)
	id, err := subscriptionID(&c, kit.Value(arn))
	if err != nil {
		return topic.Subscription{}, err
	}
	sub, err := s.topics.Subscription(id)
	if err != nil {
		return topic.Subscription{}, fromSubscriptions(err)
	}
	return sub, s.authorizeSubscription(ctx, &sub, action)
}
