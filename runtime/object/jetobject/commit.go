package jetobject

import (
	"context"
	"errors"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/object"
	"millrace/runtime/store/streams"
)

const (
	// neverWritten is the time since the last write to a log that was not written to.
	neverWritten = time.Duration(1<<63 - 1)

	// JetStream keeps the last block of a log in memory while it is written to, and for
	// ten seconds after (CacheExpire, nats-server 2.15.2).
	blockCacheExpiry = 10 * time.Second
	maxBlockBytes    = 4 << 20

	// headerRoom is what an entry may need beside its content, in bytes.
	headerRoom = 1 << 10

	retryPause  = 20 * time.Millisecond
	retryLimit  = 30 * time.Second // of a batch that other runtimes overtake
	recordBytes = 512              // about what a command adds beside its content
)

// Do decides commands and stores what follows from them. When it returns nil, each command has
// its results, or in its Err why S3 refuses it; those of one call are decided in their order.
// What a refused command brought along as a blob is removed.
//
// An error says that the store failed: fault.Unavailable, also when there is no room, and then
// nobody knows whether it is stored; fault.NotFound when the bucket is deleted; what ctx says
// when it ended before anything was begun.
func (b *Bucket) Do(ctx context.Context, commands ...object.Command) error {
	if _, err := b.buckets.run(); err != nil {
		return err
	}
	if bytes := added(commands); bytes > 0 {
		if err := b.buckets.config.Gate.Admit(bytes); err != nil {
			return err
		}
	}
	if err := b.buckets.storage.BeforeWrite(); err != nil {
		return err
	}
	b.blobs.hand(commands)
	r := &request{commands: commands}
	if err := b.submit(ctx, r); err != nil {
		if !r.unsure { // else the next start sweeps what no entry names
			b.blobs.handBack(commands)
		}
		return err
	}
	b.removeBlobs(refused(commands))
	return nil
}

// added is about how many bytes commands add to the log; 0 for those that go on when there is
// no room, because room follows from them.
func added(commands []object.Command) (bytes int) {
	for _, c := range commands {
		bytes += addedBy(c)
	}
	return bytes
}

func addedBy(c object.Command) int {
	switch c := c.(type) {
	case *object.Put:
		return len(c.Inline) + recordBytes
	case *object.PutPart:
		return len(c.Inline) + recordBytes
	case *object.CreateUpload, *object.PutTags, *object.Complete:
		return recordBytes
	}
	return 0
}

// A pending command waits to be decided.
type pending struct {
	command object.Command
	request *request
}

// doAll does requests, as the leader.
func (b *Bucket) doAll(all []*request) {
	run, err := b.buckets.run()
	if err != nil {
		for _, r := range all {
			r.answer(err)
		}
		return
	}
	var commands []pending
	for _, r := range all {
		if r.alone != nil {
			r.answer(r.alone(run.Work()))
			continue
		}
		r.left = len(r.commands)
		if r.left == 0 {
			r.answer(nil)
		}
		for _, c := range r.commands {
			commands = append(commands, pending{c, r})
		}
	}
	if len(commands) > 0 {
		b.commit(run.Work(), commands)
	}
}

// commit decides and stores commands, in as many entries as they need.
func (b *Bucket) commit(ctx context.Context, commands []pending) {
	began := time.Now()
	commands, err := b.admitted(commands)
	fail := func(err error) {
		for _, c := range commands {
			c.request.answer(err)
		}
	}
	if err != nil {
		fail(err)
		return
	}
	for len(commands) > 0 {
		if err := b.refresh(ctx); err != nil {
			fail(err)
			return
		}
		taken, later, batch := b.decide(commands)
		if len(taken) == 0 {
			fail(fault.New(fault.Internal, "a command does not go into any entry"))
			return
		}
		stored, err := b.store(ctx, batch, taken)
		again := errors.Is(err, errOvertaken) || errors.Is(err, streams.ErrNobody) && b.stream.shared
		switch {
		case again && time.Since(began) < retryLimit && ctx.Err() == nil:
			if b.invalidate(); errors.Is(err, streams.ErrNobody) { // no leader yet
				time.Sleep(retryPause)
			}
			continue
		case !stored:
			b.invalidate()
			for _, c := range commands {
				c.request.unsure = true
			}
			fail(b.unavailable(err))
			return
		}
		for _, c := range taken {
			c.request.unsure = true // from here on, whatever becomes of its other commands
			if err != nil {         // it is stored, and may not be found again
				c.request.answer(err)
			} else if c.request.left--; c.request.left == 0 {
				c.request.answer(nil)
			}
		}
		commands = later
	}
}

