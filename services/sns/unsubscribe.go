package sns

import (
	"context"
	"errors"

	"millrace/runtime/fault"
	api "millrace/services/internal/api/sns"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// Unsubscribe   awsQuery
//
//   - whoever knows the ARN may unsubscribe, signed or not: the link in a message is a
//     call. Only the owners of the subscription and of its topic may if it was confirmed
//     with AuthenticateOnUnsubscribe
//   - a subscription that is not there is unsubscribed
//   - one that waits for its confirmation cannot be, until its token is too old to confirm it
func (s *Service) Unsubscribe(ctx context.Context, in *api.UnsubscribeInput) (*api.UnsubscribeOutput, error) {
	c := identity.From(ctx)
	id, err := subscriptionID(&c, kit.Value(in.SubscriptionArn))
	if err != nil {
		return nil, err
	}
	sub, err := s.topics.Subscription(id)
	if errors.Is(err, fault.NotFound) {
		return &api.UnsubscribeOutput{}, nil
	}
	if err != nil {
		return nil, err
	}
	if sub.AuthenticateOnUnsubscribe {
		if err := s.authorizeSubscription(ctx, &sub, "Unsubscribe"); err != nil {
			return nil, err
		}
	}
	_, err = s.topics.Unsubscribe(ctx, id)
	switch {
	case errors.Is(err, fault.Conflict):
		return nil, invalid("SubscriptionArn Reason: Cannot unsubscribe a subscription that is pending confirmation")
	case err != nil && !errors.Is(err, fault.NotFound):
		return nil, err
	}
	return &api.UnsubscribeOutput{}, nil
}
