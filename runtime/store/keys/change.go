package keys

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"time"

	"millrace/runtime/fault"
)

const (
	day  = 24 * time.Hour
	year = 365 * day
)

// nowMillis is the present as it is kept: in milliseconds.
func (r *Ring) nowMillis() time.Time { return r.now().UTC().Truncate(time.Millisecond) }

// Create makes a key of k's account, region, spec, description, policy and tags,
// and returns it. ErrUsage when there is no such spec.
func (r *Ring) Create(ctx context.Context, k Key) (Key, error) {
	r.sweep(ctx)
	if k.Spec.materialSize() == 0 {
		return Key{}, newError(ErrUsage, "there is no key spec %s", k.Spec)
	}
	return r.store(ctx, Key{
		ID: newID(), Account: k.Account, Region: k.Region, Spec: k.Spec,
		Description: k.Description, Policy: k.Policy, Tags: k.Tags,
	})
}

// store gives a key its material and keeps it.
func (r *Ring) store(ctx context.Context, k Key) (Key, error) {
	secret := make([]byte, k.Spec.materialSize())
	rand.Read(secret) // never fails, says its documentation
	id, _ := parseID(k.ID)
	k.Created = r.nowMillis()
	k.RotateFrom = k.Created
	k.Material = seal(r.wrap, material, id, nil, secret)
	return k, r.keys.Create(ctx, k.ID, k)
}

// Keys are an account's in a region, in the order of their ids.
func (r *Ring) Keys(account, region string) []Key {
	return slices.DeleteFunc(r.keys.List(""), func(k Key) bool {
		return k.Account != account || k.Region != region || k.State(r.now()) == Gone
	})
}

// change stores what edit makes of a key. Edit is told the present.
func (r *Ring) change(ctx context.Context, k Key, edit func(k *Key, now time.Time) error) (Key, error) {
	r.sweep(ctx)
	got, err := r.keys.Update(ctx, k.ID, func(k Key) (Key, error) {
		err := edit(&k, r.nowMillis())
		return k, err
	})
	if errors.Is(err, fault.NotFound) && !errors.Is(err, ErrNotFound) {
		return Key{}, k.missing()
	}
	if err == nil {
		r.tellWatchers()
	}
	return got, err
}

// changeUsable is change for keys that do not wait for their deletion.
func (r *Ring) changeUsable(ctx context.Context, k Key, edit func(k *Key, now time.Time)) (Key, error) {
	return r.change(ctx, k, func(k *Key, now time.Time) error {
		switch k.State(now) {
		case Gone:
			return k.missing()
		case PendingDeletion:
			return k.pending()
		}
		edit(k, now)
		return nil
	})
}

// Enable lets a key be used; Disable forbids it. ErrState while it waits for its
// deletion.
func (r *Ring) Enable(ctx context.Context, k Key) error {
	_, err := r.changeUsable(ctx, k, func(k *Key, _ time.Time) { k.Disabled = false })
	return err
}

// Disable forbids the use of a key.
func (r *Ring) Disable(ctx context.Context, k Key) error {
	_, err := r.changeUsable(ctx, k, func(k *Key, _ time.Time) { k.Disabled = true })
	return err
}

// ScheduleDeletion forbids the use of a key, and lets it be gone after so many
// days. ErrState when that has been said already.
func (r *Ring) ScheduleDeletion(ctx context.Context, k Key, days int) (Key, error) {
	k, err := r.changeUsable(ctx, k, func(k *Key, now time.Time) { k.DeleteAt = now.Add(time.Duration(days) * day) })
	if err == nil {
		r.scheduleSweep(k.DeleteAt)
	}
	return k, err
}

// CancelDeletion keeps a key that waits for its deletion, disabled. ErrState when
// it does not.
func (r *Ring) CancelDeletion(ctx context.Context, k Key) error {
	_, err := r.change(ctx, k, func(k *Key, now time.Time) error {
		switch k.State(now) {
		case Gone:
			return k.missing()
		case PendingDeletion:
			k.DeleteAt, k.Disabled = time.Time{}, true
			return nil
		}
		return newError(ErrState, "%s is not pending deletion.", k.ARN())
	})
	return err
}

// Describe changes a key's description.
func (r *Ring) Describe(ctx context.Context, k Key, text string) error {
	_, err := r.changeUsable(ctx, k, func(k *Key, _ time.Time) { k.Description = text })
	return err
}

// SetPolicy changes a key's policy, whatever its state.
func (r *Ring) SetPolicy(ctx context.Context, k Key, policy string) error {
	_, err := r.change(ctx, k, func(k *Key, now time.Time) error {
		if k.State(now) == Gone {
			return k.missing()
		}
		k.Policy = policy
		return nil
	})
	return err
}

// SetRotation notes how often a key of use should rotate; 0 for never. No key
// rotates here.
func (r *Ring) SetRotation(ctx context.Context, k Key, every time.Duration) error {
	_, err := r.change(ctx, k, func(k *Key, now time.Time) error {
		if err := k.usable(now); err != nil {
			return err
		}
		if k.Rotation != every {
			k.Rotation, k.RotateFrom = every, now
		}
		return nil
	})
	return err
}

// SetTags lets change make a key's tags from what they are. Its error is
// returned as it is, and nothing changes then.
func (r *Ring) SetTags(ctx context.Context, k Key, change func([]Tag) ([]Tag, error)) error {
	_, err := r.change(ctx, k, func(k *Key, now time.Time) (err error) {
		switch k.State(now) {
		case Gone:
			return k.missing()
		case PendingDeletion:
			return k.pending()
		}
		k.Tags, err = change(k.Tags)
		return err
	})
	return err
}
