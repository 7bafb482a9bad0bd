package jetobject

import (
	"context"
	"errors"
	"io/fs"

	"millrace/runtime/fault"
	"millrace/runtime/object"
)

// isCurrent reports whether what is known of the log is all there was when it was last heard
// of. Called with mu held, or by the leader.
func (b *Bucket) isCurrent() bool {
	s := &b.state
	return s.machine != nil && !s.stale && s.session == b.buckets.config.Backbone.Session() && s.session.Err() == nil
}

// refresh reads what the log has beyond what is known, if there may be anything. It is called
// by the leader. fault.NotFound when the bucket is deleted.
func (b *Bucket) refresh(ctx context.Context) error {
	if b.removed.Load() {
		return b.gone()
	}
	if !b.isCurrent() {
		if err := b.load(ctx); err != nil {
			return b.unavailable(err)
		}
	}
	if b.state.machine.Closed() {
		return b.gone()
	}
	return nil
}

// load reads the log: all of it or what is behind a snapshot the first time, and later what
// is new.
func (b *Bucket) load(ctx context.Context) error {
	store := b.buckets.config.Backbone
	session := store.Session() // before the log is looked at
	if err := store.Down(); err != nil {
		return err
	}
	s := b.state
	opened := s.machine == nil
	if opened {
		b.restore(&s)
	}
	r := replay{bucket: b, had: max(s.last, b.buckets.checkpoints.last(b.generation))}
	if err := r.bounds(ctx); err != nil {
		return err
	}
	if r.last == 0 && r.had > 0 && b.stream.shared && b.wasRemoved(ctx) {
		return b.gone()
	}
	s.session, s.stale, s.exists = session, false, r.last > 0
	if s.last > r.last || s.machine != nil && r.first > s.last+1 {
		// The end of the log is lost, or entries that say what became of what is known were
		// purged. All that is alive is in the log. Sequences, and numbers of events, may
		// come again.
		s.machine = nil
		b.handover.handed.Store(0)
		b.buckets.contents.clear()
	}
	change := func(f func()) {
		b.mu.Lock()
		defer b.mu.Unlock()
		f()
	}
	if s.machine == nil {
		s.machine, s.last = object.New(b.secret), r.first-1
		opened = true
		if !b.stream.shared && r.last > 0 && r.first > r.last { // the newest entry is never purged
			r.missing.add(1, r.last)
		}
	}
	if opened { // nobody else knows the machine
		change = func(f func()) { f() }
	}
	err := r.read(ctx, &s, change)
	if errors.Is(err, errPurged) {
		b.forget()
		return b.load(ctx)
	}
	if err == nil {
		err = r.report()
	}
	if err == nil && s.exists {
		if b.checkpoint, err = b.buckets.checkpoints.slot(b.generation); err == nil {
			err = b.checkpoint.write(b.generation, s.last)
		}
	}
	if err != nil {
		b.forget()
		return err
	}
	if opened { // another machine counts anew
		b.upkeep.trimBelow, b.upkeep.firstLive = 0, 0
	}
	b.mu.Lock()
	b.state = s
	b.mu.Unlock()
	b.loaded(opened, r.lossy(), r.applied)
	return nil
}

// wasRemoved reports whether another runtime has deleted the bucket.
func (b *Bucket) wasRemoved(ctx context.Context) bool {
	name := b.ID().Name
	err := b.buckets.table.Refresh(ctx, name)
	if r, ok := b.buckets.table.Get(name); errors.Is(err, fault.NotFound) || ok && r.Generation != b.generation {
		b.removed.Store(true)
	}
	return b.removed.Load()
}

// restore sets what the snapshot has of the log, if there is one.
func (b *Bucket) restore(s *state) {
	m, err := b.readSnapshot()
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		b.buckets.config.Log.Warn("the snapshot of a bucket cannot be read: its log is read whole", "bucket", b.ID().Name, "err", err)
	default:
		s.machine, s.last = m, m.LastEntry()
	}
}

// ensure has the log read as far as it was heard of, for a reader.
func (b *Bucket) ensure(ctx context.Context) error { return b.viewNow(ctx, func(*object.Machine) {}) }

// view calls f with the machine, which has all that was stored when view was called. f must
// not keep it. fault.NotFound when the bucket is deleted.
func (b *Bucket) view(ctx context.Context, f func(*object.Machine)) error {
	if _, err := b.buckets.run(); err != nil {
		return err
	}
	if b.stream.shared {
		if err := b.catchUp(ctx); err != nil {
			return err
		}
	}
	return b.viewNow(ctx, f)
}

// viewNow is view with what this runtime has heard of.
func (b *Bucket) viewNow(ctx context.Context, f func(*object.Machine)) error {
	for range 100 {
		b.mu.RLock()
		if b.isCurrent() {
			defer b.mu.RUnlock()
			if b.state.machine.Closed() {
				return b.gone()
			}
			f(b.state.machine)
			return nil
		}
		b.mu.RUnlock()
		if err := b.submit(ctx, &request{alone: b.refresh}); err != nil {
			return err
		}
	}
	return fault.New(fault.Unavailable, "the log of bucket %s is being read", b.ID().Name)
}
