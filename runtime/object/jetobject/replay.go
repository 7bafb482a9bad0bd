package jetobject

import (
	"context"
	"errors"
	"fmt"

	"millrace/runtime/object"
	"millrace/runtime/store/loss"
)

// A replay reads a part of a log into a machine.
type replay struct {
	bucket      *Bucket
	first, last uint64 // of the log
	had         uint64 // the last entry that there was, as far as is known
	missing     ranges // entries that do not exist, or cannot be read
	applied     int
}

// errPurged says that another runtime purged entries while they were read.
var errPurged = errors.New("entries were purged while they were read")

// bounds finds out what the log has. A stream that should be there is made again: JetStream
// finds the entries when it could only not read what the stream is like.
func (r *replay) bounds(ctx context.Context) (err error) {
	b := r.bucket
	if r.first, r.last, err = b.stream.bounds(ctx); err != nil || r.last > 0 || r.had == 0 || b.stream.shared {
		return err
	}
	metadata, err := b.record.Load().metadata()
	if err == nil {
		err = b.stream.create(ctx, metadata)
	}
	if err == nil {
		r.first, r.last, err = b.stream.bounds(ctx)
	}
	return err
}

// read applies the entries behind s.last. Changes of the machine are made inside of change.
func (r *replay) read(ctx context.Context, s *state, change func(func())) error {
	needed := s.machine.FirstLive()
	if s.last < r.last {
		select {
		case r.bucket.buckets.readers <- struct{}{}:
			defer func() { <-r.bucket.buckets.readers }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	var newest []byte
	err := r.bucket.stream.scan(ctx, s.last+1, r.last, func(seq uint64, entry []byte) error {
		r.applied++
		var err error
		change(func() { _, err = s.machine.Apply(seq, entry) })
		if errors.Is(err, object.ErrDamagedEntry) {
			r.missing.add(seq, seq)
			return nil
		}
		newest = entry
		return err
	}, r.missing.add)
	if err != nil {
		return err
	}
	if len(r.missing) > 0 && r.bucket.stream.shared {
		first, _, err := r.bucket.stream.bounds(ctx)
		if err != nil {
			return err
		}
		if first > r.first {
			return errPurged
		}
	}
	s.last = r.last
	if newest != nil { // it says what it needs of those before it
		e, err := object.ReadEntry(newest)
		if err != nil {
			return err
		}
		needed = e.FirstLive
	}
	if needed > 0 && needed < r.first && r.last > 0 && !r.bucket.stream.shared { // else another runtime may be purging
		r.missing = append(ranges{{needed, r.first - 1}}, r.missing...)
	}
	return nil
}

// lossy reports whether anything was found missing.
func (r *replay) lossy() bool { return len(r.missing) > 0 || r.had > r.last || r.cut() }

// cut reports whether the end of the log was cut short, and nobody knows where it was.
func (r *replay) cut() bool {
	return r.had == 0 && r.bucket.buckets.config.TruncatedStreams[r.bucket.stream.name]
}

// report tells of what is missing, before anybody is served without it.
func (r *replay) report() error {
	if !r.lossy() {
		return nil
	}
	entries := r.missing
	if r.had > r.last {
		entries = append(ranges{}, r.missing...)
		entries.add(r.last+1, r.had)
	}
	what := fmt.Sprintf("%d entries of its log are missing or damaged", entries.count())
	switch {
	case len(entries) == 0:
		what = "the end of its log is cut short, by how much is not known"
	case r.cut():
		what += ", and its end is cut short, by how much is not known"
	}
	return r.bucket.buckets.config.OnLoss(loss.Loss{
		Kind: loss.Bucket, Name: r.bucket.ARN(), Entries: entries.String(), AtMost: true,
		What: what + ": objects that were put in them are lost, and those that were deleted or overwritten in them are back",
	})
}
