package keys

import (
	"context"
	"crypto/cipher"
	"errors"
	"sync"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/store/record"
)

// A Ring is the keys of a runtime. It holds nothing that is not in the records,
// starts nothing, and may be used by any number of goroutines.
type Ring struct {
	root     Root
	wrap     cipher.AEAD // of the root key, for all that it wraps
	mended   []string    // files of the root key
	now      func() time.Time
	keys     *record.Table[Key]     // by id
	aliases  *record.Table[Alias]   // by account/region/name
	imprints *record.Table[imprint] // one record: which root key wraps the others

	mu  sync.Mutex // guards due
	due time.Time  // when the next record goes, of those that this ring knows to go
}

// An imprint is stored so that the records say which root key they need; a shared
// root key is stored with it.
type imprint struct {
	Print  string
	Secret []byte `json:",omitzero"`
}

const imprintKey = "root"

// patience bounds the writes of methods that take no context.
const patience = 10 * time.Second

// Open is the ring of the keys in records, under a root key. A root key that was
// made just now is written to its file first. When the records were made under
// another root key, Open fails and changes nothing.
func Open(records *record.Store, root Root, now func() time.Time) (*Ring, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r := &Ring{
		now:      now,
		keys:     record.NewTable[Key](records, "kmskey"),
		aliases:  record.NewTable[Alias](records, "kmsalias"),
		imprints: record.NewTable[imprint](records, "rootkey"),
	}
	root, err := r.settle(ctx, root)
	if err != nil {
		return nil, err
	}
	r.root, r.wrap = root, newAEAD(root.derive("millrace wrapping key v1"))
	r.expect(r.now())
	r.sweep(ctx)
	return r, nil
}

// settle makes sure that the records need this root key and no other, and that
// the key is stored before anything is wrapped by it.
func (r *Ring) settle(ctx context.Context, root Root) (_ Root, err error) {
	known, ok := r.imprints.Get(imprintKey)
	if ok {
		if root, err = root.meet(known); err != nil {
			return root, err
		}
	}
	if r.mended, err = root.store(ok); err != nil || ok {
		return root, err
	}
	err = r.imprints.Create(ctx, imprintKey, root.imprint())
	if !errors.Is(err, fault.Exists) {
		return root, err
	}
	known, _ = r.imprints.Get(imprintKey) // of a runtime that shares the store, and was faster
	return root.meet(known)
}

// Mended are the files of the root key that Open found lost or damaged, and wrote
// anew from their copies.
func (r *Ring) Mended() []string { return r.mended }

// Reset writes down anew which root key is in use, after all records have been
// removed.
func (r *Ring) Reset(ctx context.Context) error {
	err := r.imprints.Create(ctx, imprintKey, r.root.imprint())
	if errors.Is(err, fault.Exists) {
		return nil // another runtime on the same store was faster
	}
	return err
}

// sweep removes the records of keys that are gone, and of their aliases. What
// fails, since whoever brought the context went away, is tried again at the next
// change or start.
func (r *Ring) sweep(ctx context.Context) {
	r.mu.Lock()
	due := !r.due.IsZero() && !r.now().Before(r.due)
	if due {
		r.due = time.Time{}
	}
	r.mu.Unlock()
	if !due {
		return
	}
	for _, k := range r.keys.List("") {
		if k.State(r.now()) != Gone {
			r.expect(k.DeleteAt)
			continue
		}
		if err := r.bury(ctx, k); err != nil {
			r.expect(k.DeleteAt)
		}
	}
}

// bury removes the record of a key that is gone after those of its aliases: an
// alias without a key would keep its name taken, and nobody would look for it.
func (r *Ring) bury(ctx context.Context, k Key) error {
	for _, a := range r.aliases.List(scope(k.Account, k.Region)) {
		if a.Target != k.ID {
			continue
		}
		if err := r.aliases.Delete(ctx, a.key()); err != nil && !errors.Is(err, fault.NotFound) {
			return err
		}
	}
	if err := r.keys.Delete(ctx, k.ID); err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	return nil
}

// expect notes that a key will be gone at a time; zero for one that stays.
func (r *Ring) expect(at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.due.IsZero() || !at.IsZero() && at.Before(r.due) {
		r.due = at
	}
}

// byID is the key of an id, if there is one and it is not gone.
func (r *Ring) byID(id string) (Key, bool) {
	k, ok := r.keys.Get(id)
	return k, ok && k.State(r.now()) != Gone
}

// find is byID for keys that another runtime may have made a moment ago.
func (r *Ring) find(ctx context.Context, id string) (Key, bool) {
	k, err := r.keys.Find(ctx, id)
	return k, err == nil && k.State(r.now()) != Gone
}

// scope is the prefix of the records of an account in a region.
func scope(account, region string) string { return account + "/" + region + "/" }

// open unwraps the material of a key.
func (r *Ring) open(k Key) ([]byte, error) {
	id, _ := parseID(k.ID)
	by, ok := sealedBy(k.Material, material)
	if !ok || by != id {
		return nil, fault.New(fault.Internal, "the record of key %s is damaged", k.ARN())
	}
	secret, err := unseal(r.wrap, k.Material, nil)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the record of key %s is damaged", k.ARN())
	}
	return secret, nil
}

// aead is AES-256-GCM under a KMS key that may be used now, for an operation.
func (r *Ring) aead(k Key, op string) (cipher.AEAD, error) {
	if err := k.usable(r.now()); err != nil {
		return nil, err
	}
	if !k.Spec.Encrypts() {
		return nil, k.otherUse(op)
	}
	secret, err := r.open(k)
	if err != nil {
		return nil, err
	}
	return newAEAD(secret), nil
}
