package function

import (
	"bytes"
	"context"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"sync"

	"millrace/runtime/fault"
	"millrace/runtime/store/keys"
	"millrace/runtime/store/record"
)

// A Keyring makes and unwraps the data keys that encrypt environment variables:
// *keys.Ring.
type Keyring interface {
	DataKey(keyID, account, region string) (keys.DataKey, error)
	Unwrap(wrapped []byte) (cipher.AEAD, error)
}

// A table stores the records of functions. It encrypts environment variables, as Lambda
// does, because they often are passwords; the rest is not encrypted.
type table struct {
	rows *record.Table[row]
	keys Keyring // nil encrypts nothing
	log  *slog.Logger

	opened sync.Map // decrypted variables by record key: a cache for open
}

// A row is a function as it is stored: with Sealed in place of Env if that is encrypted.
type row struct {
	Function
	Sealed *sealed `json:",omitempty"`
}

// A sealed is the JSON of variables in a box whose owner is the record's key, so that
// nobody can move variables to another function.
type sealed struct {
	Key []byte // the data key, wrapped by the root key
	Box []byte // of keys.Box
}

// variables are a decrypted Box. To decrypt it for each event would cost more than all
// other reading of a function's record.
type variables struct {
	box []byte
	env map[string]string // never changed
}

func (t *table) seal(f Function) (row, error) {
	if t.keys == nil || len(f.Env) == 0 {
		return row{Function: f}, nil
	}
	key, err := t.keys.DataKey("", f.Account, f.Region)
	if err != nil {
		return row{}, err
	}
	text, err := json.Marshal(f.Env)
	if err != nil {
		return row{}, err
	}
	box := keys.Box(key.AEAD, text, f.ID().key())
	f.Env = nil
	return row{f, &sealed{key.Wrapped, box}}, nil
}

func (t *table) open(r row) (Function, error) {
	f := r.Function
	if r.Sealed == nil {
		return f, nil
	}
	key := f.ID().key()
	if v, ok := t.opened.Load(key); ok && bytes.Equal(v.(variables).box, r.Sealed.Box) {
		f.Env = maps.Clone(v.(variables).env)
		return f, nil
	}
	if t.keys == nil {
		return f, errors.New("the variables are encrypted, and there is no key")
	}
	aead, err := t.keys.Unwrap(r.Sealed.Key)
	if err != nil {
		return f, err
	}
	text, err := keys.Unbox(aead, r.Sealed.Box, key)
	if err != nil {
		return f, err
	}
	if err := json.Unmarshal(text, &f.Env); err != nil {
		return f, err
	}
	t.opened.Store(key, variables{r.Sealed.Box, maps.Clone(f.Env)})
	return f, nil
}

// sealAll encrypts the variables that earlier versions stored unencrypted.
func (t *table) sealAll(ctx context.Context) error {
	if t.keys == nil {
		return nil
	}
	for _, r := range t.rows.List("") {
		if r.Sealed != nil || len(r.Env) == 0 {
			continue
		}
		_, err := t.Update(ctx, r.ID().key(), func(f Function) (Function, error) { return f, nil })
		if err != nil && !errors.Is(err, fault.NotFound) {
			return err
		}
	}
	return nil
}

// The methods that follow are those of record.Table. They skip a function whose
// variables cannot be decrypted, and log it.

func (t *table) Get(key string) (Function, bool) {
	r, ok := t.rows.Get(key)
	if !ok {
		t.opened.Delete(key)
		return Function{}, false
	}
	return t.readable(r)
}

// Find is Get that also finds what another runtime wrote a moment ago: fault.NotFound
// or fault.Unavailable if it does not.
func (t *table) Find(ctx context.Context, key string) (Function, error) {
	if f, ok := t.Get(key); ok {
		return f, nil
	}
	r, err := t.rows.Find(ctx, key)
	if err != nil {
		return Function{}, err
	}
	f, err := t.open(r)
	return f, fault.Wrap(fault.Unavailable, err, "the variables of function %s cannot be opened", r.Name)
}

func (t *table) readable(r row) (Function, bool) {
	f, err := t.open(r)
	if err != nil {
		t.log.Error("decrypting the variables of a function failed", "function", r.ARN(), "err", err)
	}
	return f, err == nil
}

func (t *table) List(prefix string) (all []Function) {
	for _, r := range t.rows.List(prefix) {
		if f, ok := t.readable(r); ok {
			all = append(all, f)
		}
	}
	return all
}

func (t *table) Create(ctx context.Context, key string, f Function) error {
	r, err := t.seal(f)
	if err != nil {
		return err
	}
	return t.rows.Create(ctx, key, r)
}

func (t *table) Update(ctx context.Context, key string, change func(Function) (Function, error)) (changed Function, err error) {
	_, err = t.rows.Update(ctx, key, func(r row) (row, error) {
		f, err := t.open(r)
		if err != nil {
			return r, err
		}
		if changed, err = change(f); err != nil {
			return r, err
		}
		return t.seal(changed)
	})
	if err != nil {
		return Function{}, err
	}
	return changed, nil
}

func (t *table) Delete(ctx context.Context, key string) error { return t.rows.Delete(ctx, key) }
