package broker

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"millrace/runtime/broker/catalog"
	"millrace/runtime/fault"
	"millrace/runtime/store/record"
	"millrace/runtime/workers"
)

// A Config is what Brokers need. What may be nil says so; the rest is required.
type Config struct {
	Records *record.Store
	Keys    Keyring
	Runner  Runner

	// Home names this runtime among those that share records, for as long as its data
	// lasts: brokers run where they were created.
	Home string

	// FirstRabbitMQ is called before the first RabbitMQ broker of an account is made, and
	// may be called again; nil for nothing.
	FirstRabbitMQ func(ctx context.Context, account string) error

	// Tell is told, a line at a time, what becomes of the brokers of this home; nil for
	// nothing.
	Tell func(broker, line string)

	Log *slog.Logger // nil for none
}

// Brokers are the brokers of all accounts. Safe for concurrent use. It is a
// lifecycle.Part: while it runs, so do the brokers of this home.
type Brokers struct {
	Configurations *Configurations

	config Config
	log    *slog.Logger
	table  *record.Table[Broker]
	names  *record.Table[claim]
	set    *workers.Set[Broker, *worker]

	keyWatch keyWatch

	// creating is held by Create, so that the same request sent twice at once is one broker,
	// and no two take the last place that a quota leaves.
	creating sync.Mutex

	written writes // of table

	mu sync.Mutex // guards writes to table and names, and the set
}

// A claim is the name of a broker, taken. Its broker may not be stored yet, or not at all
// when a runtime was killed between the two.
type claim struct {
	ID   string
	At   time.Time
	Home string `json:",omitzero"` // the runtime that took it
}

// claimTimeout is how long a claim without a broker counts for another runtime: much
// longer than it takes to store a broker.
const claimTimeout = time.Minute

// New reads nothing and runs nothing until Start.
func New(c Config) *Brokers {
	b := &Brokers{config: c, log: c.Log}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	b.table = record.NewTable[Broker](c.Records, "broker")
	b.names = record.NewTable[claim](c.Records, "brokername")
	b.table.Watch(b.written.told)
	b.Configurations = newConfigurations(c.Records, b)
	c.Keys.Watch(b.keyWatch.changed)
	b.set = workers.New(workers.Config[Broker, *worker]{
		Table: b.table, Mu: &b.mu, What: "brokers",
		New: func(key string, r Broker) (*worker, bool) {
			if r.Home != c.Home {
				return nil, false
			}
			return newWorker(b, key, r), true
		},
	})
	return b
}

// Start runs the brokers, each of which is rebooting until it serves. It implements
// lifecycle.Part.
func (bs *Brokers) Start(ctx context.Context) error {
	if err := errors.Join(bs.Configurations.sweepAll(ctx), bs.sweepClaims(ctx)); err != nil {
		return err
	}
	for _, b := range bs.table.List("") {
		if b.Home != bs.config.Home || b.State != Up {
			continue
		}
		if _, err := bs.table.Update(ctx, b.key(), func(b Broker) (Broker, error) { b.died(); return b, nil }); ignoreNotFound(err) != nil {
			return err
		}
		bs.written.told(b.key())
	}
	return bs.set.Start(ctx)
}

