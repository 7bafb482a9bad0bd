package secret

import (
	"context"
	"errors"
	"time"

	"millrace/runtime/fault"
)

// Select returns the version that an id, a label or both ask for; "" for either, and
// AWSCURRENT for neither. Deleting, NoVersion, NoStage, StageMismatch.
func (sec Secret) Select(id, stage string) (Version, error) {
	if sec.Deleting() {
		return Version{}, sec.fail(Deleting)
	}
	if id == "" && stage == "" {
		stage = Current
	}
	failed := &Error{Secret: sec.ARN(), Stage: stage, Version: id}
	if id == "" {
		v, ok := sec.Versions.Holder(stage)
		if !ok {
			failed.Reason = NoStage
			return Version{}, failed
		}
		return v, nil
	}
	v, ok := sec.Versions.Get(id)
	if !ok {
		failed.Reason = NoVersion
		return Version{}, failed
	}
	if holder, held := sec.Versions.Holder(stage); stage != "" && (!held || holder.ID != id) {
		failed.Reason = StageMismatch
		return Version{}, failed
	}
	return v, nil
}

// Read returns a version that Select finds, with its value, and notes the day. What
// Select says; NotUnsealed, KeyDenied.
func (s *Secrets) Read(ctx context.Context, sec Secret, who Caller, id, stage string) (Version, Value, error) {
	v, err := sec.Select(id, stage)
	if err != nil {
		return v, Value{}, err
	}
	value, err := s.unseal(ctx, sec, who, v)
	if errors.Is(err, fault.NotFound) {
		// The value may have been sealed anew since the secret was looked at.
		if now, ok := s.get(sec.key()); ok && now.ID == sec.ID {
			if v, err = now.Select(id, stage); err == nil {
				value, err = s.unseal(ctx, now, who, v)
			}
		}
	}
	if err != nil {
		return v, Value{}, err
	}
	s.touch(ctx, sec, v)
	return v, value, nil
}

// touch notes the day of a read, once a day. A read does not fail because that cannot be
// stored: on a full disk values can still be read.
func (s *Secrets) touch(ctx context.Context, sec Secret, v Version) {
	day := s.now().UTC().Truncate(24 * time.Hour)
	if !v.Accessed.Before(day) && !sec.Accessed.Before(day) {
		return
	}
	_, _ = s.update(ctx, sec, func(cur *Secret) error {
		cur.Accessed = day
		if i := cur.Versions.index(v.ID); i >= 0 {
			cur.Versions[i].Accessed = day
		}
		return nil
	})
}
