// Package record stores the control plane's records: queues, functions, mappings,
// roles. They are in one JetStream key-value bucket and mirrored in memory: a read costs
// a map look-up, and a write is acknowledged only once JetStream has stored it.
//
// A [Table] is a typed view of the records of one kind. Keys are ordered texts
// of the caller's choosing; any bytes are allowed. Writes to one key are
// serialised by JetStream's revisions, also between several runtimes on one
// cluster: the mirror follows the bucket.
package record

import (
	"context"
	"errors"
	"hash/maphash"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/capacity"
	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
)

const (
	bucket = "millrace-records"
	stream = "KV_" + bucket // behind the bucket
	prefix = "$KV." + bucket + "."
)

// A Store is the bucket and its mirror, from Start to Stop. It runs once: tables keep
// what they read of the mirror.
type Store struct {
	js          jetstream.JetStream
	copies      *Copies        // nil for none
	createLimit capacity.Limit // of new records
	changeLimit capacity.Limit // of changes
	life        lifecycle.Once

	// Set by Start.
	kv            jetstream.KeyValue
	watch         jetstream.KeyWatcher // nil when nobody else writes to the bucket
	done          chan struct{}        // closed when the mirror follows it no more
	markersExpire bool                 // the bucket removes deletion markers by itself
	opened        uint64               // the highest revision when the store was started

	// Each guards some keys: held while a record of them and its copy are written or removed.
	changing [64]sync.Mutex

	mu              sync.RWMutex // guards what follows
	kinds           map[string]*kind
	highest         uint64           // revision seen
	removing        map[string]bool  // bucket keys whose deletion is under way
	marked          map[string]bool  // kinds whose deletions leave a marker
	expiringMarkers []expiringMarker // in the order of at
	sweepers        map[string]*sweeper
	run             *lifecycle.Run                // has the sweeps; nil while there are none
	watchers        map[string][]func(key string) // by kind
}

// New makes a store that is not started: it has no records. With copies, lost records
// are restored from them, and no other runtime may write to the bucket; nil for none.
func New(js jetstream.JetStream, c *Copies) *Store {
	s := &Store{js: js, copies: c, kinds: map[string]*kind{}}
	s.Guard(capacity.Gate(nil), capacity.Gate(nil))
	return s
}

// Start creates or opens the bucket and reads all of it. It implements lifecycle.Part.
func (s *Store) Start(ctx context.Context) error { return s.life.Start(ctx, s.start) }

// Stop ends the mirror. Reads still return what it had last. It implements
// lifecycle.Part.
func (s *Store) Stop(ctx context.Context) error { return s.life.Stop(ctx, "sweeps of records") }

var config = jetstream.KeyValueConfig{
	Bucket:      bucket,
	Description: "Millrace control plane",
	History:     1,
	Storage:     jetstream.FileStorage,
}

func (s *Store) start(ctx context.Context, run *lifecycle.Run) error {
	run.Cleanup(s.close)
	s.mu.Lock()
	s.run = run
	s.mu.Unlock()
	if s.copies != nil {
		return s.startCopied(ctx)
	}
	c := config
	c.LimitMarkerTTL = markerLife
	err := s.open(ctx, c)
	if errors.Is(err, jetstream.ErrLimitMarkerTTLNotSupported) {
		err = s.open(ctx, config) // a server before 2.11: deletion markers stay
	}
	if err == nil {
		run.Go(func() { s.catchUp(run.Halted()) })
	}
	return err
}

// startCopied compares the bucket with its copies, and no longer follows it: no other
// runtime writes, and the watcher's heartbeats cost something.
func (s *Store) startCopied(ctx context.Context) error {
	if err := s.open(ctx, config); err != nil {
		return err
	}
	if err := errors.Join(s.unfollow(), s.reconcile(ctx)); err != nil {
		return fault.Wrap(fault.Unavailable, err, "comparing the records with their copies")
	}
	return nil
}

// open reads the bucket into the mirror, which then follows it.
func (s *Store) open(ctx context.Context, c jetstream.KeyValueConfig) error {
	kv, err := s.js.CreateOrUpdateKeyValue(ctx, c)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "opening the record bucket")
	}
	s.kv, s.markersExpire = kv, c.LimitMarkerTTL > 0
	// The watcher outlives the context that bounds the start.
	w, err := kv.WatchAll(context.WithoutCancel(ctx))
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "reading the record bucket")
	}
	err = s.readWatched(ctx, w)
	s.opened = s.highest
	// Also when reading failed: the watcher wants its updates taken until it has stopped.
	s.watch, s.done = w, make(chan struct{})
	go s.follow(w.Updates())
	return fault.Wrap(fault.Unavailable, err, "reading the record bucket")
}

