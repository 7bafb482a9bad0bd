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
	store *Store
	kind  string
	vital bool
	own   owner // nil when values of T share nothing, or are decoded anew
	anew  bool  // values of T cannot be copied: each read decodes

	ends func(T) time.Time // nil for records that stay
	now  func() time.Time
}

// NewTable views the records of a kind, a word of a-z that no other table uses.
func NewTable[T any](s *Store, kind string) *Table[T] {
	own, ok := ownerOf(reflect.TypeFor[T]())
	return &Table[T]{store: s, kind: kind, own: own, anew: !ok}
}

// Vital returns the table for one who makes room with what is written to it: it
// passes what guards the store. Its records must be few and small.
func (t *Table[T]) Vital() *Table[T] {
	v := *t
	v.vital = true
	return &v
}

// Marked returns the table for one whose State must tell Deleted from Absent: what
// is deleted stays known, also to the next start, until Forget.
func (t *Table[T]) Marked() *Table[T] {
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	if t.store.marked == nil {
		t.store.marked = map[string]bool{}
	}
	t.store.marked[t.kind] = true
	return t
}

// Forget ends that a deletion is known, when nothing is left that belonged to the
// record.
func (t *Table[T]) Forget(ctx context.Context, key string) error {
	return fault.Wrap(fault.Unavailable, t.store.forget(ctx, wireKey(t.kind, key)), "forgetting %s %s", t.kind, key)
}

// admit asks a guard of the store.
func (t *Table[T]) admit(l capacity.Limit, value []byte) error {
	if t.vital {
		return nil
	}
	return l.Admit(len(value))
}

// read decodes a row. Others have the value too: nothing in there may be changed.
func (t *Table[T]) read(r *row) (*T, error) {
	known := r.content.Load()
	if v, ok := known.value.(*T); ok { // else another table takes the kind to be another type
		return v, known.err
	}
	b := r.encoded()
	v := new(T)
	err := json.Unmarshal(b, v)
	if known.value == nil && !t.anew {
		if again, e := json.Marshal(v); err == nil && e == nil && bytes.Equal(again, b) {
			b = nil
		}
		r.content.Store(&content{b, v, err})
	}
	return v, err
}

// take is the value of a row for a caller to keep.
func (t *Table[T]) take(r *row) (T, error) {
	v, err := t.read(r)
	switch {
	case err != nil:
		var zero T
		return zero, err
	case t.own != nil:
		v = new(*v)
		t.disown(v)
	}
	return *v, nil
}

// disown takes from v what it shares.
func (t *Table[T]) disown(v *T) { t.own(reflect.ValueOf(v).Elem()) }

// there returns the row of a record that is there and has not ended.
func (t *Table[T]) there(key string) (*row, bool) {
	r, ok := t.store.get(t.kind, key)
	return r, ok && !t.over(r)
}

// Get returns the record under key. What it returns is the caller's own.
func (t *Table[T]) Get(key string) (T, bool) {
	r, ok := t.there(key)
	if !ok {
		var zero T
		return zero, false
	}
	v, err := t.take(r)
	return v, err == nil
}

// A State is what became of a key.
type State int

const (
	Absent     State = iota // nothing was ever written to it, or that was lost or deleted
	Deleted                 // nothing is there anymore: surely known in a table that is Marked
	Present                 // Get returns it
	Unreadable              // a record is there that is no T: damaged, or of another version. Get and List pass over it.
)

// State tells what the mirror knows of a key. What belongs to a record may be
// removed when that is Deleted, and must not be when it is Unreadable.
func (t *Table[T]) State(key string) State {
	r := t.store.row(t.kind, key)
	switch {
	case r.revision == 0, t.over(r):
		return Absent
	case r.gone:
		return Deleted
	}
	if _, err := t.read(r); err != nil {
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
	keys := slices.Clone(t.store.keys(t.kind, prefix))
	if t.ends == nil {
		return keys
	}
	return slices.DeleteFunc(keys, func(key string) bool { return t.over(t.store.row(t.kind, key)) })
}

// List returns the records whose keys start with prefix, in order of their keys:
// those that can be read. They are the caller's own.
func (t *Table[T]) List(prefix string) []T {
	keys := t.store.keys(t.kind, prefix)
	if len(keys) == 0 {
		return nil
	}
	all := make([]T, 0, len(keys))
	for _, k := range keys {
		if r, ok := t.there(k); ok {
			if v, err := t.read(r); err == nil {
				all = append(all, *v)
			}
		}
	}
	for i := range all {
		if t.own != nil {
			t.disown(&all[i])
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
	for {
		var last uint64
		if r := t.store.row(t.kind, key); t.over(r) {
			last = r.revision
		}
		err := t.store.put(ctx, wire, value, last)
		if err == nil {
			t.armFor(v)
			return nil
		}
		if !mismatch(err) {
			return fault.Wrap(fault.Unavailable, err, "storing %s %s", t.kind, key)
		}
		if r := t.store.refresh(ctx, t.kind, key); fault.Of(r) == fault.Unavailable {
			return r
		}
		if r := t.store.row(t.kind, key); t.over(r) || last > 0 && !r.there() {
			continue
		}
		return fault.Wrap(fault.Exists, err, "%s %s exists already", t.kind, key)
	}
}

// Update replaces a record by what change makes of it, and returns that. An
// error of change is returned as it is and nothing is written; change runs again
// if another writer came first. fault.NotFound when there is no such record.
func (t *Table[T]) Update(ctx context.Context, key string, change func(T) (T, error)) (T, error) {
	var zero T
	for {
		r, ok := t.there(key)
		if !ok {
			return zero, fault.New(fault.NotFound, "no %s %s", t.kind, key)
		}
		v, err := t.take(r)
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
		if err := t.admit(t.store.change, value); err != nil {
			return zero, err
		}
		err = t.store.put(ctx, wireKey(t.kind, key), value, r.revision)
		if err == nil {
			t.armFor(v)
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
	if _, ok := t.there(key); !ok {
		return fault.New(fault.NotFound, "no %s %s", t.kind, key)
	}
	return fault.Wrap(fault.Unavailable, t.store.remove(ctx, wireKey(t.kind, key)), "deleting %s %s", t.kind, key)
}
