// Package record keeps the control plane's records: queues, functions,
// mappings, roles. They live in one JetStream key-value bucket and are mirrored
// in memory, so that a read costs a map look-up and a write is acknowledged
// only once JetStream has stored it.
//
// A [Table] is a typed view of the records of one kind. Keys are ordered texts
// of the caller's choosing; any bytes are allowed. Writes to one key are
// serialised by JetStream's revisions, also between several runtimes on one
// cluster: the mirror follows the bucket.
package record

import (
	"context"
	"encoding/json"
	"errors"
	"hash/maphash"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/capacity"
	"millrace/runtime/fault"
)

const (
	bucket = "millrace-records"
	stream = "KV_" + bucket // that the bucket is
	prefix = "$KV." + bucket + "."
)

// A Store is the bucket and its mirror.
type Store struct {
	js     jetstream.JetStream
	kv     jetstream.KeyValue
	watch  jetstream.KeyWatcher // nil when nobody else writes to the bucket
	copies *Copies              // nil for none
	gate   capacity.Limit       // of new records
	change capacity.Limit       // of changes
	done   chan struct{}        // closed when the follower has ended
	fades  bool                 // the bucket removes markers of deletions by itself
	opened uint64               // the highest revision when the store was opened

	// Held, by key, while a record is written or removed and its copy is.
	changing [64]sync.Mutex

	mu       sync.RWMutex // guards what follows
	kinds    map[string]*kind
	highest  uint64          // revision that was ever there
	leaving  map[string]bool // keys of the bucket that are being removed
	marked   map[string]bool // kinds
	fading   []faded         // in the order of at
	sweepers map[string]*sweeper
	closed   bool

	life     context.Context // ends with Close
	end      context.CancelFunc
	sweeping sync.WaitGroup                // what runs in the background until then
	watchers map[string][]func(key string) // by kind
}

// A kind is the records of one kind.
type kind struct {
	rows  map[string]*row
	order []string // the keys of rows that are not gone, in order; nil when that is to be found out
}

// A row is a record as it was at a revision.
type row struct {
	revision uint64
	gone     bool // deleted at this revision; kept so that an older update cannot revive it
	final    bool // its marker goes by itself
	content  atomic.Pointer[content]
}

// rowOf is the row of a record that is there.
func rowOf(value []byte, revision uint64) *row {
	r := &row{revision: revision}
	r.content.Store(&content{bytes: value})
	return r
}

// entryRow is the row of what the bucket has under a key.
func entryRow(value []byte, revision uint64, operation string) *row {
	if operation == "" {
		return rowOf(value, revision)
	}
	return &row{revision: revision, gone: true, final: operation == purged}
}

// What the header operationHeader says of a marker of a deletion; a value has none.
const (
	operationHeader = "KV-Operation"
	deleted         = "DEL"
	purged          = "PURGE"
)

// A content is what a record holds: its bytes, until they were decoded to what
// gives the same bytes again.
type content struct {
	bytes []byte // nil for those of value
	value any    // a *T; nil before the first read
	err   error  // of decoding
}

// encoded returns the bytes of a record.
func (r *row) encoded() []byte {
	c := r.content.Load()
	if c.bytes != nil {
		return c.bytes
	}
	b, err := json.Marshal(c.value)
	if err != nil {
		panic(err) // it was encoded when it was decoded
	}
	return b
}

// absent is the row of a key that nothing was ever written to.
var absent = &row{}

func (r *row) there() bool { return r.revision > 0 && !r.gone }

// Open creates or opens the bucket and reads all of it. Close ends it.
func Open(ctx context.Context, js jetstream.JetStream) (*Store, error) {
	c := config
	c.LimitMarkerTTL = markerLife
	s, err := open(ctx, js, c)
	if errors.Is(err, jetstream.ErrLimitMarkerTTLNotSupported) {
		s, err = open(ctx, js, config) // a server before 2.11: what was deleted stays known
	}
	if err != nil {
		return nil, err
	}
	s.sweeping.Add(1)
	go s.catchUp()
	return s, nil
}

var config = jetstream.KeyValueConfig{
	Bucket:      bucket,
	Description: "Millrace control plane",
	History:     1,
	Storage:     jetstream.FileStorage,
}

// OpenCopied is Open for a bucket that nobody else writes to, with copies that
// make good what it has lost.
func OpenCopied(ctx context.Context, js jetstream.JetStream, c *Copies) (*Store, error) {
	s, err := open(ctx, js, config)
	if err != nil {
		return nil, err
	}
	err = s.watch.Stop() // there is nobody to follow, and its heartbeats cost something
	s.watch = nil
	<-s.done
	s.copies = c
	if err = errors.Join(err, s.match(ctx)); err != nil {
		return nil, errors.Join(fault.Wrap(fault.Unavailable, err, "comparing the records with their copies"), s.Close())
	}
	return s, nil
}

