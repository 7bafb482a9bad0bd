package topic

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/google/uuid"

	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
	"millrace/runtime/store/record"
)

// A Config is what topics rest on. All of it is required but what says otherwise.
type Config struct {
	Records *record.Store
	Now     func() time.Time
}

// Topics are the topics of all accounts and their subscriptions. They are a
// lifecycle.Part, and safe for concurrent use.
type Topics struct {
	config Config
	topics *record.Table[Topic]
	subs   *record.Table[Subscription]

	life lifecycle.StartStop

	mu     sync.RWMutex
	states map[ID]*state // of topics, and of subscriptions whose topic is not known (yet)
}

// A state is what is kept of a topic in memory. What it points to is never changed, only
// replaced.
type state struct {
	topic  *Topic                   // nil when there is none
	subs   map[string]*Subscription // by the keys of their records
	byUUID map[string]*Subscription
}

// New is the topics in a store. Start reads them.
func New(c Config) *Topics {
	ts := &Topics{
		config: c,
		topics: record.NewTable[Topic](c.Records, "topic"),
		subs:   record.NewTable[Subscription](c.Records, "subscription"),
		states: map[ID]*state{},
	}
	ts.topics.Watch(ts.reflectTopic)
	ts.subs.Watch(ts.reflectSubscription)
	return ts
}

// now is the present as it is kept: in milliseconds.
func (ts *Topics) now() time.Time { return ts.config.Now().UTC().Truncate(time.Millisecond) }

// noTopic is the error of everything that is asked of a topic that is not there.
func noTopic(id ID) error { return fault.New(fault.NotFound, "no topic %s", id.ARN()) }

func noSubscription(id SubscriptionID) error {
	return fault.New(fault.NotFound, "no subscription %s", id.ARN())
}

// Create makes a topic of t's ID, attributes, tags and data protection policy, and
// returns it. When there is one of the name it is fault.Exists, and returns that one.
func (ts *Topics) Create(ctx context.Context, t Topic) (Topic, error) {
	t.Generation, t.Created = uuid.NewString(), ts.now()
	t.archive(t.Created)
	err := ts.topics.Create(ctx, t.ID.key(), t)
	ts.reflectTopic(t.ID.key())
	if errors.Is(err, fault.Exists) {
		there, getErr := ts.Get(t.ID)
		if getErr != nil {
			return Topic{}, err
		}
		return there, err
	}
	return t, err
}

// Get returns a topic. The caller must not change what it refers to. fault.NotFound.
func (ts *Topics) Get(id ID) (Topic, error) {
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	if s := ts.states[id]; s != nil && s.topic != nil {
		return *s.topic, nil
	}
	return Topic{}, noTopic(id)
}

// List returns the names of an account's topics in a region, in their order.
func (ts *Topics) List(account, region string) []ID {
	prefix := ID{Account: account, Region: region}.key()
	keys := ts.topics.Keys(prefix)
	ids := make([]ID, len(keys))
	for i, k := range keys {
		ids[i] = ID{account, region, k[len(prefix):]}
	}
	return ids
}

// Count is how many topics there are, and how many subscriptions, of all accounts.
func (ts *Topics) Count() (topics, subscriptions int) {
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	for _, s := range ts.states {
		if s.topic != nil {
			topics++
			subscriptions += len(s.subs)
		}
	}
	return topics, subscriptions
}

// Update stores what edit makes of a topic, and returns it. edit may change the topic's
// own maps, and must change nothing else of it than attributes, tags and the data
// protection policy. An error of edit is returned as it is, and nothing is stored.
// fault.NotFound.
func (ts *Topics) Update(ctx context.Context, id ID, edit func(*Topic) error) (Topic, error) {
	t, err := ts.topics.Update(ctx, id.key(), func(t Topic) (Topic, error) {
		if t.Attributes == nil {
			t.Attributes = map[string]string{}
		}
		if t.Tags == nil {
			t.Tags = map[string]string{}
		}
		err := edit(&t)
		t.archive(ts.now())
		return t, err
	})
	if errors.Is(err, fault.NotFound) {
		return Topic{}, noTopic(id)
	}
	ts.reflectTopic(id.key())
	return t, err
}

