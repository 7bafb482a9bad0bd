package topic

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"

	"millrace/runtime/fault"
)

// Subscribe makes a subscription of s's topic, owner, principal, protocol, endpoint,
// attributes, base URL and Pending, and returns it. A pending one has a token; its
// confirmation is asked for by AskForConfirmation. When the topic has a subscription of
// the endpoint it is fault.Exists, and returns that one. fault.NotFound when there is no
// such topic.
func (ts *Topics) Subscribe(ctx context.Context, s Subscription) (Subscription, error) {
	t, err := ts.Get(s.Topic)
	if err != nil {
		return Subscription{}, err
	}
	s.UUID, s.Generation, s.Created = uuid.NewString(), t.Generation, ts.now()
	s.Token, s.TokenMade = newToken(), s.Created
	s.changeReplay("", s.Created)
	key := s.key()
	err = ts.subs.Create(ctx, key, s)
	if errors.Is(err, fault.Exists) {
		there, ok := ts.subs.Get(key)
		switch {
		case !ok:
			return Subscription{}, err
		case there.Generation == t.Generation:
			ts.reflectSubscription(key)
			return there, err
		}
		// It belongs to an earlier topic of the name.
		_, err = ts.subs.Update(ctx, key, func(Subscription) (Subscription, error) { return s, nil })
	}
	ts.reflectSubscription(key)
	if now, _ := ts.Get(s.Topic); err == nil && now.Generation != t.Generation { // deleted meanwhile, and maybe made anew
		return Subscription{}, errors.Join(noTopic(s.Topic), ts.sweep(ctx, s.Topic))
	}
	if err == nil && s.Topic.FIFO() {
		err = ts.syncReader(ctx, key)
	}
	return s, err
}