func open(ctx context.Context, js jetstream.JetStream, c jetstream.KeyValueConfig) (*Store, error) {
	kv, err := js.CreateOrUpdateKeyValue(ctx, c)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "opening the record bucket")
	}
	// The watcher outlives the context that bounded the opening.
	w, err := kv.WatchAll(context.WithoutCancel(ctx))
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "reading the record bucket")
	}
	s := &Store{js: js, kv: kv, watch: w, done: make(chan struct{}), kinds: map[string]*kind{}, fades: c.LimitMarkerTTL > 0}
	s.life, s.end = context.WithCancel(context.WithoutCancel(ctx))
	s.Guard(capacity.Gate(nil), capacity.Gate(nil))
	for {
		select {
		case e, ok := <-w.Updates():
			if !ok {
				return nil, fault.New(fault.Unavailable, "the record bucket closed while it was read")
			}
			if e == nil { // the end of what was there
				s.opened = s.highest
				go s.follow(w.Updates())
				return s, nil
			}
			s.apply(e)
		case <-time.After(silence):
			// A bucket whose file was damaged can count more records than it has,
			// and then the watcher waits for them for ever.
			if err := s.readAll(ctx); err != nil {
				w.Stop()
				return nil, fault.Wrap(fault.Unavailable, err, "reading the record bucket")
			}
			s.opened = s.highest
			go s.follow(w.Updates())
			return s, nil
		case <-ctx.Done():
			w.Stop()
			return nil, fault.Wrap(fault.Unavailable, ctx.Err(), "reading the record bucket")
		}
	}
}

// silence is how long nothing comes of a bucket before it is read one by one.
const silence = 2 * time.Second

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
		s.take(wire, entryRow(m.Data, seq, m.Header.Get(operationHeader)))
	}
	return nil
}

// Guard has new records and changes pass a limit each. Deletions pass in any case,
// and so does what is in a [Table.Vital]. Call it before the store is shared.
func (s *Store) Guard(created, changed capacity.Limit) { s.gate, s.change = created, changed }

// Close ends the mirror. Reads keep answering from what was last seen.
func (s *Store) Close() (err error) {
	s.endSweeps()
	if s.watch != nil {
		if err = s.watch.Stop(); errors.Is(err, nats.ErrConsumerNotFound) { // a server that was restarted has forgotten it
			err = nil
		}
	}
	<-s.done
	if s.copies != nil {
		return errors.Join(err, s.copies.journal.renew(false))
	}
	return err
}

// Reset removes every record of every kind.
func (s *Store) Reset(ctx context.Context) error {
	for wire := range s.all() {
		if err := s.remove(ctx, wire); err != nil {
			return err
		}
	}
	return nil
}

// follow mirrors what others write until Close.
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
	s.take(e.Key(), entryRow(e.Value(), e.Revision(), operation))
}

// set tells whether r is newer than what the mirror had.
func (s *Store) set(wire string, r *row) (news bool) {
	name, key, ok := parseKey(wire)
	if !ok {
		return false // not one of ours
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.highest = max(s.highest, r.revision)
	k := s.kinds[name]
	if k == nil {
		k = &kind{rows: map[string]*row{}}
		s.kinds[name] = k
	}
	before, known := k.rows[key]
	if known && before.revision >= r.revision {
		return false
	}
	if !known || before.gone != r.gone {
		k.order = nil
	}
	k.rows[key] = r
	if r.final {
		now := time.Now()
		s.fadeLocked(now)
		s.fading = append(s.fading, faded{name, key, r.revision, now.Add(markerLife)})
	}
	return true
}

func (s *Store) get(kind, key string) (*row, bool) {
	r := s.row(kind, key)
	return r, r.there()
}

// row is what the mirror has of a record, also of one that is gone.
func (s *Store) row(kind, key string) *row {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if k := s.kinds[kind]; k != nil && k.rows[key] != nil {
		return k.rows[key]
	}
	return absent
}

// keys returns the keys of a kind that start with prefix, in order, of what is not
// gone. They must not be changed.
func (s *Store) keys(kind, prefix string) []string {
	s.mu.RLock()
	k := s.kinds[kind]
	if k == nil {
		s.mu.RUnlock()
		return nil
	}
	order := k.order
	s.mu.RUnlock()
	if order == nil {
		s.mu.Lock()
		order = k.sort()
		s.mu.Unlock()
	}
	from, _ := slices.BinarySearch(order, prefix)
	n := sort.Search(len(order)-from, func(i int) bool { return !strings.HasPrefix(order[from+i], prefix) })
	return order[from : from+n : from+n]
}

func (k *kind) sort() []string {
	if k.order == nil {
		k.order = make([]string, 0, len(k.rows))
		for key, r := range k.rows {
			if !r.gone {
				k.order = append(k.order, key)
			}
		}
		slices.Sort(k.order)
	}
	return k.order
}

// count is how many rows there are, also of what is gone.
func (s *Store) count() (n int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, k := range s.kinds {
		n += len(k.rows)
	}
	return n
}

// all returns the rows by the keys of the bucket, also of what is gone.
func (s *Store) all() map[string]*row {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := map[string]*row{}
	for kind, k := range s.kinds {
		for key, r := range k.rows {
			all[wireKey(kind, key)] = r
		}
	}
	return all
}

// lock has others wait who change a key.
func (s *Store) lock(wire string) (unlock func()) {
	mu := &s.changing[maphash.String(seed, wire)%uint64(len(s.changing))]
	mu.Lock()
	return mu.Unlock
}

var seed = maphash.MakeSeed()

// put writes value over revision last; 0 means that nothing may be there.
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
	s.keep(wire)
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
