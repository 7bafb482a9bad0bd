package record

import (
	"bytes"
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"time"

	"millrace/runtime/capacity"
	"millrace/runtime/fault"
)

// A Table is the records of one kind.
type Table[T any] struct {
	store        *Store
	kind         string
	unguarded    bool
	clone        cloner // nil when values of T share no memory, or alwaysDecode is set
	alwaysDecode bool   // values of T cannot be cloned: each read decodes

	expiresAt func(T) time.Time // nil for records that do not expire
	now       func() time.Time
}

// NewTable views the records of a kind, a word of a-z that no other table uses.
func NewTable[T any](s *Store, kind string) *Table[T] {
	own, ok := clonerOf(reflect.TypeFor[T]())
	return &Table[T]{store: s, kind: kind, clone: own, alwaysDecode: !ok}
}

// Unguarded returns the table without the limits of [Store.Guard], for records whose
// writing lets room be freed. They must be few and small.
func (t *Table[T]) Unguarded() *Table[T] {
	v := *t
	v.unguarded = true
	return &v
}

// KeepMarkers returns the table such that its State tells Deleted from Absent: a deletion
// is remembered, also after a restart, until Forget is called.
func (t *Table[T]) KeepMarkers() *Table[T] {
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	if t.store.marked == nil {
		t.store.marked = map[string]bool{}
	}
	t.store.marked[t.kind] = true
	return t
}

// Forget removes the marker of a deletion, when nothing that belonged to the record is
// left.
func (t *Table[T]) Forget(ctx context.Context, key string) error {
	return fault.Wrap(fault.Unavailable, t.store.forget(ctx, wireKey(t.kind, key)), "forgetting %s %s", t.kind, key)
}

// admit asks a limit of the store.
func (t *Table[T]) admit(l capacity.Limit, value []byte) error {
	if t.unguarded {
		return nil
	}
	return l.Admit(len(value))
}

// read decodes a row. The value is shared and must not be changed.
func (t *Table[T]) read(r *row) (*T, error) {
	known := r.content.Load()
	if v, ok := known.value.(*T); ok { // another table may read the kind as another type
		return v, known.err
	}
	b := r.encoded()
	v := new(T)
	err := json.Unmarshal(b, v)
	if known.value == nil && !t.alwaysDecode {
		if again, e := json.Marshal(v); err == nil && e == nil && bytes.Equal(again, b) {
			b = nil
		}
		r.content.Store(&content{b, v, err})
	}
	return v, err
}

// copyOf is a copy of a row's value, which the caller owns.
func (t *Table[T]) copyOf(r *row) (T, error) {
	v, err := t.read(r)
	switch {
	case err != nil:
		var zero T
		return zero, err
	case t.clone != nil:
		v = new(*v)
		t.detach(v)
	}
	return *v, nil
}

// detach replaces everything that v shares by copies.
func (t *Table[T]) detach(v *T) { t.clone(reflect.ValueOf(v).Elem()) }

// current returns the row of a record that is current and has not ended.
func (t *Table[T]) current(key string) (*row, bool) {
	r, ok := t.store.get(t.kind, key)
	return r, ok && !t.expired(r)
}

// Get returns the record under key. The caller owns it.
func (t *Table[T]) Get(key string) (T, bool) {
	r, ok := t.current(key)
	if !ok {
		var zero T
		return zero, false
	}
	v, err := t.copyOf(r)
	return v, err == nil
}

// A State says what the mirror knows of a key.
type State int

const (
	Absent     State = iota // never written, lost, or deleted
	Deleted                 // deleted; reliable only in a table that keeps markers
	Present                 // Get returns the record
	Unreadable              // the record cannot be decoded to T: damaged, or of another version. Get and List skip it.
)

// State returns the state of a key. Data that belongs to the record may be removed when
// the state is Deleted, and must not when it is Unreadable.
func (t *Table[T]) State(key string) State {
	r := t.store.row(t.kind, key)
	switch {
	case r.revision == 0, t.expired(r):
		return Absent
	case r.deleted:
		return Deleted
	}
	if _, err := t.read(r); err != nil {
		return Unreadable
	}
	return Present
}

