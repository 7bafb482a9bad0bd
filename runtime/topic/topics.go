package topic

import (
	"context"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"millrace/runtime/delivery"
	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
	"millrace/runtime/policy"
	"millrace/runtime/store/keys"
	"millrace/runtime/store/record"
	"millrace/runtime/topic/audience"
	"millrace/runtime/topic/deliverypolicy"
	"millrace/runtime/topic/fifo"
	"millrace/runtime/topic/mailbox"
	"millrace/runtime/workers"
)

// A Config is what topics rest on. All of it is required but what says otherwise.
type Config struct {
	Records *record.Store
	Keys    Keyring
	Logs    *fifo.Logs // of FIFO topics; started before the topics, and stopped after them
	Outbox  Outbox
	Resolve delivery.Resolver // finds the endpoints of subscriptions
	Signer  Signer
	Mailbox Mailbox
	Now     func() time.Time
	Log     *slog.Logger // nil for none

	Shared      bool // other runtimes may write to Records
	PoliciesOff bool // the policies of topics are stored and not evaluated
}

// A Keyring makes and unwraps the data keys that FIFO topics' messages are encrypted
// with; *keys.Ring is one.
type Keyring interface {
	DataKey(keyID, account, region string) (keys.DataKey, error)
	Unwrap(wrapped []byte) (cipher.AEAD, error)
}

// An Outbox delivers to subscribers: *delivery.Outbox.
type Outbox interface {
	Put(ctx context.Context, to string, e delivery.Event, p delivery.Policy) error
	PutAll(ctx context.Context, all []delivery.Delivery) error
}

// A Signer signs what subscribers get: *signing.Signer.
type Signer interface {
	// URL is where the certificate of new signatures is served.
	URL(ctx context.Context, region string) (string, error)
	// Finish signs a document of package envelope.
	Finish(body string) string
}

// A Mailbox keeps what SNS would have sent by email and SMS: *mailbox.Mailbox.
type Mailbox interface {
	Add(ctx context.Context, m mailbox.Mail) error
}

// Topics are the topics of all accounts and their subscriptions. They are a
// lifecycle.Part, and safe for concurrent use.
type Topics struct {
	config Config
	topics *record.Table[Topic]
	subs   *record.Table[Subscription]
	sms    *record.Table[TextSettings]
	former *record.Table[Subscription] // that can be restored, see restore

	life lifecycle.StartStop

	policies policy.Cache[ID]
	paces    deliverypolicy.Paces
	readers  readers
	replays  replayStates
	changes  *workers.Changes // of subscriptions

	mu     sync.RWMutex
	states map[ID]*state // of topics, and of subscriptions whose topic is not known (yet)

	tallies map[subscriber]Tally // of the same subscriptions, by who owns them
	counts  map[kind]int         // of topics
}

// A state is what is kept of a topic in memory. What it points to is never changed, only
// replaced.
type state struct {
	topic    *Topic                   // nil when there is none
	subs     map[string]*Subscription // by the keys of their records
	byUUID   map[string]*Subscription
	audience audience.Audience[*Subscription] // of those that are confirmed
	counters counters
	tally    Tally // of subs
}

// New is the topics in a store. Start reads them.
func New(c Config) *Topics {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	ts := &Topics{
		config: c,
		topics: record.NewTable[Topic](c.Records, "topic"),
		subs:   record.NewTable[Subscription](c.Records, "subscription"),
		sms:    record.NewTable[TextSettings](c.Records, "smsattributes"),
		states: map[ID]*state{},

		changes: workers.NewChanges(),
		tallies: map[subscriber]Tally{},
		counts:  map[kind]int{},
	}
	ts.former = record.NewTable[Subscription](c.Records, "formersubscription").
		Expiring(func(s Subscription) time.Time { return s.TokenMade.Add(TokenLife) }, c.Now)
	ts.topics.Watch(ts.reflectTopic)
	ts.subs.Watch(func(key string) {
		ts.reflectSubscription(key)
		ts.changes.Add(key)
	})
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
	if there := ts.known(t.ID); there != nil { // before a log is kept for nothing
		return *there, fault.New(fault.Exists, "the topic %s exists", t.ID.ARN())
	}
	t.Generation, t.Created = uuid.NewString(), ts.now()
	t.archive(t.Created)
	if err := ts.retain(ctx, &t); err != nil {
		return Topic{}, err
	}
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
	if st := ts.known(id); st != nil {
		return *st, nil
	}
	if !ts.config.Shared {
		return Topic{}, noTopic(id)
	}
	ctx, cancel := context.WithTimeout(context.Background(), lagTimeout) // another runtime may have made it a moment ago
	defer cancel()
	if _, err := ts.topics.Find(ctx, id.key()); err != nil {
		if errors.Is(err, fault.NotFound) {
			err = noTopic(id)
		}
		return Topic{}, err
	}
	ts.reflectTopic(id.key())
	if st := ts.known(id); st != nil {
		return *st, nil
	}
	return Topic{}, noTopic(id)
}

// lagTimeout is how long something is waited for that another runtime may have written.
const lagTimeout = 2 * time.Second

// known is a topic that this runtime knows; nil for none.
func (ts *Topics) known(id ID) *Topic {
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	if s := ts.states[id]; s != nil {
		return s.topic
	}
	return nil
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
// own maps, which are never nil, and must change nothing else of it than attributes, tags and the data
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
	if err == nil {
		err = ts.retain(ctx, &t)
	}
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

// Retention is how long the archive of a FIFO topic keeps messages; 0 when it has none.
func (t *Topic) Retention() time.Duration {
	var p struct{ MessageRetentionPeriod json.Number }
	if json.Unmarshal([]byte(t.Attributes[ArchivePolicy]), &p) != nil { // "" as well
		return 0
	}
	days, _ := p.MessageRetentionPeriod.Int64()
	return time.Duration(days) * 24 * time.Hour
}

// NameOfLog is the name of the topic whose log a name of package fifo is; that itself when
// there is none.
func NameOfLog(records *record.Store, log string) string {
	for _, t := range record.NewTable[Topic](records, "topic").List("") {
		if t.Generation == log {
			return t.Name
		}
	}
	return log
}

// retain has the log of a FIFO topic keep what the archive is to have.
func (ts *Topics) retain(ctx context.Context, t *Topic) error {
	if !t.FIFO() {
		return nil
	}
	return ts.config.Logs.Retain(ctx, t.Generation, t.Retention())
}

// Delete removes a topic and its subscriptions. fault.NotFound.
func (ts *Topics) Delete(ctx context.Context, id ID) error {
	t, err := ts.Get(id)
	if err != nil {
		return err
	}
	err = ts.topics.Delete(ctx, id.key())
	ts.reflectTopic(id.key())
	if errors.Is(err, fault.NotFound) {
		return noTopic(id)
	}
	if err != nil {
		return err
	}
	if err := ts.sweep(ctx, id); err != nil {
		return err
	}
	if id.FIFO() {
		return ts.config.Logs.Delete(ctx, t.Generation)
	}
	return nil
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
		if id.FIFO() {
			err = errors.Join(err, ts.syncReader(ctx, key))
		}
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
	return Counts{Confirmed: s.tally.Confirmed, Pending: s.tally.Pending, Deleted: s.topic.Unsubscribed}
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
			ts.setTopic(id, s, nil)
			ts.dropEmpty(id, s)
		}
		return
	}
	ts.setTopic(id, ts.stateOf(id), &t)
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
