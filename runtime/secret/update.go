package secret

import (
	"context"
	"errors"
	"slices"
)

// errChanged says that a secret's values were changed while they were sealed anew.
var errChanged = errors.New("the secret has changed")

// SetKey seals the values with AWSCURRENT, AWSPENDING and AWSPREVIOUS anew under another
// KMS key, "" for aws/secretsmanager, and uses it for values to come. Deleting, NotSealed,
// NotUnsealed, KeyDenied.
//
// Secrets Manager API Reference, UpdateSecret.
func (s *Secrets) SetKey(ctx context.Context, sec Secret, who Caller, keyID string) (Secret, error) {
	for {
		next, err := s.reseal(ctx, sec, who, keyID)
		if !errors.Is(err, errChanged) {
			return next, err
		}
		now, ok := s.get(sec.key())
		if !ok || now.ID != sec.ID {
			return Secret{}, sec.fail(NotFound)
		}
		sec = now
	}
}

func (s *Secrets) reseal(ctx context.Context, sec Secret, who Caller, keyID string) (Secret, error) {
	if sec.Deleting() {
		return Secret{}, sec.fail(Deleting)
	}
	sealedAnew := map[string]string{} // values before, and after
	var fresh Versions
	for _, v := range sec.Versions {
		if !v.inUse() {
			continue
		}
		value, err := s.unseal(ctx, sec, who, v)
		var key string
		if err == nil {
			key, err = s.seal(ctx, sec, who, keyID, v.ID, value)
		}
		if err != nil {
			s.dropValues(ctx, fresh)
			return Secret{}, err
		}
		sealedAnew[v.Value] = key
		fresh = append(fresh, Version{Value: key})
	}
	var old Versions
	next, err := s.change(ctx, sec, func(cur *Secret) error {
		before := cur.Versions.clone()
		for i := range cur.Versions {
			v := &cur.Versions[i]
			if !v.inUse() {
				continue
			}
			key, ok := sealedAnew[v.Value]
			if !ok {
				return errChanged
			}
			v.Value, v.KeyID = key, keyID
		}
		cur.KeyID = keyID
		old = missing(before, cur.Versions)
		return nil
	})
	var refused *Error
	switch {
	case errors.Is(err, errChanged), errors.As(err, &refused):
		s.dropValues(ctx, fresh)
	case err == nil:
		s.dropValues(ctx, old)
	}
	return next, err
}

// inUse reports whether a version has one of the labels of AWS.
func (v Version) inUse() bool {
	return slices.ContainsFunc(v.Stages, func(s string) bool { return s == Current || s == Pending || s == Previous })
}
