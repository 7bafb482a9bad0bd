package sns

import (
	"context"
	"errors"
	"time"

	"millrace/runtime/policy"
	"millrace/runtime/topic"
	api "millrace/services/internal/api/sns"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
	"millrace/services/internal/wire"
)

// grantable are the actions that a topic's policy may name. Publish goes for batches,
// and SNS:Receive stands in policies of old
// (https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html).
var grantable = []string{"AddPermission", "DeleteTopic", "GetDataProtectionPolicy", "GetTopicAttributes",
	"ListSubscriptionsByTopic", "ListTagsForResource", "Publish", "PutDataProtectionPolicy", "Receive",
	"RemovePermission", "SetTopicAttributes", "Subscribe"}

// find returns the topic that a parameter names by its ARN, to a caller that may do the
// action to it. Every operation on a topic comes through here, with the name that
// policies have for it. keys are condition keys of the request beside the global ones.
func (s *Service) find(ctx context.Context, action, param string, arn *string, keys map[string]string) (topic.Topic, error) {
	c := identity.From(ctx)
	id, err := topicID(&c, param, kit.Value(arn))
	if err != nil {
		return topic.Topic{}, err
	}
	t, err := s.topics.Get(id)
	if err != nil {
		return topic.Topic{}, fromTopics(err)
	}
	return t, s.authorize(ctx, t, action, keys)
}

// authorize returns nil if the caller may perform the action on the topic: the account
// that owns it may unless its policy denies, others may if the policy allows. What an
// account's own identity policies say is not evaluated.
func (s *Service) authorize(ctx context.Context, t topic.Topic, action string, keys map[string]string) error {
	if s.options.PoliciesOff {
		return nil
	}
	c := identity.From(ctx)
	if !c.Anonymous && c.Account == t.Account && t.Attributes[topic.Policy] == "" {
		return nil
	}
	err := s.topics.Authorize(t.ID, c.Principal(), "sns:"+action, func() policy.Context {
		all := c.Context(time.Now)()
		for key, value := range keys {
			all.Set(key, value)
		}
		return all
	})
	var d *policy.DeniedError
	if errors.As(err, &d) {
		return denied(&c, action, t.ARN(), d.Explicit)
	}
	return err
}

// authorizeSubscription returns nil if the caller owns the subscription, or its topic:
// nobody else may see or change it, and no policy can let them.
func (s *Service) authorizeSubscription(ctx context.Context, sub *topic.Subscription, action string) error {
	c := identity.From(ctx)
	if s.options.PoliciesOff || owns(&c, sub) {
		return nil
	}
	return denied(&c, action, sub.Topic.ARN(), false)
}

// owns reports whether a caller owns a subscription, or the topic of it.
func owns(c *identity.Caller, sub *topic.Subscription) bool {
	return !c.Anonymous && (c.Account == sub.Owner || c.Account == sub.Topic.Account)
}

// signed refuses anonymous callers for actions of accounts, which no policy can allow.
func (s *Service) signed(ctx context.Context) error {
	if c := identity.From(ctx); !c.Anonymous || s.options.PoliciesOff {
		return nil
	}
	return &wire.Error{Code: "MissingAuthenticationToken", Status: 403, Message: "Request is missing Authentication Token"}
}

func denied(c *identity.Caller, action, resource string, explicit bool) error {
	who := c.Principal().ARN
	if who == "" {
		who = "anonymous"
	}
	return api.ErrAuthorizationErrorException(kit.Unauthorized(who, "SNS:"+action, resource, explicit))
}
