package keys

import (
	"context"
	"crypto/cipher"
	"errors"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/record"
)

// A Ring is the keys of a runtime. It holds no state beside the records, starts
// nothing, and may be used by any number of goroutines.
type Ring struct {
	root    Root
	wrap    cipher.AEAD // of the root key, for all that it wraps
	now     func() time.Time
	keys    *record.Table[Key]   // by id
	aliases *record.Table[Alias] // by account/region/name
	prints  *record.Table[print] // one record: which root key wraps the others
}

// A print is stored so that the records say which root key they need.
type print struct{ Print string }

const printKey = "root"

// patience bounds the writes of methods that take no context.
const patience = 10 * time.Second

// Open is the ring of the keys in records, under a root key. A root key that was
// made just now is written to its file first. When the records were made under
// another root key, Open fails and changes nothing.
func Open(records *record.Store, root Root, now func() time.Time) (*Ring, error) {
	r := &Ring{
		root: root, wrap: newAEAD(root.derive("millrace wrapping key v1")), now: now,
		keys:    record.NewTable[Key](records, "kmskey"),
		aliases: record.NewTable[Alias](records, "kmsalias"),
		prints:  record.NewTable[print](records, "rootkey"),
	}
	if known, ok := r.prints.Get(printKey); ok && known.Print != root.print() {
		return nil, r.otherRoot()
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.root.store(); err != nil {
		return nil, err
	}
	if err := r.Reset(ctx); err != nil {
		return nil, err
	}
	r.sweep(ctx)
	return r, nil
}

// Reset writes down anew which root key is in use, after all records have been
// removed.
func (r *Ring) Reset(ctx context.Context) error {
	err := r.prints.Create(ctx, printKey, print{r.root.print()})
	if !errors.Is(err, fault.Exists) {
		return err
	}
	if known, ok := r.prints.Get(printKey); !ok || known.Print != r.root.print() {
		return r.otherRoot() // of a runtime that shares the store, and was faster
	}
	return nil
}

func (r *Ring) otherRoot() error {
	if r.root.fresh {
		return wrapRoot(nil, "the root key file %s is missing, and what is stored was encrypted under the key in it: put a copy back there, or name it with --root-key (a runtime that joins others on one NATS server needs their root key); without it the encrypted data is lost, and only an empty data folder starts", r.root.path)
	}
	return wrapRoot(nil, "the root key in %s is not the one that what is stored was encrypted under: put the right one there, or name it with --root-key (runtimes that share a NATS server need the same one)", r.root.path)
}

// sweep removes the records of keys that are gone, and of their aliases. What
// fails is tried again at the next change.
func (r *Ring) sweep(ctx context.Context) {
	for _, k := range r.keys.List("") {
		if k.State(r.now()) != Gone {
			continue
		}
		for _, a := range r.aliases.List(scope(k.Account, k.Region)) {
			if a.Target == k.ID {
				_ = r.aliases.Delete(ctx, a.key())
			}
		}
		_ = r.keys.Delete(ctx, k.ID)
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

// aead is AES-256-GCM under a KMS key that may be used now.
func (r *Ring) aead(k Key) (cipher.AEAD, error) {
	if err := k.usable(r.now()); err != nil {
		return nil, err
	}
	if !k.Spec.Encrypts() {
		return nil, wrong(ErrUsage, "%s key usage is GENERATE_VERIFY_MAC which is not valid for this operation.", k.ARN())
	}
	secret, err := r.open(k)
	if err != nil {
		return nil, err
	}
	return newAEAD(secret), nil
}
