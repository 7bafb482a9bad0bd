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
	"millrace/runtime/queue"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/cluster"
	"millrace/runtime/store/loss"
	"millrace/runtime/store/record"
)

// Options tune Open. The zero Options are ready to use.
type Options struct {
	Log        *slog.Logger // nil for none
	BodyBudget int64        // bytes of message contents kept in memory; 0 means 64 MiB
	Keys       Keyring      // what is stored is encrypted with them; nil for not at all

	// Cluster is the nodes that share the queues: Open joins it, Close leaves it.
	// nil for a runtime by itself.
	Cluster *cluster.Cluster

	// WallClock is the wall clock; nil for the process's. No rule depends on it while a
	// queue is open, only what clients are told.
	WallClock func() time.Time

	KeepForever bool // no message leaves for its age, whatever its queue's Retention

	// Gate is asked before a queue is made and before messages are sent; nil admits all.
	Gate capacity.Gate
	// MoveLimit is asked before messages move from one queue to another: for a moment they
	// are in both. nil admits all.
	MoveLimit capacity.Limit

	// VerifyStored is asked after each entry that JetStream has acknowledged: an error says
	// that the next start will not find it, and is what its callers get. nil for a
	// server whose files are not ours.
	VerifyStored func() error

	// AdmitWrite is asked before a stream is made, and once for all that waits to be
	// written to a log, if it can be refused. It is told how long the log has not been
	// written to, and about how many bytes JetStream will take for it in memory:
	// it opens the log's file again after 30 seconds (closeFDsIdle, nats-server 2.15.2),
	// and reads its last block, which may have 8 MiB, after ten (CacheExpire). nil
	// allows everything.
	AdmitWrite func(rested time.Duration, bytes int) error

	// ConcurrentReads is how many logs are read at the same time, with up to 10 MiB each; 0 means 8.
	ConcurrentReads int
	// ReadAheadBytes is how many bytes of contents are read back at once, and kept until they
	// are asked for, for each queue; 0 means 1 MiB.
	ReadAheadBytes int

	// CheckpointFile is the file that keeps what each log was known to hold; "" for none:
	// then it is not noticed when the end of a log is lost. It needs a server that
	// nobody else writes to.
	CheckpointFile string
	// IntactRange tells what entries the files of a stream hold, when they are whole and without
	// gaps. A queue whose mark says the same is opened when it is first used. nil has
	// all of them opened at once.
	IntactRange func(stream string) (first, last uint64, ok bool)
	// IdleTimeout closes a queue that was not used for so long, until it is used again; 0 for
	// never. Those with much in their logs stay open.
	IdleTimeout time.Duration
	// TruncatedStreams are streams whose end was found cut short. Without a mark that counts as
	// a loss.
	TruncatedStreams map[string]bool
	// OnLoss takes what was found missing; nil logs it. What it returns an error
	// for is found again.
	OnLoss func(loss.Loss) error
	// Strict has Open fail when anything is missing, and change nothing.
	Strict bool
}

const (
	defaultBudget = 64 << 20
	defaultLoads  = 8
)

// Queues are all queues of a runtime.
type Queues struct {
	store    *backbone.Backbone
	conn     *nats.Conn
	js       jetstream.JetStream
	table    *record.Table[row]
	log      *slog.Logger
	budget   *queue.Budget
	keys     Keyring
	maxEntry int
	peers    *peers // nil for a runtime by itself
	forever  bool
	wall     func() time.Time // nil for the process's
	gate     capacity.Gate
	moves    capacity.Limit
	intact   intact
	write    func(rested time.Duration, bytes int) error
	loads    chan struct{} // has room for one who may read a log
	pages    int
	marks    *marks
	whole    func(stream string) (first, last uint64, ok bool)
	opened   time.Time // and what the wall clock said then
	wallThen time.Time
	torn     map[string]bool
	lost     func(loss.Loss) error

	admin     sync.Mutex // held while queues are created and deleted
	following sync.Mutex // held while what another node did is taken in

	mu     sync.RWMutex // guards queues and closed
	queues map[queue.ID]*Queue
	closed bool

	owners sync.WaitGroup // a goroutine for each queue that is used
	ending chan struct{}  // closed when nobody needs to look who rests
	looks  sync.WaitGroup // of those who do

	squeezed atomic.Int64 // when squeeze last did something: seconds of the epoch
}

// squeezeAgain is how often, in seconds, queues are asked for the room they do not need.
const squeezeAgain = 10

// squeeze has the owner of each queue look whether its log has room to give back
// that is not worth it while nothing is tight. It is called when a send is refused.
func (qs *Queues) squeeze() {
	now, last := time.Now().Unix(), qs.squeezed.Load()
	if max(now-last, last-now) < squeezeAgain || !qs.squeezed.CompareAndSwap(last, now) {
		return
	}
	for _, q := range qs.All() {
		if q.running() { // what rests has nothing that is worth it
			q.internal(0, func(*queue.Machine) {})
		}
	}
}