// Find is Get that reads the bucket when the mirror has no such record: another runtime
// may have written it a moment ago. Errors are fault.NotFound or fault.Unavailable.
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
	keys := slices.Clone(t.store.keys(t.kind, prefix))
	if t.expiresAt == nil {
		return keys
	}
	return slices.DeleteFunc(keys, func(key string) bool { return t.expired(t.store.row(t.kind, key)) })
}

// List returns the readable records whose keys start with prefix, in order of their
// keys. The caller owns them.
func (t *Table[T]) List(prefix string) []T {
	keys := t.store.keys(t.kind, prefix)
	if len(keys) == 0 {
		return nil
	}
	all := make([]T, 0, len(keys))
	for _, k := range keys {
		if r, ok := t.current(k); ok {
			if v, err := t.read(r); err == nil {
				all = append(all, *v)
			}
		}
	}
	for i := range all {
		if t.clone != nil {
			t.detach(&all[i])
		}
	}
	return all
}

// Create stores a new record. It is fault.Exists when the key is taken: then Get returns
// the record there, also if another runtime wrote it, unless it is Unreadable.
func (t *Table[T]) Create(ctx context.Context, key string, v T) error {
	value, err := json.Marshal(v)
	if err != nil {
		return err
	}
	wire := wireKey(t.kind, key)
	if len(wire) > maxKey {
		return fault.New(fault.Invalid, "a name of %d bytes is too long for a %s", len(key), t.kind)
	}
	if err := t.admit(t.store.createLimit, value); err != nil {
		return err
	}
	for {
		var last uint64
		if r := t.store.row(t.kind, key); t.expired(r) {
			last = r.revision
		}
		err := t.store.put(ctx, wire, value, last)
		if err == nil {
			t.scheduleSweep(v)
			return nil
		}
		if !isConflict(err) {
			return fault.Wrap(fault.Unavailable, err, "storing %s %s", t.kind, key)
		}
		if r := t.store.refresh(ctx, t.kind, key); fault.Of(r) == fault.Unavailable {
			return r
		}
		if r := t.store.row(t.kind, key); t.expired(r) || last > 0 && !r.exists() {
			continue
		}
		return fault.Wrap(fault.Exists, err, "%s %s exists already", t.kind, key)
	}
}

// Update replaces a record by the result of change, and returns the result. If change
// fails its error is returned and nothing is written. change runs again if another writer
// was first. fault.NotFound when there is no such record.
func (t *Table[T]) Update(ctx context.Context, key string, change func(T) (T, error)) (T, error) {
	var zero T
	for {
		r, ok := t.current(key)
		if !ok {
			return zero, fault.New(fault.NotFound, "no %s %s", t.kind, key)
		}
		v, err := t.copyOf(r)
		if err != nil {
			return zero, fault.Wrap(fault.Internal, err, "reading %s %s", t.kind, key)
		}
		if v, err = change(v); err != nil {
			return zero, err
		}
		value, err := json.Marshal(v)
		if err != nil {
			return zero, err
		}
		if err := t.admit(t.store.changeLimit, value); err != nil {
			return zero, err
		}
		err = t.store.put(ctx, wireKey(t.kind, key), value, r.revision)
		if err == nil {
			t.scheduleSweep(v)
			return v, nil
		}
		if !isConflict(err) {
			return zero, fault.Wrap(fault.Unavailable, err, "storing %s %s", t.kind, key)
		}
		if err := t.store.refresh(ctx, t.kind, key); err != nil {
			return zero, err
		}
	}
}

// Delete removes a record: fault.NotFound when there is none.
func (t *Table[T]) Delete(ctx context.Context, key string) error {
	if _, ok := t.current(key); !ok {
		return fault.New(fault.NotFound, "no %s %s", t.kind, key)
	}
	return fault.Wrap(fault.Unavailable, t.store.remove(ctx, wireKey(t.kind, key)), "deleting %s %s", t.kind, key)
}