// newToken is a confirmation token: 256 hexadecimal digits, as AWS's are.
func newToken() string {
	b := make([]byte, 128)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// Subscription returns a subscription. The caller must not change what it refers to.
// fault.NotFound.
func (ts *Topics) Subscription(id SubscriptionID) (Subscription, error) {
	s, err := ts.subscription(id)
	if err != nil {
		return Subscription{}, err
	}
	return *s, nil
}

// subscription is Subscription without a copy, which nobody may change.
func (ts *Topics) subscription(id SubscriptionID) (*Subscription, error) {
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	if st := ts.states[id.Topic]; st != nil && st.topic != nil && st.byUUID[id.UUID] != nil {
		return st.byUUID[id.UUID], nil
	}
	return nil, noSubscription(id)
}

// Find returns the subscription that a topic has of an endpoint, as Subscription does.
// fault.NotFound.
func (ts *Topics) Find(id ID, protocol, endpoint string) (Subscription, error) {
	key := (&Subscription{Topic: id, Protocol: protocol, Endpoint: endpoint}).key()
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	if st := ts.states[id]; st != nil && st.topic != nil && st.subs[key] != nil && st.subs[key].Generation == st.topic.Generation {
		return *st.subs[key], nil
	}
	return Subscription{}, fault.New(fault.NotFound, "no subscription of %s to %s", protocol, id.ARN())
}

// Subscriptions returns the subscriptions of a topic in the order of their ids.
func (ts *Topics) Subscriptions(id ID) []Subscription {
	var all []Subscription
	ts.mu.RLock()
	if st := ts.states[id]; st != nil && st.topic != nil {
		for _, s := range st.subs {
			all = append(all, *s)
		}
	}
	ts.mu.RUnlock()
	slices.SortFunc(all, func(a, b Subscription) int { return strings.Compare(a.UUID, b.UUID) })
	return all
}

// SubscriptionsOf returns the subscriptions that an account owns to topics in a region,
// whoever owns those, in the order of their ARNs.
func (ts *Topics) SubscriptionsOf(owner, region string) []Subscription {
	type listed struct {
		arn string
		*Subscription
	}
	var found []listed
	ts.mu.RLock()
	for id, st := range ts.states {
		if st.topic == nil || id.Region != region {
			continue
		}
		for _, s := range st.subs {
			if s.Owner == owner {
				found = append(found, listed{Subscription: s})
			}
		}
	}
	ts.mu.RUnlock() // there may be thousands: nobody who publishes waits for their order
	for i := range found {
		found[i].arn = found[i].ARN()
	}
	slices.SortFunc(found, func(a, b listed) int { return strings.Compare(a.arn, b.arn) })
	all := make([]Subscription, len(found))
	for i, f := range found {
		all[i] = *f.Subscription
	}
	return all
}

// UpdateSubscription stores what edit makes of a subscription, and returns it. An error
// of edit is returned as it is, and nothing is stored. fault.NotFound.
func (ts *Topics) UpdateSubscription(ctx context.Context, id SubscriptionID, edit func(*Subscription) error) (Subscription, error) {
	s, err := ts.Subscription(id)
	if err != nil {
		return Subscription{}, err
	}
	key := s.key()
	s, err = ts.subs.Update(ctx, key, func(s Subscription) (Subscription, error) {
		if s.UUID != id.UUID {
			return s, noSubscription(id)
		}
		if s.Attributes == nil {
			s.Attributes = map[string]string{}
		}
		was := s.Attributes[ReplayPolicy]
		err := edit(&s)
		s.changeReplay(was, ts.now())
		return s, err
	})
	ts.reflectSubscription(key)
	if err == nil && id.Topic.FIFO() {
		err = ts.syncReader(ctx, key)
	}
	if errors.Is(err, fault.NotFound) {
		err = noSubscription(id)
	}
	return s, err
}

// Unsubscribe removes a subscription, and returns what it was. fault.NotFound;
// fault.Conflict while its confirmation is waited for, which is TokenLife at most: by then
// SNS has removed those that were not confirmed.
func (ts *Topics) Unsubscribe(ctx context.Context, id SubscriptionID) (Subscription, error) {
	s, err := ts.Subscription(id)
	if err != nil {
		return Subscription{}, err
	}
	if s.Pending && !s.tokenExpired(ts.now()) {
		return Subscription{}, fault.New(fault.Conflict, "the subscription is pending confirmation")
	}
	t, err := ts.Get(id.Topic)
	if err != nil {
		return Subscription{}, err
	}
	err = ts.subs.Delete(ctx, s.key())
	ts.reflectSubscription(s.key())
	if err != nil {
		return Subscription{}, err
	}
	if id.Topic.FIFO() {
		if err := ts.syncReader(ctx, s.key()); err != nil {
			return Subscription{}, err
		}
	}
	if !s.Pending && (s.Protocol == HTTP || s.Protocol == HTTPS) {
		ts.sayGoodbyeTo(ctx, &t, s)
	}
	_, err = ts.Update(ctx, id.Topic, func(t *Topic) error {
		t.Unsubscribed++
		return nil
	})
	if errors.Is(err, fault.NotFound) { // the topic went at the same time
		err = nil
	}
	return s, err
}

// Confirm confirms the subscription that a token of the topic is for, and returns it. It
// may be confirmed again, and one that has ended is restored. signed says that the call
// was; authenticate, that only owners may unsubscribe then. fault.NotFound when there is no such topic, fault.Invalid when no
// subscription has the token, or had it for longer than TokenLife.
func (ts *Topics) Confirm(ctx context.Context, id ID, token string, signed, authenticate bool) (Subscription, error) {
	if _, err := ts.Get(id); err != nil {
		return Subscription{}, err
	}
	confirm := func(s *Subscription) error {
		s.Pending, s.Authenticated, s.AuthenticateOnUnsubscribe = false, signed, authenticate && signed
		return nil
	}
	for _, s := range ts.Subscriptions(id) {
		if s.Token == "" || subtle.ConstantTimeCompare([]byte(s.Token), []byte(token)) != 1 {
			continue
		}
		if !s.Pending {
			return s, nil
		}
		if s.tokenExpired(ts.now()) {
			break
		}
		return ts.UpdateSubscription(ctx, s.ID(), confirm)
	}
	return ts.restore(ctx, id, token, confirm)
}

// reflectSubscription takes what the record of a subscription says now into memory.
func (ts *Topics) reflectSubscription(key string) {
	id, ok := parseKey(key[:max(0, strings.LastIndexByte(key, '/'))])
	if !ok {
		return
	}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	s, ok := ts.subs.Get(key)
	st := ts.stateOf(id)
	if was := st.subs[key]; was != nil {
		delete(st.subs, key)
		delete(st.byUUID, was.UUID)
		ts.count(st, was, -1)
		if !ok || was.UUID != s.UUID || s.Pending {
			st.audience.Remove(was.UUID)
		}
	}
	if !ok {
		ts.dropEmpty(id, st)
		return
	}
	if st.subs == nil {
		st.subs, st.byUUID = map[string]*Subscription{}, map[string]*Subscription{}
	}
	st.subs[key], st.byUUID[s.UUID] = &s, &s
	ts.count(st, &s, 1)
	if s.Pending {
		return
	}
	filter, err := s.Filter()
	if err != nil { // it was checked when it was set
		ts.config.Log.Error("a filter policy cannot be read; nothing passes it", "subscription", s.ARN(), "err", err)
		st.audience.Remove(s.UUID)
		return
	}
	st.audience.Set(s.UUID, filter, &s)
}

// parseKey is the inverse of ID.key. Names have no slash.
func parseKey(key string) (id ID, ok bool) {
	p := strings.Split(key, "/")
	if len(p) != 3 {
		return id, false
	}
	return ID{p[0], p[1], p[2]}, true
}
