package jetqueue

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/capacity"
	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
	"millrace/runtime/queue"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/cluster"
	"millrace/runtime/store/loss"
	"millrace/runtime/store/record"
	"millrace/runtime/store/streams"
)

// Options tune New. The zero Options are ready to use.
type Options struct {
	Log        *slog.Logger // nil for none
	BodyBudget int64        // bytes of message contents kept in memory; 0 means 64 MiB
	Keys       Keyring      // encrypt what is stored; nil stores all contents in clear

	// Cluster has the nodes that share the queues: Start joins it, Stop leaves it.
	// nil for a single runtime.
	Cluster *cluster.Cluster

	// WallClock is the wall clock; nil for the process's. While a queue is open,
	// only the times that clients see depend on it.
	WallClock func() time.Time

	KeepForever bool // no message expires, whatever its queue's Retention

	// Finish completes the bodies of messages that were sent unfinished (see
	// queue.Message), each time they are received or looked at: in the goroutines of
	// receivers, of several at once. It keeps the length of a body, since sizes were
	// checked when it was sent, and should always return the same for it. nil hands
	// out such bodies as they are, and so does a panic.
	Finish func(body string) string

	// Gate is asked before a queue is created and before messages are sent; nil
	// admits all.
	Gate capacity.Gate
	// MoveLimit is asked before messages move from one queue to another, since they
	// are in both for a moment. nil admits all.
	MoveLimit capacity.Limit

	// VerifyStored is called after JetStream acknowledged an entry. An error says
	// that the next start would not find the entry, and goes to its callers. nil for
	// an external server.
	VerifyStored func() error

	// AdmitWrite is asked before a stream is created, and once for each batch of
	// commands that write, if they can be refused. It gets the time since the last
	// write to the log, and about how many bytes JetStream will need in memory for
	// this one: after 30 seconds JetStream has closed the log's file (closeFDsIdle,
	// nats-server 2.15.2), and after ten it has dropped the last block, of up to 8
	// MiB, which it then reads again (CacheExpire). nil admits all.
	AdmitWrite func(rested time.Duration, bytes int) error

	// ConcurrentReads is how many logs are read at the same time, with up to 10 MiB
	// each; 0 means 8.
	ConcurrentReads int
	// ReadAheadBytes is how many bytes of contents a queue reads back at once, and
	// keeps until they are asked for; 0 means 1 MiB.
	ReadAheadBytes int

	// CheckpointFile is the path of the file of checkpoints, which say what each log
	// held; "" for none: then the loss of a log's end goes unnoticed. It needs a
	// server that only this process writes to.
	CheckpointFile string
	// IntactRange returns which entries the files of a stream hold; ok is false when
	// they are damaged or have gaps. A queue whose checkpoint agrees is opened at
	// its first use. With nil all queues are opened at the start.
	IntactRange func(stream string) (first, last uint64, ok bool)
	// IdleTimeout closes a queue that was not used for so long, until its next use;
	// 0 for never. Queues with large logs stay open.
	IdleTimeout time.Duration
	// TruncatedStreams are streams whose end was found truncated. That is reported
	// as a loss if the queue has no checkpoint.
	TruncatedStreams map[string]bool
	// OnLoss is called with each loss; nil logs it. A loss for which it returns an
	// error is found again later.
	OnLoss func(loss.Loss) error
	// Strict has Start fail when anything is missing, and change nothing.
	Strict bool
}

const (
	defaultBudget          = 64 << 20
	defaultConcurrentReads = 8
)

// Queues are all queues of a runtime.
type Queues struct {
	store          *backbone.Backbone
	conn           *nats.Conn
	js             jetstream.JetStream
	table          *record.Table[queueRecord]
	log            *slog.Logger
	budget         *queue.Budget
	keys           Keyring
	maxEntry       int
	router         *router // nil for a single runtime
	keepForever    bool
	finish         func(string) string // nil for none
	wallClock      func() time.Time    // nil for the process's
	gate           capacity.Gate
	moveLimit      capacity.Limit
	storage        streams.StorageCheck
	admitWrite     func(rested time.Duration, bytes int) error
	readSlots      chan struct{} // limits how many logs are read at the same time
	readAheadBytes int
	checkpoints    *checkpointFile
	intactRange    func(stream string) (first, last uint64, ok bool)
	options        Options   // for Start
	openedAt       time.Time // by the process's clock
	wallAtOpen     time.Time
	truncated      map[string]bool
	onLoss         func(loss.Loss) error

	adminMu  sync.Mutex // held while queues are created and deleted
	recordMu sync.Mutex // held while a record that another node changed is applied

	mu     sync.RWMutex // guards queues and closed
	queues map[queue.ID]*Queue
	closed bool // before Start too

	life    lifecycle.StartStop
	started atomic.Bool
	run     *lifecycle.Run // set by Start

	lastReclaim atomic.Int64 // the last reclaimSpace, in Unix seconds
}

