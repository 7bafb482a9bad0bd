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
	"errors"
	"fmt"
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

const bucket = "millrace-records"

// A Store is the bucket and its mirror.
type Store struct {
	js     jetstream.JetStream
	kv     jetstream.KeyValue
	watch  jetstream.KeyWatcher // nil when nobody else writes to the bucket
	copies *Copies              // nil for none
	gate   capacity.Limit       // of new records
	change capacity.Limit       // of changes
	done   chan struct{}        // closed when the follower has ended

	mu       sync.RWMutex // guards the rest
	kinds    map[string]*kind
	watchers map[string][]func(key string) // by kind
}

// A kind is the records of one kind.
type kind struct {
	rows  map[string]*row
	order []string // the keys of rows that are not gone, in order; nil when that is to be found out
}

// A row is a record as it was at a revision. Nothing of it changes, but that it is
// read once.
type row struct {
	value    []byte
	revision uint64
	gone     bool // deleted at this revision; kept so that an older update cannot revive it
	read     atomic.Pointer[reading]
}

// absent is the row of a key that nothing was ever written to.
var absent = &row{}

func (r *row) there() bool { return r.revision > 0 && !r.gone }

// Open creates or opens the bucket and reads all of it. Close ends it.
func Open(ctx context.Context, js jetstream.JetStream) (*Store, error) { return open(ctx, js) }

// OpenCopied is Open for a bucket that nobody else writes to, with copies that
// make good what it has lost.
func OpenCopied(ctx context.Context, js jetstream.JetStream, c *Copies) (*Store, error) {
	s, err := open(ctx, js)
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

func open(ctx context.Context, js jetstream.JetStream) (*Store, error) {
	kv, err := js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket:      bucket,
		Description: "Millrace control plane",
		History:     1,
		Storage:     jetstream.FileStorage,
	})
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "opening the record bucket")
	}
	// The watcher outlives the context that bounded the opening.
	w, err := kv.WatchAll(context.WithoutCancel(ctx))
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "reading the record bucket")
	}
	s := &Store{js: js, kv: kv, watch: w, done: make(chan struct{}), kinds: map[string]*kind{}}
	s.Guard(capacity.Gate(nil), capacity.Gate(nil))
	for {
		select {
		case e, ok := <-w.Updates():
			if !ok {
				return nil, fault.New(fault.Unavailable, "the record bucket closed while it was read")
			}
			if e == nil { // the end of what was there
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
	stream, err := s.js.Stream(ctx, "KV_"+bucket)
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
		wire := strings.TrimPrefix(m.Subject, "$KV."+bucket+".")
		s.take(wire, &row{value: m.Data, revision: seq, gone: m.Header.Get("KV-Operation") != ""})
	}
	return nil
}

// Guard has new records and changes pass a limit each. Deletions pass in any case,
// and so does what is in a [Table.Vital]. Call it before the store is shared.
func (s *Store) Guard(created, changed capacity.Limit) { s.gate, s.change = created, changed }

// Close ends the mirror. Reads keep answering from what was last seen.
func (s *Store) Close() (err error) {
	if s.watch != nil {
		if err = s.watch.Stop(); errors.Is(err, nats.ErrConsumerNotFound) { // a server that was restarted has forgotten it
			err = nil
		}
	}
	<-s.done
	if s.copies != nil {
		s.catchUp()
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
	s.take(e.Key(), &row{value: e.Value(), revision: e.Revision(), gone: e.Operation() != jetstream.KeyValuePut})
}

// set tells whether r is newer than what the mirror had.
func (s *Store) set(wire string, r *row) (news bool) {
	name, key, ok := parseKey(wire)
	if !ok {
		return false // not one of ours
	}
	s.mu.Lock()
	defer s.mu.Unlock()
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

// put writes value over revision last; 0 means that nothing may be there.
func (s *Store) put(ctx context.Context, wire string, value []byte, last uint64) error {
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
	s.set(wire, &row{value: value, revision: rev})
	s.keep(wire)
	return nil
}

// remove deletes a key and returns once the mirror has seen it go.
func (s *Store) remove(ctx context.Context, wire string) error {
	kind, key, _ := parseKey(wire)
	for {
		before, there := s.get(kind, key)
		if !there {
			return nil // another runtime was first
		}
		if err := s.intact(); err != nil {
			return err
		}
		err := s.kv.Delete(ctx, wire, jetstream.LastRevision(before.revision))
		if err == nil {
			err = s.intact()
		}
		if err == nil {
			// Delete reports no revision; the next write to this key has a higher one.
			s.set(wire, &row{revision: before.revision + 1, gone: true})
			s.keep(wire)
			return nil
		}
		if !mismatch(err) {
			return err
		}
		if err := s.refresh(ctx, kind, key); err != nil && !errors.Is(err, fault.NotFound) {
			return err
		}
	}
}

// maxKey bounds a key of the bucket, in bytes. Keys are parts of NATS subjects,
// and a client whose line is longer than 4,096 bytes loses its connection
// (max_control_line). Names are bounded where they come in; the longest that AWS
// allows, an IAM policy's of 128 characters, takes less than 420 bytes.
const maxKey = 1024

// wireKey escapes a key for the bucket, whose keys are made of A-Z a-z 0-9 and
// - / _ = . alone: every other byte, and "=", is written as =XX.
func wireKey(kind, key string) string {
	var b strings.Builder
	b.WriteString(kind)
	b.WriteByte('/')
	for i := range len(key) {
		switch c := key[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '/':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	return b.String()
}

func parseKey(wire string) (kind, key string, ok bool) {
	kind, rest, ok := strings.Cut(wire, "/")
	if !ok {
		return "", "", false
	}
	var b strings.Builder
	for i := 0; i < len(rest); i++ {
		if rest[i] != '=' {
			b.WriteByte(rest[i])
			continue
		}
		var c byte
		if n, err := fmt.Sscanf(rest[i:min(i+3, len(rest))], "=%02X", &c); n != 1 || err != nil {
			return "", "", false
		}
		b.WriteByte(c)
		i += 2
	}
	return kind, b.String(), true
}
