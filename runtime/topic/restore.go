package topic

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"millrace/runtime/fault"
)

// sayGoodbyeTo tells an endpoint that its subscription has ended, with a token that
// restores it until TokenLife is over: others may have ended it, by a link that they saw.
func (ts *Topics) sayGoodbyeTo(ctx context.Context, t *Topic, s Subscription) {
	s.Token, s.TokenMade = newToken(), ts.now()
	err := ts.former.Create(ctx, formerKey(s.Topic, s.Token), s)
	if err == nil {
		err = ts.sayGoodbye(ctx, t, &s)
	}
	if err != nil {
		ts.config.Log.Warn("an endpoint could not be told that its subscription has ended", "subscription", s.ARN(), "err", err)
	}
}

// formerKey is where the record of an ended subscription is: by its token.
func formerKey(id ID, token string) string {
	sum := sha256.Sum256([]byte(token))
	return subscriptionPrefix(id) + hex.EncodeToString(sum[:16])
}

// restore brings the subscription back that a token of sayGoodbyeTo is for. When its
// endpoint was subscribed anew, that subscription is confirmed.
func (ts *Topics) restore(ctx context.Context, id ID, token string, confirm func(*Subscription) error) (Subscription, error) {
	key := formerKey(id, token)
	s, ok := ts.former.Get(key)
	t, err := ts.Get(id)
	if err != nil {
		return Subscription{}, err
	}
	if !ok || s.Generation != t.Generation {
		return Subscription{}, fault.New(fault.Invalid, "no subscription of the topic has this token")
	}
	if err := confirm(&s); err != nil {
		return Subscription{}, err
	}
	err = ts.subs.Create(ctx, s.key(), s)
	ts.reflectSubscription(s.key())
	if errors.Is(err, fault.Exists) {
		there, findErr := ts.Find(id, s.Protocol, s.Endpoint)
		if findErr != nil {
			return Subscription{}, err
		}
		s, err = ts.UpdateSubscription(ctx, there.ID(), func(s *Subscription) error {
			s.Token, s.TokenMade = token, ts.now()
			return confirm(s)
		})
	}
	if err != nil {
		return Subscription{}, err
	}
	if err := ts.former.Delete(ctx, key); err != nil && !errors.Is(err, fault.NotFound) {
		return Subscription{}, err
	}
	return s, nil
}

// forgetEnded makes all tokens of ended subscriptions worthless.
func (ts *Topics) forgetEnded(ctx context.Context) error {
	for _, key := range ts.former.Keys("") {
		if err := ts.former.Delete(ctx, key); err != nil && !errors.Is(err, fault.NotFound) {
			return err
		}
	}
	return nil
}