// admitted asks whether anything may be written now.
func (b *Bucket) admitted(commands []pending) ([]pending, error) {
	adds := false
	for _, c := range commands {
		adds = adds || addedBy(c.command) > 0
	}
	if !adds {
		return commands, nil
	}
	rested, needed := neverWritten, 0
	if !b.written.IsZero() {
		rested = time.Since(b.written)
	}
	if rested >= blockCacheExpiry {
		needed = 3 * int(min(b.logBytes(), maxBlockBytes)) // it is read anew before the garbage collector has freed the old one
	}
	err := b.buckets.config.AdmitWrite(rested, needed)
	if err == nil {
		return commands, nil
	}
	var rest []pending
	for _, c := range commands {
		if added(c.request.commands) > 0 {
			c.request.answer(err)
		} else {
			rest = append(rest, c)
		}
	}
	return rest, nil
}

// decide has the machine decide as many commands as go into one entry. Those of one request
// stay in their order.
func (b *Bucket) decide(commands []pending) (taken, later []pending, batch *object.Batch) {
	batch = b.state.machine.Begin(b.env())
	postponed := map[*request]bool{}
	for _, c := range commands {
		if !postponed[c.request] && batch.Add(c.command) {
			taken = append(taken, c)
		} else {
			postponed[c.request] = true
			later = append(later, c)
		}
	}
	return taken, later, batch
}

// store stores what a batch has decided, and has the machine take it in. After an error with
// stored it is stored, and may not be found by the next start.
func (b *Bucket) store(ctx context.Context, batch *object.Batch, taken []pending) (stored bool, err error) {
	entry := batch.Entry()
	if entry == nil {
		if b.stream.shared { // what it decided on has to be what is stored
			_, last, err := b.stream.bounds(ctx)
			if err != nil {
				return false, err
			}
			if last != b.state.last {
				return false, errOvertaken
			}
		}
		batch.Applied()
		return true, nil
	}
	checks, firstLive := b.buckets.storage.Begun(), b.state.machine.FirstLive()
	seq, err := b.append(ctx, entry)
	if err != nil {
		return false, err
	}
	effects, err := b.take(seq, entry, batch)
	if err != nil {
		return false, err
	}
	b.upkeep.firstLive = firstLive
	b.afterEntry(taken, effects)
	return true, b.buckets.storage.AfterStore(checks)
}

// append publishes an entry, and makes the stream if there is none.
func (b *Bucket) append(ctx context.Context, entry []byte) (uint64, error) {
	if !b.state.exists {
		metadata, err := b.record.Load().metadata()
		if err == nil {
			b.checkpoint, err = b.buckets.checkpoints.slot(b.generation)
		}
		if err == nil {
			err = b.stream.create(ctx, metadata)
		}
		if err != nil {
			return 0, err
		}
		b.mu.Lock()
		b.state.exists = true
		b.mu.Unlock()
	}
	b.buckets.config.Backbone.Drain(len(entry) + headerRoom)
	seq, err := b.publisher.publish(ctx, b.state.last, entry)
	if err != nil {
		if errors.Is(err, errLate) {
			b.buckets.config.Backbone.Report(err)
		}
		return 0, err
	}
	b.buckets.config.Backbone.Wrote(b.stream.name)
	b.written = time.Now()
	if err := b.checkpoint.write(b.generation, seq); err != nil {
		return 0, fault.Wrap(fault.Unavailable, err, "noting that an entry of bucket %s is stored", b.ID().Name)
	}
	return seq, nil
}

// take has the machine apply an entry that is stored.
func (b *Bucket) take(seq uint64, entry []byte, batch *object.Batch) (object.Effects, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	effects, err := b.state.machine.Apply(seq, entry)
	if err != nil {
		return effects, fault.Wrap(fault.Internal, err, "the machine of a bucket does not take its own entry")
	}
	b.state.last = seq
	batch.Applied()
	return effects, nil
}

// invalidate has the log looked at again before the next decision.
func (b *Bucket) invalidate() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state.stale = true
}

// unavailable is what callers are told when the store fails.
func (b *Bucket) unavailable(err error) error {
	if code := fault.Of(err); code != fault.Internal && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fault.Wrap(fault.Unavailable, err, "the log of bucket %s does not take entries", b.ID().Name)
}
