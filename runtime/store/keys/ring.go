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

// A Ring is the keys of a runtime. All of its state is in the records. It starts no
// goroutine and is safe for concurrent use.
type Ring struct {
	root         Root
	wrap         cipher.AEAD // of the root key, for all that it wraps
	repaired     []string    // files of the root key
	now          func() time.Time
	keys         *record.Table[Key]         // by id
	aliases      *record.Table[Alias]       // by account/region/name
	fingerprints *record.Table[fingerprint] // one record: which root key wraps the others

	mu        sync.Mutex // guards the fields below
	nextSweep time.Time  // when the next key that this ring knows of is to be removed
	watchers  []func()
}

// An fingerprint is stored so that the records say which root key they need; a shared
// root key is stored with it.
type fingerprint struct {
	Fingerprint string `json:"Print"` // hexadecimal, derived from the root key
	Secret      []byte `json:",omitzero"`
}

const fingerprintKey = "root"

// writeTimeout bounds the writes of methods that take no context.
const writeTimeout = 10 * time.Second

// Open is the ring of the keys in records, under a root key. A new root key is
// written to its file first. When the records were made under
// another root key, Open fails and changes nothing.
func Open(records *record.Store, root Root, now func() time.Time) (*Ring, error) {
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	r := &Ring{
		now:          now,
		keys:         record.NewTable[Key](records, "kmskey"),
		aliases:      record.NewTable[Alias](records, "kmsalias"),
		fingerprints: record.NewTable[fingerprint](records, "rootkey"),
	}
	root, err := r.checkRoot(ctx, root)
	if err != nil {
		return nil, err
	}
	r.root, r.wrap = root, NewAEAD(root.derive("millrace wrapping key v1"))
	r.scheduleSweep(r.now())
	r.sweep(ctx)
	return r, nil
}

// checkRoot makes sure that the records need this root key and no other, and that
// the key is stored before anything is wrapped by it.
func (r *Ring) checkRoot(ctx context.Context, root Root) (_ Root, err error) {
	known, ok := r.fingerprints.Get(fingerprintKey)
	if ok {
		if root, err = root.matchRecorded(known); err != nil {
			return root, err
		}
	}
	if r.repaired, err = root.writeFiles(ok); err != nil || ok {
		return root, err
	}
	err = r.fingerprints.Create(ctx, fingerprintKey, root.fingerprint())
	if !errors.Is(err, fault.Exists) {
		return root, err
	}
	known, _ = r.fingerprints.Get(fingerprintKey) // of a runtime that shares the store, and was faster
	return root.matchRecorded(known)
}

// Repaired are the files of the root key that Open found lost or damaged, and
// rewrote from their copies.
func (r *Ring) Repaired() []string { return r.repaired }

// Reset records again which root key is in use, after all records have been removed.
func (r *Ring) Reset(ctx context.Context) error {
	err := r.fingerprints.Create(ctx, fingerprintKey, r.root.fingerprint())
	if errors.Is(err, fault.Exists) {
		return nil // another runtime on the same store was faster
	}
	return err
}

// Watch has changed called after a key was enabled, disabled, scheduled for deletion, or
// changed in another way, by this runtime or another one. changed must not block.
func (r *Ring) Watch(changed func()) {
	r.keys.Watch(func(string) { changed() })
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watchers = append(r.watchers, changed)
}

func (r *Ring) tellWatchers() {
	r.mu.Lock()
	watchers := r.watchers
	r.mu.Unlock()
	for _, changed := range watchers {
		changed()
	}
}

// sweep removes the records of keys that are gone, and of their aliases. What
// fails, for example because ctx ended, is tried again at the next change or start.
func (r *Ring) sweep(ctx context.Context) {
	r.mu.Lock()
	due := !r.nextSweep.IsZero() && !r.now().Before(r.nextSweep)
	if due {
		r.nextSweep = time.Time{}
	}
	r.mu.Unlock()
	if !due {
		return
	}
	for _, k := range r.keys.List("") {
		if k.State(r.now()) != Gone {
			r.scheduleSweep(k.DeleteAt)
			continue
		}
		if err := r.deleteRecord(ctx, k); err != nil {
			r.scheduleSweep(k.DeleteAt)
		}
	}
}

// deleteRecord removes the record of a key that is gone after those of its aliases: an
// alias without a key would keep its name taken, and nobody would look for it.
func (r *Ring) deleteRecord(ctx context.Context, k Key) error {
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

// scheduleSweep notes that a key will be gone at a time; zero for one that stays.
func (r *Ring) scheduleSweep(at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.nextSweep.IsZero() || !at.IsZero() && at.Before(r.nextSweep) {
		r.nextSweep = at
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
	return NewAEAD(secret), nil
}
