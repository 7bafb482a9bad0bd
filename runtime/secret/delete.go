package secret

import (
	"context"
	"errors"
	"time"

	"millrace/runtime/fault"
)

// Delete lets a secret wait for its deletion, for so long. Its values cannot be read
// meanwhile. Deleting if it waits already.
func (s *Secrets) Delete(ctx context.Context, sec Secret, window time.Duration) (Secret, error) {
	sec, err := s.change(ctx, sec, func(cur *Secret) error {
		cur.DeleteAt = cur.Changed.Add(window)
		return nil
	})
	if err == nil {
		s.scheduleSweep(sec.DeleteAt)
	}
	return sec, err
}

// Remove deletes a secret at once, with all its versions. NotFound.
func (s *Secrets) Remove(ctx context.Context, sec Secret) error {
	err := s.secrets.Delete(ctx, sec.key())
	if errors.Is(err, fault.NotFound) {
		return sec.fail(NotFound)
	}
	if err == nil {
		s.dropValues(ctx, sec.Versions)
	}
	return err
}

// Restore ends the wait for the deletion, if there is one: the secret is what it was.
func (s *Secrets) Restore(ctx context.Context, sec Secret) error {
	if !sec.Deleting() {
		return nil
	}
	_, err := s.update(ctx, sec, func(cur *Secret) error {
		cur.DeleteAt, cur.Changed = time.Time{}, s.nowMillis()
		return nil
	})
	return err
}

// dropValues removes the values of versions that no secret names any more. What remains,
// for example because ctx ended, is removed at the next start.
func (s *Secrets) dropValues(ctx context.Context, of Versions) {
	for _, v := range of {
		_ = s.values.Delete(ctx, v.Value)
	}
}

// orphanAge is how old a value is at least that Sweep takes for one that no secret will
// ever name: another runtime on the same store may be about to name a younger one.
const orphanAge = 10 * time.Minute

// Sweep removes the secrets whose windows are over, and values that no secret names,
// which a crash left behind.
func (s *Secrets) Sweep(ctx context.Context) error {
	if err := s.removeGone(ctx); err != nil {
		return err
	}
	named := map[string]bool{}
	secrets := s.secrets.List("")
	for _, sec := range secrets {
		for _, v := range sec.Versions {
			named[v.Value] = true
		}
	}
	unreadable := len(s.secrets.Keys("")) != len(secrets)
	for _, key := range s.values.Keys("") {
		v, ok := s.values.Get(key)
		// Nobody knows what an unreadable secret names.
		if unreadable || named[key] || !ok || s.now().Sub(v.Created) < orphanAge {
			continue
		}
		if err := s.values.Delete(ctx, key); err != nil && !errors.Is(err, fault.NotFound) {
			return err
		}
	}
	return nil
}

// sweepDue removes the secrets whose windows are over, if there are any. What fails is
// tried again at the next change or start.
func (s *Secrets) sweepDue(ctx context.Context) {
	s.mu.Lock()
	due := !s.nextSweep.IsZero() && !s.now().Before(s.nextSweep)
	s.mu.Unlock()
	if due {
		_ = s.removeGone(ctx)
	}
}

// removeGone removes the secrets whose windows are over, and notes when the next one is.
func (s *Secrets) removeGone(ctx context.Context) error {
	s.mu.Lock()
	s.nextSweep = time.Time{}
	s.mu.Unlock()
	var failed error
	for _, sec := range s.secrets.List("") {
		if !sec.gone(s.now()) {
			s.scheduleSweep(sec.DeleteAt)
			continue
		}
		if err := s.removeRecords(ctx, sec); err != nil {
			failed = errors.Join(failed, err)
			s.scheduleSweep(sec.DeleteAt)
		}
	}
	return failed
}

// removeRecords removes a secret and every value that was ever its own.
func (s *Secrets) removeRecords(ctx context.Context, sec Secret) error {
	if err := s.Remove(ctx, sec); err != nil && !errors.Is(err, NotFound) {
		return err
	}
	for _, key := range s.values.Keys(sec.ID + "/") {
		if err := s.values.Delete(ctx, key); err != nil && !errors.Is(err, fault.NotFound) {
			return err
		}
	}
	return nil
}

// scheduleSweep notes that a window is over at a time; zero for none.
func (s *Secrets) scheduleSweep(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !at.IsZero() && (s.nextSweep.IsZero() || at.Before(s.nextSweep)) {
		s.nextSweep = at
	}
}
