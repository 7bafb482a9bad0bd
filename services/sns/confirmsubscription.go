package sns

import (
	"context"
	"errors"

	"millrace/runtime/fault"
	"millrace/runtime/topic"
	api "millrace/services/internal/api/sns"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// ConfirmSubscription   awsQuery
//
//   - whoever has the token may confirm, signed or not: the link in a message is a call
//   - AuthenticateOnUnsubscribe true holds for signed calls: from then on only the owners
//     of the subscription and of its topic may unsubscribe
//   - the same token confirms the same subscription again
//   - the token is looked at before the topic
//
// Not supported: AWS confirms by the token alone, and takes the ARN of any other topic of the
// account and region with it.
func (s *Service) ConfirmSubscription(ctx context.Context, in *api.ConfirmSubscriptionInput) (*api.ConfirmSubscriptionOutput, error) {
	c := identity.From(ctx)
	if in.TopicArn == nil {
		return nil, invalid("TopicArn Reason: no value for required parameter")
	}
	token := kit.Value(in.Token)
	if err := checkToken(token); err != nil {
		return nil, err
	}
	id, err := topicID(&c, "TopicArn", in.TopicArn)
	if err == nil {
		_, err = s.topics.Get(id)
	}
	if err != nil {
		return nil, invalid("Topic")
	}
	authenticate := false
	if in.AuthenticateOnUnsubscribe != nil {
		text, err := parseBool("AuthenticateOnUnsubscribe", *in.AuthenticateOnUnsubscribe)
		if err != nil {
			return nil, invalid("AuthenticateOnUnsubscribe")
		}
		authenticate = text == "true"
	}
	sub, err := s.topics.Confirm(ctx, id, token, !c.Anonymous, authenticate)
	switch {
	case errors.Is(err, fault.Invalid):
		return nil, errToken()
	case err != nil:
		return nil, fromSubscriptions(err)
	}
	return &api.ConfirmSubscriptionOutput{SubscriptionArn: new(sub.ARN())}, nil
}

// checkToken checks the form of a token: hexadecimal digits, as many as ours have. What else
// is hexadecimal is no token of SNS, and what is not is one that nobody has: so AWS's
// answers differ.
func checkToken(s string) error {
	for i := range len(s) {
		if c := s[i]; !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
			return errToken()
		}
	}
	if len(s) != topic.TokenLength {
		return invalid("Token")
	}
	return nil
}

func errToken() error { return api.ErrInvalidParameterException("Invalid token") }
