package jetobject

import (
	"context"
	"errors"
	"time"

	"millrace/runtime/object"
	"millrace/runtime/store/backbone"
)

// upkeep is what a bucket does beside its callers: it purges what is dead of its log, moves
// what is in the way of that, and writes snapshots. The leader starts it, one thing of a kind
// at a time, and all fields are the leader's.
type upkeep struct {
	trimming, moving, snapshotting bool

	// firstLive is what the newest entry says that it needs of those before it: what is
	// missing from there on is lost, and not trimmed.
	firstLive uint64
	trimBelow uint64 // purge up to here once firstLive has come so far, with the next entry; 0 for nothing
	trimBytes int64  // which frees so many bytes

	sinceSnapshot  int // entries
	spaceCheckedAt time.Time
	tight          bool // nothing is admitted before there is room: free some sooner
}

const (
	// spaceCheckInterval is for how long the last answer of the gate is relied on.
	spaceCheckInterval = 50 * time.Millisecond
	// moveAtOnce is about how many bytes are moved with one entry.
	moveAtOnce = 512 << 10
)

// afterEntry does what follows from an entry that was stored: contents are kept in memory,
// blobs removed, events handed over.
func (b *Bucket) afterEntry(taken []pending, effects object.Effects) {
	for _, c := range taken {
		switch c := c.command.(type) {
		case *object.Put:
			b.cache(c.Stored.Content, c.Inline)
		case *object.PutPart:
			b.cache(c.Stored.Content, c.Inline)
		}
	}
	b.removeBlobs(effects.Garbage)
	if effects.Events > 0 {
		if b.isOwned() {
			b.announceEvents()
		} else {
			b.tellOwner()
		}
	}
	b.upkeep.sinceSnapshot++
	b.keepUp()
}

func (b *Bucket) cache(c object.Content, sealed []byte) {
	if c.Entry != 0 && len(sealed) > 0 {
		b.buckets.contents.add(contentKey{b.generation, c.Entry, c.Offset}, sealed)
	}
}

// loaded does what follows from having read the log.
func (b *Bucket) loaded(opened, lossy bool, entries int) {
	run, err := b.buckets.run()
	if err != nil {
		return
	}
	b.upkeep.sinceSnapshot += entries
	if lossy { // what is missing is told once, and what comes next may have its sequences
		if write := b.writeSnapshot(); write != nil {
			if err := write(); err != nil {
				b.buckets.config.Log.Warn("writing a snapshot of a bucket failed", "bucket", b.ID().Name, "err", err)
			}
		}
	}
	if opened && !lossy { // what a lost entry named may be all that is left of an object
		run.Go(func() { b.sweep(run.Halted()) })
	}
	if b.state.machine.PendingLen() > 0 {
		b.announceEvents()
	}
	b.keepUp()
}

// keepUp starts what is due. It is called by the leader.
func (b *Bucket) keepUp() {
	run, err := b.buckets.run()
	m, u := b.state.machine, &b.upkeep
	if err != nil || m == nil || m.Closed() {
		return
	}
	if now := time.Now(); now.Sub(u.spaceCheckedAt).Abs() >= spaceCheckInterval {
		u.tight, u.spaceCheckedAt = b.buckets.config.Gate.Full() != nil, now
	}
	store := b.buckets.config.Backbone
	if u.trimBelow == 0 && !u.trimming && m.NeedsTrim(u.tight) && b.isOwned() {
		u.trimBelow, u.trimBytes = m.FirstLive(), m.TrimmableBytes()
	}
	if below, bytes := u.trimBelow, u.trimBytes; below > 0 && u.firstLive >= below && store.Purgeable(bytes) {
		u.trimBelow = 0
		u.trimming = run.Go(func() { b.trim(run.Work(), m, below, bytes) })
	}
	if !u.moving && m.NeedsMove(u.tight) && b.isOwned() && store.Drain(moveAtOnce+backbone.MaxPayload/8) {
		entries := m.Movable(moveAtOnce)
		u.moving = run.Go(func() { b.move(run.Work(), entries) })
	}
	if !u.snapshotting && u.sinceSnapshot >= max(snapshotEntries, m.Len()/16) {
		if write := b.writeSnapshot(); write != nil {
			u.sinceSnapshot = 0
			u.snapshotting = run.Go(func() { b.snapshot(run.Work(), write) })
		}
	}
}

// trim purges dead entries from the stream. It syncs the stream first: a power cut must not
// lose the entry that says what became of those.
func (b *Bucket) trim(ctx context.Context, m *object.Machine, below uint64, bytes int64) {
	err := b.buckets.config.Backbone.Sync(b.stream.name)
	if err == nil {
		err = b.stream.purge(ctx, below)
	}
	b.report(ctx, err, "trimming the log of a bucket failed")
	b.done(ctx, func() {
		b.upkeep.trimming = false
		if err == nil && b.state.machine == m { // a newer machine counts anew
			b.mu.Lock()
			m.LogTrimmed(bytes)
			b.mu.Unlock()
		}
	})
}

// move copies what is live of old entries to the end of the log.
func (b *Bucket) move(ctx context.Context, entries []uint64) {
	var moves []object.Command
	var err error
	for _, seq := range entries {
		var entry []byte
		if entry, err = b.stream.get(ctx, seq); err != nil {
			break
		}
		if entry != nil {
			moves = append(moves, &object.Move{Seq: seq, Entry: entry})
		}
	}
	if len(moves) > 0 && err == nil {
		err = b.submit(ctx, &request{commands: moves})
	}
	progress := err == nil && len(moves) > 0
	for _, c := range moves {
		if m := c.(*object.Move); m.Err != nil {
			err, progress = errors.Join(err, m.Err), false
		}
	}
	b.report(ctx, err, "compacting the log of a bucket failed")
	b.done(ctx, func() {
		b.upkeep.moving = !progress // after a failure it is not tried again before the next start
		b.keepUp()
	})
}

func (b *Bucket) snapshot(ctx context.Context, write func() error) {
	b.report(ctx, write(), "writing a snapshot of a bucket failed")
	b.done(ctx, func() { b.upkeep.snapshotting = false })
}

func (b *Bucket) report(ctx context.Context, err error, what string) {
	if err != nil && ctx.Err() == nil {
		b.buckets.config.Log.Warn(what, "bucket", b.ID().Name, "err", err)
	}
}

// done has the leader note that something is over.
func (b *Bucket) done(ctx context.Context, note func()) {
	_ = b.submit(ctx, &request{alone: func(context.Context) error {
		note()
		return nil
	}}) // ctx has ended, and so has the bucket
}

// logBytes is about how many bytes the log has.
func (b *Bucket) logBytes() int64 {
	if b.state.machine == nil {
		return 0
	}
	_, total := b.state.machine.LogBytes()
	return total
}

// env is what a batch is decided with.
func (b *Bucket) env() object.Env {
	r, c := b.record.Load(), &b.buckets.config
	return object.Env{
		Now: c.Now(), Versioning: r.Settings.Versioning, Matcher: r.matcher,
		Account: r.ID.Account, Region: r.ID.Region, Bucket: r.ID.Name,
		MaxEntry: min(object.DefaultMaxEntry, int(c.Backbone.Conn().MaxPayload())-headerRoom),
	}
}