// archive notes since when there is an archive.
func (t *Topic) archive(now time.Time) {
	switch {
	case t.Attributes[ArchivePolicy] == "":
		t.ArchivedSince = time.Time{}
	case t.ArchivedSince.IsZero():
		t.ArchivedSince = now
	}
}

// Delete removes a topic and its subscriptions. fault.NotFound.
func (ts *Topics) Delete(ctx context.Context, id ID) error {
	err := ts.topics.Delete(ctx, id.key())
	ts.reflectTopic(id.key())
	if errors.Is(err, fault.NotFound) {
		return noTopic(id)
	}
	if err != nil {
		return err
	}
	return ts.sweep(ctx, id)
}

// sweep removes the subscriptions that belong to no topic, or to an earlier one.
func (ts *Topics) sweep(ctx context.Context, id ID) error {
	t, _ := ts.Get(id)
	for _, key := range ts.subs.Keys(subscriptionPrefix(id)) {
		if s, ok := ts.subs.Get(key); !ok || s.Generation == t.Generation {
			continue
		}
		err := ts.subs.Delete(ctx, key)
		ts.reflectSubscription(key)
		if err != nil && !errors.Is(err, fault.NotFound) {
			return err
		}
	}
	return nil
}

// Counts are the subscriptions of a topic.
type Counts struct{ Confirmed, Pending, Deleted int }

// Counts counts the subscriptions of a topic.
func (ts *Topics) Counts(id ID) (c Counts) {
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	s := ts.states[id]
	if s == nil || s.topic == nil {
		return c
	}
	c.Deleted = s.topic.Unsubscribed
	for _, sub := range s.subs {
		if sub.Pending {
			c.Pending++
		} else {
			c.Confirmed++
		}
	}
	return c
}

// reflectTopic takes what the record of a topic says now into memory.
func (ts *Topics) reflectTopic(key string) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	t, ok := ts.topics.Get(key)
	id := t.ID
	if !ok {
		if id, ok = parseKey(key); !ok {
			return
		}
		if s := ts.states[id]; s != nil {
			s.topic = nil
			ts.dropEmpty(id, s)
		}
		return
	}
	ts.stateOf(id).topic = &t
}

// stateOf is the state of a topic, made when there is none. mu is held.
func (ts *Topics) stateOf(id ID) *state {
	s := ts.states[id]
	if s == nil {
		s = &state{}
		ts.states[id] = s
	}
	return s
}

func (ts *Topics) dropEmpty(id ID, s *state) {
	if s.topic == nil && len(s.subs) == 0 {
		delete(ts.states, id)
	}
}

// clone copies what edit may change.
func (s Subscription) clone() Subscription {
	s.Attributes = maps.Clone(s.Attributes)
	if s.Attributes == nil {
		s.Attributes = map[string]string{}
	}
	return s
}

// Start implements lifecycle.Part: it reads the records and follows them.
func (ts *Topics) Start(ctx context.Context) error {
	return ts.life.Start(ctx, func(ctx context.Context, _ *lifecycle.Run) error {
		for _, key := range ts.topics.Keys("") {
			ts.reflectTopic(key)
		}
		for _, key := range ts.subs.Keys("") {
			ts.reflectSubscription(key)
		}
		return ts.sweepAll(ctx)
	})
}

// sweepAll removes what a Delete that was cut off has left.
func (ts *Topics) sweepAll(ctx context.Context) error {
	ts.mu.RLock()
	var orphaned []ID
	for id, s := range ts.states {
		for _, sub := range s.subs {
			if s.topic == nil || sub.Generation != s.topic.Generation {
				orphaned = append(orphaned, id)
				break
			}
		}
	}
	ts.mu.RUnlock()
	for _, id := range orphaned {
		if err := ts.sweep(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// Stop implements lifecycle.Part.
func (ts *Topics) Stop(ctx context.Context) error { return ts.life.Stop(ctx, "topics") }