// lose is what Options.Lost is without one.
func (o *Options) lose(l loss.Loss) error {
	o.Log.Warn("a queue was damaged", "queue", l.Name, "what", l.What, "entries", l.Entries, "numbers", l.Numbers)
	return nil
}

// wallAt is what the wall clock says at a moment of the process, which is now.
func (qs *Queues) wallAt(now time.Time) time.Time {
	if qs.wall == nil {
		return now
	}
	return qs.wall()
}

// wallSince is what the wall clock would say now, had nobody set it since the queues were
// opened: how long a log was closed that is read only now. For a new one, and one
// that may come from another node, it is what it says.
func (qs *Queues) wallSince(last uint64, now time.Time) time.Time {
	if qs.peers != nil || last == 0 {
		return qs.wallAt(now)
	}
	return qs.wallThen.Add(now.Sub(qs.opened))
}

// A row is the record of a queue.
type row struct {
	ID     queue.ID
	Source uint64 // this incarnation of the name: its stream, and its dead letters
	Key    []byte // of its receipt handles
	Config queue.Config
}

func key(id queue.ID) string { return id.Account + "/" + id.Region + "/" + id.Name }

func incarnation(source uint64) string { return fmt.Sprintf("%016x", source) }

// entrySlack is what an entry may have beside its commands' own records:
// headers, dead letters on their way, the counters.
const entrySlack = 256 << 10

// Open finds the queues that the records know. Each reads its log by itself, once it
// is used or has something to do; commands wait for that. What is missing is reported
// to Options.Lost, and what there is, is served.
func Open(ctx context.Context, b *backbone.Backbone, records *record.Store, o Options) (_ *Queues, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.BodyBudget == 0 {
		o.BodyBudget = defaultBudget
	}
	if o.ReadAheadBytes == 0 {
		o.ReadAheadBytes = readBytes
	}
	if o.ConcurrentReads == 0 {
		o.ConcurrentReads = defaultLoads
	}
	if o.MoveLimit == nil {
		o.MoveLimit = capacity.Gate(nil)
	}
	qs := &Queues{
		store: b, conn: b.Conn(), js: b.JetStream(), table: record.NewTable[row](records, "queue").KeepMarkers(), log: o.Log,
		budget: queue.NewBudget(o.BodyBudget), keys: o.Keys, forever: o.KeepForever, gate: o.Gate, moves: o.MoveLimit, maxEntry: int(b.Conn().MaxPayload()) - entrySlack, queues: map[queue.ID]*Queue{},
		whole: o.IntactRange, torn: o.TruncatedStreams, intact: intact{ask: o.VerifyStored}, wall: o.WallClock, write: o.AdmitWrite, loads: make(chan struct{}, o.ConcurrentReads), pages: o.ReadAheadBytes,
	}
	qs.opened, qs.ending = time.Now(), make(chan struct{})
	qs.wallThen = qs.wallAt(qs.opened)
	if qs.write == nil {
		qs.write = func(time.Duration, int) error { return nil }
	}
	if o.Cluster != nil {
		qs.peers = &peers{set: qs, conn: qs.conn, cluster: o.Cluster, running: map[string]running{}}
		qs.table.Watch(qs.follow) // before the first look, so that nothing is missed in between
	}
	if qs.lost = o.OnLoss; qs.lost == nil {
		qs.lost = o.lose
	}
	if o.CheckpointFile != "" {
		if qs.marks, err = openMarks(o.CheckpointFile); err != nil {
			return nil, err
		}
		defer func() {
			if err != nil {
				err = errors.Join(err, qs.marks.close())
			}
		}()
	}
	rows, err := qs.match(ctx, o.Strict)
	if err != nil {
		return nil, err
	}
	there := map[uint64]bool{}
	for _, r := range rows {
		there[r.Source] = true
	}
	var all []*Queue
	for _, r := range rows {
		q, err := qs.newQueue(r)
		if err != nil {
			return nil, err
		}
		qs.mu.Lock()
		if qs.put(q) == q {
			all = append(all, q)
		}
		qs.mu.Unlock()
	}
	if o.Strict {
		if err := qs.check(ctx); err != nil {
			return nil, err
		}
	}
	qs.marks.keep(func(source uint64) bool { return there[source] })
	for _, q := range all { // all are known before the first moves a dead letter
		if !qs.rests(q) {
			q.start()
		}
	}
	if o.IdleTimeout > 0 && qs.peers == nil {
		qs.looks.Go(func() { qs.restAll(o.IdleTimeout) })
	}
	if qs.peers != nil {
		if err := qs.peers.open(ctx); err != nil {
			return nil, errors.Join(err, qs.Close(context.WithoutCancel(ctx)))
		}
	}
	return qs, nil
}

func (qs *Queues) newQueue(r row) (*Queue, error) {
	h, err := queue.NewHandleCodec(r.Key)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the record of queue %s", r.ID.Name)
	}
	q := &Queue{id: r.ID, set: qs, source: r.Source, handles: h, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	q.away = qs.peers != nil // until it is settled
	q.reader = qs.newLog(r.Source)
	q.safe = safe{ring: qs.keys, id: r.ID}
	q.config.Store(&r.Config)
	q.ctx, q.cancel = context.WithCancel(context.Background())
	return q, nil
}

