package jetobject

import (
	"context"
	"crypto/cipher"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"millrace/runtime/capacity"
	"millrace/runtime/delivery"
	"millrace/runtime/lifecycle"
	"millrace/runtime/object/blob"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/cluster"
	"millrace/runtime/store/keys"
	"millrace/runtime/store/loss"
	"millrace/runtime/store/record"
	"millrace/runtime/store/streams"
)

// A Config is what buckets stand on. Backbone, Records, Keys and Blobs are required, and have
// to run from before the Start until after the Stop.
type Config struct {
	Backbone *backbone.Backbone
	Records  *record.Store
	Keys     Keyring
	Blobs    blob.Store
	Log      *slog.Logger     // nil for none
	Now      func() time.Time // the wall clock; nil for the process's

	// Outbox takes the notifications of buckets; nil leaves them where they are.
	Outbox Outbox
	// Resolve finds the destinations of notifications; nil finds none, and leaves it to the
	// Outbox to do so.
	Resolve delivery.Resolver

	// Cluster has the runtimes that share the buckets; another part starts it before, and
	// stops it after. nil for a single runtime.
	Cluster *cluster.Cluster

	// Gate is asked before anything is stored that takes room; nil admits all.
	Gate capacity.Gate
	// AdmitWrite is asked before a stream is made and before entries are published, with
	// the time since the last write to the log, and about how many bytes JetStream will
	// need in memory. nil admits all.
	AdmitWrite func(rested time.Duration, bytes int) error
	// VerifyStored is called after JetStream has acknowledged an entry. An error says that
	// the next start would not find it, and goes to its callers. nil for an external
	// server.
	VerifyStored func() error

	// OnLoss gets what is missing, before it is served without; an error puts that off.
	// nil logs it.
	OnLoss func(loss.Loss) error
	// TruncatedStreams are streams whose end was found truncated, by their names, see IsLog.
	// Those of buckets are looked at by Start, and reported as losses.
	TruncatedStreams map[string]bool

	// Dir is the folder of snapshots and checkpoints, beside a server that only this process
	// writes to; "" for none: then each log is read whole, and the loss of its end goes
	// unnoticed.
	Dir string

	// CacheBytes is how many bytes of short contents are kept in memory; 0 means 64 MiB.
	CacheBytes int64
	// ConcurrentReads is how many logs are read at the same time; 0 means 8.
	ConcurrentReads int
}

const (
	defaultCache           = 64 << 20
	defaultConcurrentReads = 8
)

// A Keyring makes and unwraps the data keys that contents are encrypted with; *keys.Ring is
// one.
type Keyring interface {
	// DataKey makes a data key under a KMS key, or under the root key for "".
	DataKey(keyID, account, region string) (keys.DataKey, error)
	// Unwrap decrypts a wrapped data key.
	Unwrap(wrapped []byte) (cipher.AEAD, error)
}

// An Outbox takes events for targets; *delivery.Outbox is one.
type Outbox interface {
	Put(ctx context.Context, to string, e delivery.Event, p delivery.Policy) error
}

// Buckets are the buckets of a runtime. Any number of goroutines may use them.
type Buckets struct {
	config   Config // as New has completed it
	table    *record.Table[bucketRecord]
	storage  streams.StorageCheck
	contents *contentCache
	readers  chan struct{} // limits how many logs are read at the same time
	life     lifecycle.Once
	running  atomic.Pointer[lifecycle.Run] // from the Start on; nil again when nothing is under way anymore

	checkpoints *checkpoints // set by Start

	adminMu sync.Mutex // held while buckets are created and deleted

	mu      sync.RWMutex
	buckets map[string]*Bucket // by name
}

// New makes the buckets of a runtime, for Start to open.
func New(c Config) *Buckets {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.CacheBytes == 0 {
		c.CacheBytes = defaultCache
	}
	if c.ConcurrentReads == 0 {
		c.ConcurrentReads = defaultConcurrentReads
	}
	if c.Resolve == nil {
		c.Resolve = delivery.Resolvers{}.Resolve
	}
	if c.AdmitWrite == nil {
		c.AdmitWrite = func(time.Duration, int) error { return nil }
	}
	if c.OnLoss == nil {
		c.OnLoss = func(l loss.Loss) error {
			c.Log.Warn("a bucket has lost data", "name", l.Name, "what", l.What, "entries", l.Entries)
			return nil
		}
	}
	bs := &Buckets{
		config: c, table: record.NewTable[bucketRecord](c.Records, "bucket"),
		contents: newContentCache(c.CacheBytes), readers: make(chan struct{}, c.ConcurrentReads), buckets: map[string]*Bucket{},
	}
	bs.storage.Verify = c.VerifyStored
	return bs
}

func (bs *Buckets) lookup(name string) *Bucket {
	bs.mu.RLock()
	defer bs.mu.RUnlock()
	return bs.buckets[name]
}

// all are the buckets, in no order.
func (bs *Buckets) all() []*Bucket {
	bs.mu.RLock()
	defer bs.mu.RUnlock()
	return slices.Collect(maps.Values(bs.buckets))
}

// add makes the bucket of a record, unless it is there.
func (bs *Buckets) add(r bucketRecord) *Bucket {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	if there := bs.buckets[r.ID.Name]; there != nil && there.generation == r.Generation {
		return there
	}
	b := bs.newBucket(r)
	bs.buckets[r.ID.Name] = b
	return b
}

// drop forgets a bucket that is deleted.
func (bs *Buckets) drop(b *Bucket) {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	if name := b.ID().Name; bs.buckets[name] == b {
		delete(bs.buckets, name)
	}
}