// reclaimInterval is the shortest time between two reclaimSpace, in seconds.
const reclaimInterval = 10

// reclaimSpace has each owner check whether it can trim or compact its log, by the
// lower limits of a full store. It is called when a send is refused.
func (qs *Queues) reclaimSpace() {
	now, last := time.Now().Unix(), qs.lastReclaim.Load()
	if max(now-last, last-now) < reclaimInterval || !qs.lastReclaim.CompareAndSwap(last, now) {
		return
	}
	for _, q := range qs.All() {
		if q.isRunning() { // an idle queue's log is too small
			q.enqueueInternal(0, func(*queue.Machine) {})
		}
	}
}

// logLoss is the default for Options.OnLoss.
func (o *Options) logLoss(l loss.Loss) error {
	o.Log.Warn("a queue has lost data", "queue", l.Name, "what", l.What, "entries", l.Entries, "numbers", l.Numbers)
	return nil
}

// wallAt is what the wall clock says; now is the present time of the process.
func (qs *Queues) wallAt(now time.Time) time.Time {
	if qs.wallClock == nil {
		return now
	}
	return qs.wallClock()
}

// wallSince is what the wall clock would say now, had no one set it since the queues
// were opened: it is for a log that is read long after that. For a new log, and for
// one that another node may have written, it is what the wall clock says.
func (qs *Queues) wallSince(last uint64, now time.Time) time.Time {
	if qs.router != nil || last == 0 {
		return qs.wallAt(now)
	}
	return qs.wallAtOpen.Add(now.Sub(qs.openedAt))
}

// A queueRecord is what is stored of a queue beside its log.
type queueRecord struct {
	ID         queue.ID
	Generation uint64 `json:"Source"` // tells queues of one name apart; in the name of the stream
	Key        []byte // of its receipt handles, 16 bytes
	Config     queue.Config
}

func recordKey(id queue.ID) string { return id.Account + "/" + id.Region + "/" + id.Name }

func generationName(generation uint64) string { return fmt.Sprintf("%016x", generation) }

// entryOverhead is what an entry may hold beside the records of its commands:
// headers, dead letters, counters, in bytes.
const entryOverhead = 256 << 10

func (qs *Queues) newQueue(r queueRecord) (*Queue, error) {
	h, err := queue.NewHandleCodec(r.Key)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the record of queue %s", r.ID.Name)
	}
	q := &Queue{id: r.ID, queues: qs, generation: r.Generation, handles: h, wake: make(chan struct{}, 1), stopped: make(chan struct{})}
	q.isElsewhere = qs.router != nil // until updateOwnership
	q.reader = qs.newLog(r.Generation)
	q.dataKeys = dataKeyCache{ring: qs.keys, id: r.ID}
	q.config.Store(&r.Config)
	q.ctx, q.cancel = context.WithCancel(qs.run.Work())
	return q, nil
}

// Create creates a queue: fault.Exists when there is one of this name.
func (qs *Queues) Create(ctx context.Context, id queue.ID, c queue.Config) (*Queue, error) {
	qs.adminMu.Lock()
	defer qs.adminMu.Unlock()
	if err := qs.checkOpen(); err != nil {
		return nil, err
	}
	if qs.has(id) {
		return nil, fault.New(fault.Exists, "queue %s exists already", id.Name)
	}
	if err := qs.gate.Admit(0); err != nil {
		return nil, err
	}
	if err := qs.admitWrite(neverWritten, 0); err != nil {
		return nil, err
	}
	r := queueRecord{ID: id, Generation: newGeneration(), Key: make([]byte, 16), Config: c}
	rand.Read(r.Key)
	q, err := qs.newQueue(r)
	if err != nil {
		return nil, err
	}
	if _, err := qs.createStream(ctx, r); err != nil {
		return nil, err
	}
	if err := qs.createRecord(ctx, r); err != nil {
		return nil, err
	}
	return qs.addAndStart(q)
}

