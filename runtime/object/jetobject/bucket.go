package jetobject

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/object"
	"millrace/runtime/object/notify"
)

// A Bucket is one bucket of one name until it is deleted. It costs little until it is used;
// then its index is in memory.
type Bucket struct {
	buckets    *Buckets
	generation uint64
	secret     [16]byte
	ids        *object.Machine // an empty one, which knows the version ids
	stream     stream
	record     atomic.Pointer[compiledRecord]

	lead       lead
	publisher  publisher // of the leader, as the next two
	written    time.Time // when the last entry was stored
	checkpoint *slot     // nil for none

	mu    sync.RWMutex // held by the leader for a change, and by readers
	state state        // written by the leader alone

	removed atomic.Bool // it is deleted, and its log is gone or going

	blobs    blobs
	fresh    freshness
	handover handover
	upkeep   upkeep
}

// A compiledRecord is a bucket's record, and what follows from it. It is not changed.
type compiledRecord struct {
	bucketRecord
	matcher *notify.Matcher
}

// A state is what is known of a bucket's log.
type state struct {
	machine *object.Machine // nil before the log was read
	last    uint64          // the last entry that the machine has
	exists  bool            // there is a stream
	stale   bool            // something may be stored that the machine does not have
	session context.Context // of the store: what is known was read in it
}

func (bs *Buckets) newBucket(r bucketRecord) *Bucket {
	name := generationName(r.Generation)
	timeout, shared := responseTimeout, false
	if bs.config.Cluster != nil {
		timeout, shared = clusterResponseTimeout, true
	}
	b := &Bucket{
		buckets: bs, generation: r.Generation,
		stream: stream{store: bs.config.Backbone, name: streamPrefix + name, subject: subjectPrefix + name, timeout: timeout, shared: shared},
	}
	copy(b.secret[:], r.Secret)
	b.ids = object.New(b.secret)
	b.publisher = newPublisher(&b.stream)
	b.blobs.init(bs.config.Blobs, name)
	b.setRecord(r)
	return b
}

func (b *Bucket) setRecord(r bucketRecord) {
	b.record.Store(&compiledRecord{r, notify.Compile(r.Settings.Notifications)})
}

// ID names the bucket.
func (b *Bucket) ID() object.ID { return b.record.Load().ID }

// Info is what is known of the bucket without looking into it.
func (b *Bucket) Info() Info { return b.record.Load().info() }

// Update replaces the settings by what change makes of them; its error is returned as it is,
// and nothing changes then. It may be called more than once. fault.NotFound when the bucket is
// deleted.
func (b *Bucket) Update(ctx context.Context, change func(*object.Settings) error) error {
	r, err := b.buckets.table.Update(ctx, b.ID().Name, func(r bucketRecord) (bucketRecord, error) {
		if r.Generation != b.generation {
			return r, b.gone()
		}
		return r, change(&r.Settings)
	})
	if errors.Is(err, fault.NotFound) {
		return b.gone()
	}
	if err != nil {
		return err
	}
	b.setRecord(r)
	return nil
}

func (b *Bucket) gone() error { return notFound(b.ID().Name) }

func notFound(name string) error { return fault.New(fault.NotFound, "no bucket %s", name) }

// forget has the log read again before anything else is done. It is called by the leader.
func (b *Bucket) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state = state{}
}
