package jetobject

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
	"millrace/runtime/store/loss"
	"millrace/runtime/store/record"
)

// Start finds the buckets, and finishes what a crash has left unfinished. Each is read at its
// first use: but those whose end was cut short before Start returns, and those with
// notifications after it. Buckets start once: after a Stop it is lifecycle.ErrOnce.
func (bs *Buckets) Start(ctx context.Context) error { return bs.life.Start(ctx, bs.start) }

// Stop waits for what is under way, and writes snapshots. What a Stop cannot wait for is given
// up: its callers get fault.Unavailable.
func (bs *Buckets) Stop(ctx context.Context) error {
	return bs.life.Stop(ctx, "notifications of buckets")
}

var errStopped = fault.New(fault.Unavailable, "the buckets are closed")

// run is the present run, or errStopped.
func (bs *Buckets) run() (*lifecycle.Run, error) {
	if run := bs.running.Load(); run != nil {
		return run, nil
	}
	return nil, errStopped
}

func (bs *Buckets) start(ctx context.Context, run *lifecycle.Run) error {
	var err error
	if bs.checkpoints, err = openCheckpoints(bs.config.Dir); err != nil {
		return err
	}
	run.Cleanup(func(context.Context) error { return bs.checkpoints.close() })
	bs.running.Store(run)
	run.Cleanup(bs.finish)
	if bs.config.Cluster != nil {
		bs.table.Watch(bs.onRecord) // before the records are listed, so that no change is missed in between
		sub, err := bs.config.Backbone.Conn().Subscribe(storedSubject, bs.onStored)
		if err != nil {
			return fault.Wrap(fault.Unavailable, err, "subscribing to what other runtimes store")
		}
		run.Cleanup(func(context.Context) error {
			sub.Unsubscribe()
			return nil
		})
	}
	if err := bs.reconcile(ctx); err != nil {
		return err
	}
	if err := bs.checkpoints.retain(bs.hasGeneration); err != nil {
		return err
	}
	for _, b := range bs.all() {
		if err := bs.finishStart(ctx, b); err != nil {
			return err
		}
	}
	run.Go(func() { bs.removeLeftovers(run.Halted()) })
	run.Go(func() { bs.watch(run) })
	return nil
}

// reconcile finds the buckets of all records, and of streams whose record was lost.
func (bs *Buckets) reconcile(ctx context.Context) error {
	known := map[string]bool{}
	for _, r := range bs.table.List("") {
		known[bs.add(r).stream.name] = true
	}
	if bs.config.Cluster != nil { // another runtime may be making or deleting a bucket
		return nil
	}
	streams := bs.config.Backbone.JetStream().ListStreams(ctx, jetstream.WithStreamListSubject(subjectPrefix+"*"))
	for s := range streams.Info() {
		if !known[s.Config.Name] && IsLog(s.Config.Name) {
			if err := bs.restoreRecord(ctx, s); err != nil {
				return err
			}
		}
	}
	return fault.Wrap(fault.Unavailable, streams.Err(), "listing the logs of buckets")
}

// restoreRecord makes the record of a stream that has none anew: a deletion removes the stream
// first, so the record was lost.
func (bs *Buckets) restoreRecord(ctx context.Context, s *jetstream.StreamInfo) error {
	var r bucketRecord
	if json.Unmarshal([]byte(s.Config.Metadata[recordMetadata]), &r) != nil || streamPrefix+generationName(r.Generation) != s.Config.Name {
		bs.config.Log.Warn("a stream is left alone: it has the name of a bucket's log, and is none", "stream", s.Config.Name)
		return nil
	}
	what := "the record of this bucket was lost; it is back with the settings that it had at its first write, and what was changed since is lost"
	switch bs.table.State(r.ID.Name) {
	case record.Present:
		what = "its record was lost, and there is another bucket of its name: its objects are kept, and not served"
	case record.Unreadable:
		what = "the record of this bucket cannot be read: it is damaged, or of another version; its objects are kept, and not served"
	}
	if err := bs.config.OnLoss(loss.Loss{Kind: loss.Record, Name: bucketARN(r.ID.Name), What: what}); err != nil {
		return err
	}
	if state := bs.table.State(r.ID.Name); state == record.Present || state == record.Unreadable {
		return nil
	}
	if err := bs.table.Create(ctx, r.ID.Name, r); err != nil {
		return err
	}
	bs.add(r)
	return nil
}

// finishStart finishes the deletion of a bucket, and reads one whose end was cut short.
func (bs *Buckets) finishStart(ctx context.Context, b *Bucket) error {
	if b.record.Load().Deleting && bs.config.Cluster == nil {
		_, last, err := b.stream.bounds(ctx)
		if err != nil {
			return err
		}
		if last == 0 { // there is no stream: it was removed, or never made
			return bs.removeBucket(ctx, b)
		}
		err = b.ensure(ctx)
		if errors.Is(err, fault.NotFound) { // it is closed
			if err = b.handOverRest(ctx); err == nil {
				err = bs.removeBucket(ctx, b)
			}
			return err
		}
		if err != nil {
			return err
		}
		return b.setDeleting(ctx, false)
	}
	if bs.config.TruncatedStreams[b.stream.name] {
		return b.ensure(ctx)
	}
	return nil
}

// ReadAll reads the logs of all buckets, so that what is missing of them is known.
func (bs *Buckets) ReadAll(ctx context.Context) error {
	for _, b := range bs.all() {
		if err := b.ensure(ctx); err != nil && !errors.Is(err, fault.NotFound) {
			return err
		}
	}
	return nil
}

// removeLeftovers removes what buckets that are deleted have left beside the log.
func (bs *Buckets) removeLeftovers(ctx context.Context) {
	if bs.config.Cluster != nil {
		return
	}
	known := map[string]bool{}
	for _, b := range bs.all() {
		known[b.blobs.bucket] = true
	}
	names, err := bs.config.Blobs.Buckets(ctx)
	for _, name := range names {
		if bs.adminMu.Lock(); !known[name] && !bs.hasName(name) {
			err = errors.Join(err, bs.config.Blobs.RemoveBucket(ctx, name))
		}
		bs.adminMu.Unlock()
	}
	err = errors.Join(err, bs.removeSnapshots(bs.hasName))
	if err != nil && ctx.Err() == nil {
		bs.config.Log.Warn("removing what deleted buckets have left failed: the next start tries again", "err", err)
	}
}

// hasName reports whether there is a bucket whose generation has a name.
func (bs *Buckets) hasName(name string) bool {
	generation, err := strconv.ParseUint(name, 16, 64)
	return err == nil && bs.hasGeneration(generation)
}

// hasGeneration reports whether there is a bucket of a generation.
func (bs *Buckets) hasGeneration(generation uint64) bool {
	bs.mu.RLock()
	defer bs.mu.RUnlock()
	for _, b := range bs.buckets {
		if b.generation == generation {
			return true
		}
	}
	return false
}

// finish waits for callers, when no goroutine is left, and writes snapshots.
func (bs *Buckets) finish(ctx context.Context) (err error) {
	defer bs.running.Store(nil)
	for _, b := range bs.all() {
		e := b.submit(ctx, &request{alone: func(context.Context) error {
			b.publisher.close()
			return b.snapshotAtStop()
		}})
		err = errors.Join(err, e)
	}
	return err
}