// createRecord stores the record of a new queue. When that fails it deletes the
// stream, unless the record may be stored all the same: then the next start decides.
func (qs *Queues) createRecord(ctx context.Context, r queueRecord) error {
	err := qs.table.Create(ctx, recordKey(r.ID), r)
	if err == nil {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	if !errors.Is(err, fault.Exists) {
		if e := qs.table.Refresh(ctx, recordKey(r.ID)); e != nil && !errors.Is(e, fault.NotFound) {
			return errors.Join(err, e)
		}
		if there, ok := qs.table.Get(recordKey(r.ID)); ok && there.Generation == r.Generation {
			return nil
		}
	}
	if e := qs.js.DeleteStream(ctx, streamPrefix+generationName(r.Generation)); e != nil {
		err = errors.Join(err, e) // the next start removes it
	}
	return err
}

// addAndStart adds a queue and starts it. When the records' mirror has added it
// already, it returns that one.
func (qs *Queues) addAndStart(q *Queue) (*Queue, error) {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	if qs.closed {
		return nil, errClosed
	}
	there := qs.addLocked(q)
	if there == q {
		q.start()
		if qs.router != nil {
			q.updateOwnership(qs.router.cluster.View())
		}
	}
	return there, nil
}

// addLocked is addAndStart without the start. It is called with mu held.
func (qs *Queues) addLocked(q *Queue) *Queue {
	if there := qs.queues[q.id]; there != nil && there.generation == q.generation {
		return there
	}
	qs.queues[q.id] = q
	return q
}

func newGeneration() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.BigEndian.Uint64(b[:])>>1 | 1 // never 0
}

func (qs *Queues) checkOpen() error {
	qs.mu.RLock()
	defer qs.mu.RUnlock()
	if qs.closed {
		return errClosed
	}
	return nil
}

var errClosed = fault.New(fault.Unavailable, "the queues are closed")

// Get finds a queue: fault.NotFound when there is none.
func (qs *Queues) Get(id queue.ID) (*Queue, error) {
	if q := qs.lookup(id); q != nil {
		return q, nil
	}
	if qs.router != nil { // another node may just have created it
		ctx, cancel := context.WithTimeout(context.Background(), findOwnerTimeout)
		defer cancel()
		return qs.refresh(ctx, id)
	}
	return nil, notFound(id)
}

// lookup returns a queue that this node knows; nil when there is none.
func (qs *Queues) lookup(id queue.ID) *Queue {
	qs.mu.RLock()
	defer qs.mu.RUnlock()
	return qs.queues[id]
}

func notFound(id queue.ID) error { return fault.New(fault.NotFound, "no queue %s", id.Name) }

func (qs *Queues) has(id queue.ID) bool { return qs.lookup(id) != nil }

// List returns the queues of an account in a region whose names start with
// prefix, by name.
func (qs *Queues) List(account, region, prefix string) []queue.ID {
	qs.mu.RLock()
	defer qs.mu.RUnlock()
	var ids []queue.ID
	for id := range qs.queues {
		if id.Account == account && id.Region == region && strings.HasPrefix(id.Name, prefix) {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b queue.ID) int { return strings.Compare(a.Name, b.Name) })
	return ids
}

// All returns every queue of every account, in no order.
func (qs *Queues) All() []*Queue {
	qs.mu.RLock()
	defer qs.mu.RUnlock()
	return slices.Collect(maps.Values(qs.queues))
}

// Delete deletes a queue and its messages: fault.NotFound when there is none.
// Receives that wait at the queue get fault.NotFound too.
func (qs *Queues) Delete(ctx context.Context, id queue.ID) error {
	qs.adminMu.Lock()
	defer qs.adminMu.Unlock()
	q, err := qs.Get(id)
	if err != nil {
		return err
	}
	if err := qs.table.Delete(ctx, recordKey(id)); err != nil {
		return err
	}
	qs.mu.Lock()
	if qs.queues[id] == q {
		delete(qs.queues, id)
	}
	qs.mu.Unlock()
	if err := q.close(ctx, notFound(id)); err != nil {
		return err
	}
	qs.checkpoints.remove(q.generation)
	// The next start removes a stream that stays behind.
	err = qs.js.DeleteStream(ctx, streamPrefix+generationName(q.generation))
	if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return fault.Wrap(fault.Unavailable, err, "removing the stream of queue %s", id.Name)
	}
	return qs.table.Forget(ctx, recordKey(id))
}

// Reset deletes all queues of all accounts.
func (qs *Queues) Reset(ctx context.Context) error {
	qs.mu.RLock()
	var ids []queue.ID
	for id := range qs.queues {
		ids = append(ids, id)
	}
	qs.mu.RUnlock()
	for _, id := range ids {
		if err := qs.Delete(ctx, id); err != nil && !errors.Is(err, fault.NotFound) {
			return err
		}
	}
	return nil
}
