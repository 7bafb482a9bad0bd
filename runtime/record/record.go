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
	"fmt"
	"reflect"
	"slices"
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
	rows     map[string]map[string]*row
	watchers map[string][]func(key string) // by kind
}

type row struct {
	value    []byte
	revision uint64
	gone     bool // deleted at this revision; kept so that an older update cannot revive it

	decoded atomic.Pointer[any] // a *T of the table that read it first; nil before
}

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
	s := &Store{js: js, kv: kv, watch: w, done: make(chan struct{}), rows: map[string]map[string]*row{}}
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
		wire := strings.TrimPrefix(m.Subject, subject(""))
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
	kind, key, ok := parseKey(wire)
	if !ok {
		return false // not one of ours
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := s.rows[kind]
	if rows == nil {
		rows = map[string]*row{}
		s.rows[kind] = rows
	}
	if old := rows[key]; old != nil && old.revision >= r.revision {
		return false
	}
	rows[key] = r
	return true
}

func (s *Store) get(kind, key string) (r *row, there bool) {
	r = s.row(kind, key)
	return r, r != nil && !r.gone
}

// row is what the mirror has of a record, also of one that is gone; nil for nothing.
func (s *Store) row(kind, key string) *row {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.rows[kind][key]
}

// all returns the rows by the keys of the bucket, also of what is gone.
func (s *Store) all() map[string]*row {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := map[string]*row{}
	for kind, rows := range s.rows {
		for key, r := range rows {
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
		if err := s.removeAt(ctx, wire, before.revision); !mismatch(err) {
			return err
		}
		if err := s.refresh(ctx, kind, key); err != nil && !errors.Is(err, fault.NotFound) {
			return err
		}
	}
}

// removeAt deletes what was written to a key at a revision.
func (s *Store) removeAt(ctx context.Context, wire string, revision uint64) error {
	if err := s.intact(); err != nil {
		return err
	}
	// As the key-value client's Delete does, which does not tell the marker's revision.
	msg := nats.NewMsg(subject(wire))
	msg.Header.Set("KV-Operation", "DEL")
	ack, err := s.js.PublishMsg(ctx, msg, jetstream.WithExpectLastSequencePerSubject(revision))
	if err == nil {
		err = s.intact()
	}
	if err != nil {
		return err
	}
	s.set(wire, &row{revision: ack.Sequence, gone: true})
	s.keep(wire)
	return nil
}

// subject is where the bucket keeps a key.
func subject(wire string) string { return "$KV." + bucket + "." + wire }

// A Table is the records of one kind.
type Table[T any] struct {
	store *Store
	kind  string
	vital bool
	own   copier   // of a T
	life  *life[T] // nil when they are good for ever
}

// NewTable views the records of a kind, a word of a-z that no other table uses.
// What T has unexported is not kept, unless T encodes and decodes itself; then it
// must not be a slice, a map or a pointer.
func NewTable[T any](s *Store, kind string) *Table[T] {
	return &Table[T]{store: s, kind: kind, own: copierOf(reflect.TypeFor[T]())}
}

// Vital returns the table for one who makes room with what is written to it: it
// passes what guards the store. Its records must be few and small.
func (t *Table[T]) Vital() *Table[T] {
	v := *t
	v.vital = true
	return &v
}

// admit asks a guard of the store.
func (t *Table[T]) admit(l capacity.Limit, value []byte) error {
	if t.vital {
		return nil
	}
	return l.Admit(len(value))
}

// Get returns the record under key. It is the caller's, to change as it likes.
func (t *Table[T]) Get(key string) (v T, ok bool) {
	r, ok := t.store.get(t.kind, key)
	if !ok {
		return v, false
	}
	v, err := t.decode(r)
	return v, err == nil && t.life.good(v)
}

// decode returns the value of a row. It is decoded once; who reads it gets a copy.
func (t *Table[T]) decode(r *row) (T, error) {
	if d := r.decoded.Load(); d != nil {
		if v, ok := (*d).(*T); ok {
			return t.copy(v), nil
		}
	}
	v := new(T)
	if err := json.Unmarshal(r.value, v); err != nil {
		return *v, err
	}
	var d any = v
	r.decoded.Store(&d)
	return t.copy(v), nil
}

func (t *Table[T]) copy(v *T) T {
	own := *v
	if t.own != nil {
		t.own(reflect.ValueOf(&own).Elem())
	}
	return own
}

// A State is what became of a key.
type State int

const (
	Absent     State = iota // nothing was ever written to it, or that was lost
	Deleted                 // nothing is there anymore
	Present                 // Get returns it
	Unreadable              // a record is there that is no T: damaged, or of another version. Get and List pass over it.
)

// State tells what the mirror knows of a key. What belongs to a record may be
// removed when that is Deleted, and must not be when it is Unreadable.
func (t *Table[T]) State(key string) State {
	r := t.store.row(t.kind, key)
	switch {
	case r == nil:
		return Absent
	case r.gone:
		return Deleted
	}
	if _, err := t.decode(r); err != nil {
		return Unreadable
	}
	return Present
}

// Find is Get that asks the bucket when the mirror has nothing: for what another
// runtime may have written a moment ago. An error is fault.NotFound or
// fault.Unavailable.
func (t *Table[T]) Find(ctx context.Context, key string) (T, error) {
	v, ok := t.Get(key)
	if ok {
		return v, nil
	}
	if err := t.store.refresh(ctx, t.kind, key); err != nil {
		return v, err
	}
	if v, ok = t.Get(key); !ok {
		return v, fault.New(fault.NotFound, "no %s %s", t.kind, key)
	}
	return v, nil
}

// Keys returns the keys that start with prefix, in order: also those of records
// that are Unreadable.
func (t *Table[T]) Keys(prefix string) []string {
	keys := t.store.keys(t.kind, prefix)
	if t.life == nil {
		return keys
	}
	return slices.DeleteFunc(keys, func(key string) bool { _, good := t.Get(key); return !good })
}

func (s *Store) keys(kind, prefix string) (keys []string) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for k, r := range s.rows[kind] {
		if strings.HasPrefix(k, prefix) && !r.gone {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// List returns the records whose keys start with prefix, in order of their keys:
// those that can be read.
func (t *Table[T]) List(prefix string) []T {
	var all []T
	for _, k := range t.store.keys(t.kind, prefix) {
		if v, ok := t.Get(k); ok {
			all = append(all, v)
		}
	}
	return all
}

// Create stores a new record: fault.Exists when the key is taken, and then Get
// answers what is there, also when another runtime wrote it, unless it is
// Unreadable.
func (t *Table[T]) Create(ctx context.Context, key string, v T) error {
	value, err := json.Marshal(v)
	if err != nil {
		return err
	}
	wire := wireKey(t.kind, key)
	if len(wire) > maxKey {
		return fault.New(fault.Invalid, "a name of %d bytes is too long for a %s", len(key), t.kind)
	}
	if err := t.admit(t.store.gate, value); err != nil {
		return err
	}
	t.sweep(ctx)
	for {
		err = t.store.put(ctx, wire, value, 0)
		if !errors.Is(err, jetstream.ErrKeyExists) {
			return fault.Wrap(fault.Unavailable, err, "storing %s %s", t.kind, key)
		}
		switch r := t.store.refresh(ctx, t.kind, key); fault.Of(r) {
		case fault.NotFound: // it was deleted just then
			continue
		case fault.Unavailable:
			return r
		}
		if over, e := t.removeOver(ctx, key); e != nil {
			return fault.Wrap(fault.Unavailable, e, "deleting %s %s", t.kind, key)
		} else if !over {
			return fault.Wrap(fault.Exists, err, "%s %s exists already", t.kind, key)
		}
	}
}

// Update replaces a record by what change makes of it, and returns that. An
// error of change is returned as it is and nothing is written; change runs again
// if another writer came first. fault.NotFound when there is no such record.
func (t *Table[T]) Update(ctx context.Context, key string, change func(T) (T, error)) (T, error) {
	var zero T
	for {
		r, ok := t.store.get(t.kind, key)
		if !ok {
			return zero, fault.New(fault.NotFound, "no %s %s", t.kind, key)
		}
		v, err := t.decode(r)
		if err != nil {
			return zero, fault.Wrap(fault.Internal, err, "reading %s %s", t.kind, key)
		}
		if !t.life.good(v) {
			return zero, fault.New(fault.NotFound, "no %s %s", t.kind, key)
		}
		v, err = change(v)
		if err != nil {
			return zero, err
		}
		value, err := json.Marshal(v)
		if err != nil {
			return zero, err
		}
		if err := t.admit(t.store.change, value); err != nil {
			return zero, err
		}
		err = t.store.put(ctx, wireKey(t.kind, key), value, r.revision)
		if err == nil {
			return v, nil
		}
		if !mismatch(err) {
			return zero, fault.Wrap(fault.Unavailable, err, "storing %s %s", t.kind, key)
		}
		if err := t.store.refresh(ctx, t.kind, key); err != nil {
			return zero, err
		}
	}
}

// Delete removes a record: fault.NotFound when there is none.
func (t *Table[T]) Delete(ctx context.Context, key string) error {
	if _, ok := t.store.get(t.kind, key); !ok {
		return fault.New(fault.NotFound, "no %s %s", t.kind, key)
	}
	return fault.Wrap(fault.Unavailable, t.store.remove(ctx, wireKey(t.kind, key)), "deleting %s %s", t.kind, key)
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