// sweepClaims frees the names for which this runtime was killed before it stored the
// broker, or after it deleted it: the client that tries again need not wait.
func (bs *Brokers) sweepClaims(ctx context.Context) error {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	for _, key := range bs.names.Keys("") {
		c, ok := bs.names.Get(key)
		if !ok || c.Home != bs.config.Home {
			continue
		}
		_, err := bs.table.Find(ctx, key[:strings.LastIndexByte(key, '/')+1]+c.ID)
		if errors.Is(err, fault.NotFound) {
			err = ignoreNotFound(bs.names.Delete(ctx, key))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Stop ends what runs of the brokers well, and keeps their data. It implements
// lifecycle.Part.
func (bs *Brokers) Stop(ctx context.Context) error { return bs.set.Stop(ctx) }

// Reset removes all brokers with what runs of them, and all configurations.
func (bs *Brokers) Reset(ctx context.Context) error {
	err := bs.set.Stop(ctx)
	for _, b := range bs.table.List("") {
		if b.Home == bs.config.Home { // others see that the record is gone
			err = errors.Join(err, bs.config.Runner.Remove(ctx, b.ID))
		}
		err = errors.Join(err, ignoreNotFound(bs.table.Delete(ctx, b.key())))
		bs.written.told(b.key())
	}
	err = errors.Join(err, deleteAll(ctx, bs.names), deleteAll(ctx, bs.Configurations.table), deleteAll(ctx, bs.Configurations.revisions))
	return errors.Join(err, bs.set.Start(ctx))
}

func deleteAll[T any](ctx context.Context, t *record.Table[T]) (err error) {
	for _, key := range t.Keys("") {
		err = errors.Join(err, ignoreNotFound(t.Delete(ctx, key)))
	}
	return err
}

func ignoreNotFound(err error) error {
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// Passwords are those of a request, in the clear.
type Passwords struct {
	Users map[string]string // by user name
	LDAP  string            // of the service account
	Asked string            // a hash of the whole request
}

// Create stores a broker, which is then made in the background, and returns it with its
// id. The same Token with the same request returns the broker that was made with them;
// limit bounds the brokers of an account and region, 0 for none.
//
// The fields that the caller leaves empty: ID, Home, Created, State, Key, Asked, and all that only
// a running broker has. Settings.Configuration is what it will start with, and shows as
// pending until then. configure, if not nil, makes the configuration of a broker that has
// none.
func (bs *Brokers) Create(ctx context.Context, b Broker, p Passwords, limit int, configure func(context.Context) (Revised, error)) (Broker, error) {
	bs.creating.Lock()
	defer bs.creating.Unlock()
	before, again, err := bs.admit(ctx, b, p, limit)
	if err != nil || again {
		return before, err
	}
	if b.Engine == catalog.RabbitMQ && bs.config.FirstRabbitMQ != nil && !bs.hasRabbitMQ(b.Account) {
		if err := bs.config.FirstRabbitMQ(ctx, b.Account); err != nil {
			return b, err
		}
	}
	b.ID, b.Home, b.State, b.Created = "b-"+uuid.NewString(), bs.config.Home, Creating, time.Now().UTC()
	if err := b.sealAll(bs.config.Keys, p); err != nil {
		return b, err
	}
	if b.Window == (Window{}) {
		b.Window = defaultWindow(b.ID)
	}
	if err := bs.claim(ctx, &b); err != nil {
		if other, e := bs.named(ctx, b.Account, b.Region, b.Name); e == nil && other.Token != "" && other.Token == b.Token {
			return other, bs.repeated(&other, p) // the same request, sent to two runtimes at once
		}
		return b, err
	}
	if configure != nil && b.Settings.Configuration.ID == "" {
		if b.Settings.Configuration, err = configure(ctx); err != nil {
			return b, errors.Join(err, ignoreNotFound(bs.names.Delete(ctx, b.nameKey())))
		}
	}
	if b.Settings.Configuration.ID != "" {
		b.Pending.Configuration, b.Settings.Configuration = new(b.Settings.Configuration), Revised{}
	}
	bs.mu.Lock()
	defer bs.mu.Unlock()
	if err := bs.table.Create(ctx, b.key(), b); err != nil {
		return b, errors.Join(err, ignoreNotFound(bs.names.Delete(ctx, b.nameKey())))
	}
	bs.log.Info("a broker is being created", "broker", b.ID, "name", b.Name, "engine", string(b.Engine), "version", b.Settings.Version)
	bs.tell(b, "creating %s %s, %s", b.Engine.Title(), b.Settings.Version, b.ID)
	bs.set.SyncLocked(b.key(), nil)
	bs.written.told(b.key())
	return b, nil
}

// admit finds what is in the way of a new broker; again is true for one that an earlier
// call with the same token has made.
func (bs *Brokers) admit(ctx context.Context, b Broker, p Passwords, limit int) (before Broker, again bool, err error) {
	all := bs.List(b.Account, b.Region)
	if other, err := bs.named(ctx, b.Account, b.Region, b.Name); err == nil && !slices.ContainsFunc(all, func(o Broker) bool { return o.ID == other.ID }) {
		all = append(all, other) // another runtime has just made it
	}
	for _, other := range all {
		if b.Token != "" && other.Token == b.Token {
			return other, true, bs.repeated(&other, p)
		}
	}
	for _, other := range all {
		if other.Name == b.Name {
			return b, false, bs.nameTaken(b.Name)
		}
	}
	if limit > 0 && len(all) >= limit {
		return b, false, refuse(fault.Invalid, "", "You have reached the maximum of [%d] brokers in this region.", limit)
	}
	return b, false, nil
}

// repeated is nil if a broker was made by the same request as the one that has its token.
func (bs *Brokers) repeated(b *Broker, p Passwords) error {
	s, err := sealerOf(bs.config.Keys, b)
	if err != nil {
		return keyRefusal(err)
	}
	asked, err := s.open(b.Asked)
	if err == nil && asked != p.Asked {
		err = refuse(fault.Conflict, "creatorRequestId", "The creatorRequestId [%s] was used with other parameters.", b.Token)
	}
	return err
}

func (bs *Brokers) nameTaken(name string) error {
	return refuse(fault.Conflict, "brokerName", "Broker with name [%s] already exists.", name)
}

func (bs *Brokers) hasRabbitMQ(account string) bool {
	return slices.ContainsFunc(bs.table.List(account+"/"), func(b Broker) bool { return b.Engine == catalog.RabbitMQ })
}

func (b *Broker) nameKey() string { return b.Account + "/" + b.Region + "/" + b.Name }

// claim takes the name of a new broker, among all runtimes that share the records.
func (bs *Brokers) claim(ctx context.Context, b *Broker) error {
	c := claim{b.ID, b.Created, b.Home}
	err := bs.names.Create(ctx, b.nameKey(), c)
	if !errors.Is(err, fault.Exists) {
		return err
	}
	if _, err := bs.named(ctx, b.Account, b.Region, b.Name); !errors.Is(err, fault.NotFound) {
		return cmp.Or(err, bs.nameTaken(b.Name))
	}
	_, err = bs.names.Update(ctx, b.nameKey(), func(other claim) (claim, error) {
		if b.Created.Sub(other.At) < claimTimeout {
			return other, bs.nameTaken(b.Name)
		}
		return c, nil
	})
	return err
}

// named finds the broker of a name. fault.NotFound when there is none.
func (bs *Brokers) named(ctx context.Context, account, region, name string) (Broker, error) {
	c, err := bs.names.Find(ctx, account+"/"+region+"/"+name)
	if err != nil {
		return Broker{}, err
	}
	return bs.table.Find(ctx, account+"/"+region+"/"+c.ID)
}

// Get finds a broker of an account in a region.
func (bs *Brokers) Get(ctx context.Context, account, region, id string) (Broker, error) {
	if !isID(id, "b-") {
		return Broker{}, noBroker(id)
	}
	b, err := bs.table.Find(ctx, account+"/"+region+"/"+id)
	if errors.Is(err, fault.NotFound) {
		err = noBroker(id)
	}
	return b, err
}

// List returns the brokers of an account in a region, by name.
func (bs *Brokers) List(account, region string) []Broker {
	all := bs.table.List(account + "/" + region + "/")
	slices.SortFunc(all, func(a, b Broker) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// All returns the brokers of all accounts and regions.
func (bs *Brokers) All() []Broker { return bs.table.List("") }

// find finds a broker of any account.
func (bs *Brokers) find(id string) (Broker, error) {
	for _, b := range bs.All() {
		if b.ID == id {
			return b, nil
		}
	}
	return Broker{}, noBroker(id)
}

// change writes a record and has its worker see it.
func (bs *Brokers) change(ctx context.Context, key string, change func(*Broker) error) (Broker, error) {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	b, err := bs.table.Update(ctx, key, func(b Broker) (Broker, error) {
		waited := b.waits()
		if err := change(&b); err != nil {
			return b, err
		}
		if !waited && b.waits() {
			b.Waiting = time.Now().UTC()
		}
		return b, nil
	})
	if err != nil {
		return b, err
	}
	bs.set.SyncLocked(key, nil)
	bs.written.told(key)
	return b, nil
}

// changeOf is change for a broker that a request names.
func (bs *Brokers) changeOf(ctx context.Context, b Broker, f func(*Broker) error) (Broker, error) {
	after, err := bs.change(ctx, b.key(), f)
	var r *Refusal
	if errors.Is(err, fault.NotFound) && !errors.As(err, &r) {
		err = noBroker(b.ID)
	}
	return after, err
}