// readWatched takes in what a new watcher finds in the bucket.
func (s *Store) readWatched(ctx context.Context, w jetstream.KeyWatcher) error {
	for {
		select {
		case e, ok := <-w.Updates():
			if !ok {
				return errors.New("the bucket closed while it was read")
			}
			if e == nil { // the end of what was there
				return nil
			}
			s.apply(e)
		case <-time.After(stallTimeout):
			// A bucket whose file was damaged can count more records than it has,
			// and then the watcher waits for them for ever.
			return s.readAll(ctx)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stallTimeout is how long the watcher may deliver nothing before the bucket is read
// message by message.
const stallTimeout = 2 * time.Second

// readAll reads the bucket revision by revision.
func (s *Store) readAll(ctx context.Context) error {
	stream, err := s.js.Stream(ctx, stream)
	if err != nil {
		return err
	}
	state := stream.CachedInfo().State
	for seq := max(state.FirstSeq, 1); seq <= state.LastSeq; seq++ {
		m, err := stream.GetMsg(ctx, seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		wire := strings.TrimPrefix(m.Subject, prefix)
		s.applyRow(wire, entryRow(m.Data, seq, m.Header.Get(operationHeader)))
	}
	return nil
}

// Guard sets the limits that new records and changes must pass. Deletions are always
// allowed, and so are writes to a [Table.Unguarded]. Call it before the store is shared.
func (s *Store) Guard(created, changed capacity.Limit) {
	s.createLimit, s.changeLimit = created, changed
}

// close ends what start began, however far it came.
func (s *Store) close(context.Context) error {
	s.stopSweeps()
	err := s.unfollow()
	if s.copies != nil {
		err = errors.Join(err, s.copies.journal.compact(false))
	}
	return err
}

// unfollow stops the watcher, if there is one, and returns when the mirror follows it
// no more.
func (s *Store) unfollow() (err error) {
	if s.watch == nil {
		return nil
	}
	if err = s.watch.Stop(); errors.Is(err, nats.ErrConsumerNotFound) { // a server that was restarted has forgotten it
		err = nil
	}
	<-s.done
	s.watch = nil
	return err
}

// Reset removes every record of every kind.
func (s *Store) Reset(ctx context.Context) error { return s.RemoveUpTo(ctx, math.MaxUint64) }

// Newest is the revision of the newest record; records that are written from now on have
// higher ones.
func (s *Store) Newest() uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.highest
}

// RemoveUpTo removes every record that was not written since Newest answered a revision.
func (s *Store) RemoveUpTo(ctx context.Context, revision uint64) error {
	for wire, r := range s.all() {
		if r.revision > revision {
			continue
		}
		if err := s.remove(ctx, wire); err != nil {
			return err
		}
	}
	return nil
}

// follow mirrors what others write until the watcher has stopped.
func (s *Store) follow(updates <-chan jetstream.KeyValueEntry) {
	defer close(s.done)
	for e := range updates {
		if e != nil {
			s.apply(e)
		}
	}
}

func (s *Store) apply(e jetstream.KeyValueEntry) {
	operation := map[jetstream.KeyValueOp]string{jetstream.KeyValueDelete: deleted, jetstream.KeyValuePurge: purged}[e.Operation()]
	s.applyRow(e.Key(), entryRow(e.Value(), e.Revision(), operation))
}

// lock serialises the changes of a key.
func (s *Store) lock(wire string) (unlock func()) {
	mu := &s.changing[maphash.String(seed, wire)%uint64(len(s.changing))]
	mu.Lock()
	return mu.Unlock
}

var seed = maphash.MakeSeed()

// put replaces revision last by value; last is 0 if the key must not exist.
func (s *Store) put(ctx context.Context, wire string, value []byte, last uint64) error {
	defer s.lock(wire)()
	if err := s.intact(); err != nil {
		return err
	}
	var rev uint64
	var err error
	if last == 0 {
		rev, err = s.kv.Create(ctx, wire, value)
	} else {
		rev, err = s.kv.Update(ctx, wire, value, last)
	}
	if err == nil {
		err = s.intact()
	}
	if err != nil {
		return err
	}
	s.set(wire, rowOf(value, rev))
	s.writeCopy(wire)
	return nil
}

// maxKey bounds a key of the bucket, in bytes. Keys are parts of NATS subjects,
// and a client whose line is longer than 4,096 bytes loses its connection
// (max_control_line). Names are bounded where they come in; the longest that AWS
// allows, an IAM policy's of 128 characters, takes less than 420 bytes.
const maxKey = 1024

// wireKey escapes a key for the bucket, whose keys are made of A-Z a-z 0-9 and
// - / _ = . alone: every other byte, and "=", is written as =XX.
func wireKey(kind, key string) string {
	b := make([]byte, 0, len(kind)+1+len(key)+16)
	b = append(append(b, kind...), '/')
	for i := range len(key) {
		switch c := key[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '/':
			b = append(b, c)
		default:
			b = append(b, '=', digits[c>>4], digits[c&15])
		}
	}
	return string(b)
}

const digits = "0123456789ABCDEF"

func parseKey(wire string) (kind, key string, ok bool) {
	kind, rest, ok := strings.Cut(wire, "/")
	if !ok || !strings.Contains(rest, "=") {
		return kind, rest, ok
	}
	b := make([]byte, 0, len(rest))
	for i := 0; i < len(rest); i++ {
		if rest[i] != '=' {
			b = append(b, rest[i])
			continue
		}
		if i+2 >= len(rest) {
			return "", "", false
		}
		high, low := strings.IndexByte(digits, rest[i+1]), strings.IndexByte(digits, rest[i+2])
		if high < 0 || low < 0 {
			return "", "", false
		}
		b = append(b, byte(high<<4|low))
		i += 2
	}
	return kind, string(b), true
}