// Create makes a queue: fault.Exists when there is one of this name.
func (qs *Queues) Create(ctx context.Context, id queue.ID, c queue.Config) (*Queue, error) {
	qs.admin.Lock()
	defer qs.admin.Unlock()
	if err := qs.open(); err != nil {
		return nil, err
	}
	if qs.has(id) {
		return nil, fault.New(fault.Exists, "queue %s exists already", id.Name)
	}
	if err := qs.gate.Admit(0); err != nil {
		return nil, err
	}
	if err := qs.write(never, 0); err != nil {
		return nil, err
	}
	r := row{ID: id, Source: newSource(), Key: make([]byte, 16), Config: c}
	rand.Read(r.Key)
	q, err := qs.newQueue(r)
	if err != nil {
		return nil, err
	}
	if _, err := qs.makeStream(ctx, r); err != nil {
		return nil, err
	}
	if err := qs.record(ctx, r); err != nil {
		return nil, err
	}
	return qs.add(q)
}

// record stores the record of a new queue, or takes its stream back. One that
// may be stored or not keeps its stream: the next start decides.
func (qs *Queues) record(ctx context.Context, r row) error {
	err := qs.table.Create(ctx, key(r.ID), r)
	if err == nil {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	if !errors.Is(err, fault.Exists) {
		if e := qs.table.Refresh(ctx, key(r.ID)); e != nil && !errors.Is(e, fault.NotFound) {
			return errors.Join(err, e)
		}
		if there, ok := qs.table.Get(key(r.ID)); ok && there.Source == r.Source {
			return nil
		}
	}
	if e := qs.js.DeleteStream(ctx, streamPrefix+incarnation(r.Source)); e != nil {
		err = errors.Join(err, e) // it is removed at the next start
	}
	return err
}

// add takes a queue in and runs it. When the mirror of the records has brought it
// already it returns that one.
func (qs *Queues) add(q *Queue) (*Queue, error) {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	if qs.closed {
		return nil, errClosed
	}
	there := qs.put(q)
	if there == q {
		q.start()
		if qs.peers != nil {
			q.settle(qs.peers.cluster.View())
		}
	}
	return there, nil
}

// put is add without running it. It is called with mu held.
func (qs *Queues) put(q *Queue) *Queue {
	if there := qs.queues[q.id]; there != nil && there.source == q.source {
		return there
	}
	qs.queues[q.id] = q
	return q
}

func newSource() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.BigEndian.Uint64(b[:])>>1 | 1 // never 0
}

func (qs *Queues) open() error {
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
	if q := qs.here(id); q != nil {
		return q, nil
	}
	if qs.peers != nil { // another node may have made it a moment ago
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		return qs.look(ctx, id)
	}
	return nil, notFound(id)
}

// here is a queue that is known here; nil when there is none.
func (qs *Queues) here(id queue.ID) *Queue {
	qs.mu.RLock()
	defer qs.mu.RUnlock()
	return qs.queues[id]
}

func notFound(id queue.ID) error { return fault.New(fault.NotFound, "no queue %s", id.Name) }

func (qs *Queues) has(id queue.ID) bool { return qs.here(id) != nil }

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

// Delete removes a queue and its messages: fault.NotFound when there is none,
// also for those who wait at it.
func (qs *Queues) Delete(ctx context.Context, id queue.ID) error {
	qs.admin.Lock()
	defer qs.admin.Unlock()
	q, err := qs.Get(id)
	if err != nil {
		return err
	}
	if err := qs.table.Delete(ctx, key(id)); err != nil {
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
	qs.marks.forget(q.source)
	// A stream that stays behind is removed at the next start.
	err = qs.js.DeleteStream(ctx, streamPrefix+incarnation(q.source))
	if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return fault.Wrap(fault.Unavailable, err, "removing the stream of queue %s", id.Name)
	}
	return qs.table.Forget(ctx, key(id))
}

// Reset removes all queues of all accounts.
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

// Close ends the work on all queues. Commands under way are answered, waiting
// receives get fault.Unavailable.
func (qs *Queues) Close(ctx context.Context) error {
	qs.admin.Lock()
	defer qs.admin.Unlock()
	qs.mu.Lock()
	if !qs.closed {
		close(qs.ending)
	}
	qs.closed = true
	all := make([]*Queue, 0, len(qs.queues))
	for _, q := range qs.queues {
		all = append(all, q)
	}
	qs.mu.Unlock()
	qs.looks.Wait()
	var wg sync.WaitGroup
	errs := make([]error, len(all))
	for i, q := range all {
		wg.Go(func() { errs[i] = q.close(ctx, errClosed) })
	}
	wg.Wait()
	if qs.peers != nil { // the others take over what has been let go of
		errs = append(errs, qs.peers.close(ctx))
	}
	if err := errors.Join(errs...); err != nil {
		return err // who still runs may still write marks
	}
	qs.owners.Wait()
	return qs.marks.close()
}
