package secret

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/policy"
	"millrace/runtime/store/keys"
	"millrace/runtime/store/record"
)

// Secrets are the secrets of all accounts. They start no goroutine, and are safe for
// concurrent use.
type Secrets struct {
	ring    *keys.Ring
	secrets *record.Table[Secret]
	values  *record.Table[sealed]
	now     func() time.Time

	mu        sync.Mutex // guards nextSweep
	nextSweep time.Time  // when the next recovery window is over; zero for never
}

// New is the secrets in a store, sealed under the keys of ring. Call Sweep before they
// are used.
func New(records *record.Store, ring *keys.Ring, now func() time.Time) *Secrets {
	return &Secrets{
		ring: ring, now: now,
		secrets: record.NewTable[Secret](records, "secret"),
		values:  record.NewTable[sealed](records, "secretvalue"),
	}
}

// nowMillis is the present as it is kept: in milliseconds.
func (s *Secrets) nowMillis() time.Time { return s.now().UTC().Truncate(time.Millisecond) }

// Find returns the secret that ref refers to, also one that waits for its deletion. A
// stranger, of another account than the secret's, must name all of the ARN. NotFound.
func (s *Secrets) Find(ref Ref, account string) (Secret, error) {
	missing := &Error{Reason: NotFound}
	if ref.Suffix == "" && ref.Account != account {
		return Secret{}, missing
	}
	sec, ok := s.get(recordKey(ref.Account, ref.Region, ref.Name))
	if !ok || ref.Suffix != "" && ref.Suffix != sec.Suffix {
		return Secret{}, missing
	}
	return sec, nil
}

// get is the secret of a key, unless its window is over.
func (s *Secrets) get(key string) (Secret, bool) {
	sec, ok := s.secrets.Get(key)
	return sec, ok && !sec.gone(s.now())
}

// All returns an account's secrets in a region, in no useful order, also those that wait
// for their deletion.
func (s *Secrets) All(account, region string) []Secret {
	return slices.DeleteFunc(s.secrets.List(scope(account, region)), func(sec Secret) bool { return sec.gone(s.now()) })
}

// Count is how many secrets there are, of all accounts.
func (s *Secrets) Count() int { return len(s.secrets.Keys("")) }

// Create stores a new secret of sec's account, region, name, description, key, type and
// tags. value is its first version, whose id is token; nil for none. The same again, with
// the same token and value, is answered like the first time. Exists, NameDeleting,
// NotSealed, KeyDenied.
func (s *Secrets) Create(ctx context.Context, sec Secret, who Caller, token string, value *Value) (Secret, error) {
	s.sweepDue(ctx)
	now := s.nowMillis()
	sec.Suffix, sec.ID = newSuffix(), rand.Text()
	sec.Created, sec.Changed, sec.Tagged = now, now, len(sec.Tags) > 0
	if there, ok := s.get(sec.key()); ok { // before a value is sealed for nothing
		return s.created(ctx, there, who, token, value)
	}
	if value != nil {
		key, err := s.seal(ctx, sec, who, sec.KeyID, token, *value)
		if err != nil {
			return Secret{}, err
		}
		sec.Versions = Versions{{ID: token, Value: key, Created: now, Stages: []string{Current}, KeyID: sec.KeyID}}
	}
	err := s.secrets.Create(ctx, sec.key(), sec)
	if errors.Is(err, fault.Exists) {
		s.dropValues(ctx, sec.Versions)
		there, ok := s.get(sec.key())
		if !ok {
			return Secret{}, err
		}
		return s.created(ctx, there, who, token, value)
	}
	return sec, err
}

// created answers a Create whose name is taken.
func (s *Secrets) created(ctx context.Context, there Secret, who Caller, token string, value *Value) (Secret, error) {
	if there.Deleting() {
		return Secret{}, there.fail(NameDeleting)
	}
	if v, ok := there.Versions.Get(token); ok && value != nil {
		if err := s.same(ctx, there, who, v, *value); !errors.Is(err, TokenUsed) {
			return there, err
		}
	}
	return Secret{}, there.fail(Exists)
}

// same is nil if a version has a value: TokenUsed if it has another.
func (s *Secrets) same(ctx context.Context, sec Secret, who Caller, v Version, value Value) error {
	has, err := s.unseal(ctx, sec, who, v)
	if err == nil && !has.equal(value) {
		err = &Error{Reason: TokenUsed, Secret: sec.ARN(), Version: v.ID}
	}
	return err
}

