package sns

import (
	"context"
	"errors"

	"millrace/runtime/fault"
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
func (s *Service) ConfirmSubscription(ctx context.Context, in *api.ConfirmSubscriptionInput) (*api.ConfirmSubscriptionOutput, error) {
	c := identity.From(ctx)
	id, err := topicID(&c, "TopicArn", kit.Value(in.TopicArn))
	if err != nil {
		return nil, err
	}
	if _, err := s.topics.Get(id); err != nil {
		return nil, invalid("Topic")
	}
	token := kit.Value(in.Token)
	if !isToken(token) {
		return nil, invalid("Token")
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
		return nil, api.ErrInvalidParameterException("Invalid token")
	case err != nil:
		return nil, fromSubscriptions(err)
	}
	return &api.ConfirmSubscriptionOutput{SubscriptionArn: new(sub.ARN())}, nil
}

// isToken reports whether a text has the form of tokens: hexadecimal digits, of which
// AWS's have two or three hundred.
func isToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
			return false
		}
	}
	return 128 <= len(s) && len(s) <= 512
}
