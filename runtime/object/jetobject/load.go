package jetobject

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"millrace/runtime/fault"
	"millrace/runtime/object"
	"millrace/runtime/store/loss"
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
	first, last, err := b.stream.bounds(ctx)
	if err != nil {
		return err
	}
	s := b.state
	s.session, s.stale, s.exists = session, false, last > 0
	opened := s.machine == nil
	if opened {
		b.restore(&s)
	}
	r := replay{bucket: b, first: first, last: last, had: s.last}
	if s.last > last || s.machine != nil && s.last > 0 && first > s.last+1 {
		// The end of the log is lost, or entries that say what became of what is known were
		// purged. All that is alive is in the log.
		s.machine, s.last = nil, 0
		b.handover.handed.Store(0)
		b.buckets.contents.clear() // sequences may come again
	}
	if s.machine == nil {
		s.machine = object.New(b.secret)
		s.last = first - 1
		opened = true
	}
	if opened { // nobody else knows the machine
		err = r.read(ctx, &s, func(f func()) { f() })
	} else {
		err = r.read(ctx, &s, func(f func()) {
			b.mu.Lock()
			defer b.mu.Unlock()
			f()
		})
	}
	if err == nil {
		err = r.report()
	}
	if err != nil {
		b.forget()
		return err
	}
	b.mu.Lock()
	b.state = s
	b.mu.Unlock()
	b.loaded(opened, r.lossy(), r.applied)
	return nil
}

// A replay reads a part of a log into a machine.
type replay struct {
	bucket      *Bucket
	first, last uint64 // of the log
	had         uint64 // the last entry that was there before, as far as is known
	missing     ranges // entries that do not exist, or cannot be read
	applied     int
}

// read applies the entries behind s.last. Changes of the machine are made inside of change.
func (r *replay) read(ctx context.Context, s *state, change func(func())) error {
	if s.last >= r.last {
		return nil
	}
	select {
	case r.bucket.buckets.readers <- struct{}{}:
		defer func() { <-r.bucket.buckets.readers }()
	case <-ctx.Done():
		return ctx.Err()
	}
	err := r.bucket.stream.scan(ctx, s.last+1, r.last, func(seq uint64, entry []byte) error {
		r.applied++
		var err error
		change(func() { _, err = s.machine.Apply(seq, entry) })
		if errors.Is(err, object.ErrDamagedEntry) {
			r.missing.add(seq, seq)
			return nil
		}
		return err
	}, r.missing.add)
	s.last = r.last
	return err
}

// lossy reports whether anything was found missing.
func (r *replay) lossy() bool {
	return len(r.missing) > 0 || r.had > r.last || r.bucket.buckets.config.TruncatedStreams[r.bucket.stream.name] && r.had == 0
}

// report tells of what is missing, before anybody is served without it.
func (r *replay) report() error {
	if !r.lossy() {
		return nil
	}
	l := loss.Loss{Kind: loss.Bucket, Name: r.bucket.ARN(), AtMost: true}
	entries := r.missing
	switch {
	case r.had > r.last:
		entries = append(ranges{}, r.missing...)
		entries.add(r.last+1, r.had)
		l.What = fmt.Sprintf("%d entries of its log are missing or damaged", entries.count())
	case len(r.missing) == 0:
		l.What = "the end of its log is cut short, by how much is not known"
	default:
		l.What = fmt.Sprintf("%d entries of its log are missing or damaged", entries.count())
	}
	l.What += ": objects that were put in them are lost, and those that were deleted or overwritten in them are back"
	l.Entries = entries.String()
	return r.bucket.buckets.config.OnLoss(l)
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
func (b *Bucket) ensure(ctx context.Context) error {
	b.mu.RLock()
	current := b.isCurrent()
	b.mu.RUnlock()
	if current {
		return nil
	}
	return b.submit(ctx, &request{alone: b.refresh})
}

// view calls f with the machine, which has all that was stored when view was called. f must
// not keep it.
func (b *Bucket) view(ctx context.Context, f func(*object.Machine)) error {
	if _, err := b.buckets.run(); err != nil {
		return err
	}
	if b.stream.shared {
		if err := b.catchUp(ctx); err != nil {
			return err
		}
	}
	for range 100 {
		if err := b.ensure(ctx); err != nil {
			return err
		}
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
	}
	return fault.New(fault.Unavailable, "the log of bucket %s is being read", b.ID().Name)
}