// Put gives a secret a new version, whose id is token, with labels; none stands for
// AWSCURRENT. The same again changes nothing. Deleting, TokenUsed, TooManyStages,
// TooManyVersions, NotSealed, KeyDenied.
func (s *Secrets) Put(ctx context.Context, sec Secret, who Caller, token string, value Value, stages []string) (Version, error) {
	s.sweepDue(ctx)
	if sec.Deleting() {
		return Version{}, sec.fail(Deleting)
	}
	if v, ok := sec.Versions.Get(token); ok {
		return v, s.same(ctx, sec, who, v, value)
	}
	key, err := s.seal(ctx, sec, who, sec.KeyID, token, value)
	if err != nil {
		return Version{}, err
	}
	now := s.nowMillis()
	v := Version{ID: token, Value: key, Created: now, KeyID: sec.KeyID}
	var dropped Versions
	next, err := s.change(ctx, sec, func(cur *Secret) error {
		if v, ok := cur.Versions.Get(token); ok {
			return &Error{Reason: TokenUsed, Secret: cur.ARN(), Version: v.ID}
		}
		next, err := cur.Versions.Put(v, stages)
		dropped = missing(cur.Versions, next)
		cur.Versions = next
		return err
	})
	var refused *Error
	switch {
	case errors.As(err, &refused):
		// Only when it is certain that no record names the value: of other errors nobody
		// knows what has been stored.
		s.dropValues(ctx, Versions{v})
		if there, ok := s.get(sec.key()); ok && refused.Reason == TokenUsed {
			if v, ok := there.Versions.Get(token); ok { // of a call at the same time
				return v, s.same(ctx, there, who, v, value)
			}
		}
		return Version{}, err
	case err != nil:
		return Version{}, err
	}
	s.dropValues(ctx, dropped)
	v, _ = next.Versions.Get(token)
	return v, nil
}

// missing are the versions that are no longer among next.
func missing(before, next Versions) (gone Versions) {
	for _, v := range before {
		if now, ok := next.Get(v.ID); !ok || now.Value != v.Value {
			gone = append(gone, v)
		}
	}
	return gone
}

// MoveStage is Versions.Move of the secret. Deleting, and what that says.
func (s *Secrets) MoveStage(ctx context.Context, sec Secret, stage, to, from string) error {
	_, err := s.change(ctx, sec, func(cur *Secret) (err error) {
		cur.Versions, err = cur.Versions.Move(stage, to, from)
		return err
	})
	return err
}

// Edit stores what edit makes of a secret's description, type, policy and tags. An error
// of edit is returned as it is, and nothing is stored. Deleting.
func (s *Secrets) Edit(ctx context.Context, sec Secret, edit func(*Secret) error) error {
	_, err := s.change(ctx, sec, func(cur *Secret) error {
		err := edit(cur)
		cur.Tagged = cur.Tagged || len(cur.Tags) > 0
		return err
	})
	return err
}

// change stores what edit makes of a secret that does not wait for its deletion, and
// notes when. NotFound, Deleting.
func (s *Secrets) change(ctx context.Context, sec Secret, edit func(*Secret) error) (Secret, error) {
	return s.update(ctx, sec, func(cur *Secret) error {
		if cur.Deleting() {
			return cur.fail(Deleting)
		}
		cur.Changed = s.nowMillis()
		return edit(cur)
	})
}

// update stores what edit makes of a secret that is still the same. NotFound.
func (s *Secrets) update(ctx context.Context, sec Secret, edit func(*Secret) error) (Secret, error) {
	next, err := s.secrets.Update(ctx, sec.key(), func(cur Secret) (Secret, error) {
		if cur.ID != sec.ID || cur.gone(s.now()) {
			return cur, sec.fail(NotFound)
		}
		err := edit(&cur)
		return cur, err
	})
	var refused *Error
	if errors.Is(err, fault.NotFound) && !errors.As(err, &refused) {
		return Secret{}, sec.fail(NotFound)
	}
	return next, err
}

// Value returns the current value of the secret with an ARN, which may be a partial one,
// on behalf of its own account: what other services read. NotFound, BadName, Deleting,
// NoStage, NotUnsealed.
func (s *Secrets) Value(ctx context.Context, arn string) (string, error) {
	ref, err := ParseRef(arn, "", "")
	if err != nil {
		return "", err
	}
	sec, err := s.Find(ref, ref.Account)
	if err != nil {
		return "", err
	}
	_, value, err := s.Read(ctx, sec, Caller{Principal: policy.RootPrincipal(sec.Account)}, "", "")
	return string(value.Bytes), err
}

// newSuffix makes the end of an ARN.
func newSuffix() string {
	var b strings.Builder
	for range suffixLength {
		b.WriteByte(suffixCharacters[uniform(rand.Reader, len(suffixCharacters))])
	}
	return b.String()
}
