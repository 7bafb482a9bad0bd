package jetqueue

import (
	"context"
	"log/slog"
	"time"

	"millrace/runtime/capacity"
	"millrace/runtime/lifecycle"
	"millrace/runtime/queue"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/record"
	"millrace/runtime/store/streams"
)

// New makes the queues of a runtime, for Start to open. b has to be started before,
// and to run until Stop has returned.
func New(b *backbone.Backbone, records *record.Store, o Options) *Queues {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.BodyBudget == 0 {
		o.BodyBudget = defaultBudget
	}
	if o.ReadAheadBytes == 0 {
		o.ReadAheadBytes = maxReadBytes
	}
	if o.ConcurrentReads == 0 {
		o.ConcurrentReads = defaultConcurrentReads
	}
	if o.MoveLimit == nil {
		o.MoveLimit = capacity.Gate(nil)
	}
	if o.AdmitWrite == nil {
		o.AdmitWrite = func(time.Duration, int) error { return nil }
	}
	if o.OnLoss == nil {
		o.OnLoss = o.logLoss
	}
	qs := &Queues{
		options: o, store: b, table: record.NewTable[queueRecord](records, "queue").KeepMarkers(), log: o.Log, onLoss: o.OnLoss,
		budget: queue.NewBudget(o.BodyBudget), keys: o.Keys, keepForever: o.KeepForever, finish: o.Finish,
		gate: o.Gate, moveLimit: o.MoveLimit, admitWrite: o.AdmitWrite, storage: streams.StorageCheck{Verify: o.VerifyStored},
		intactRange: o.IntactRange, truncated: o.TruncatedStreams, wallClock: o.WallClock,
		readSlots: make(chan struct{}, o.ConcurrentReads), readAheadBytes: o.ReadAheadBytes,
		queues: map[queue.ID]*Queue{}, closed: true,
	}
	if o.Cluster != nil {
		qs.router = &router{queues: qs, cluster: o.Cluster, running: map[string]remoteCall{}}
	}
	return qs
}

// Start opens all queues that have a record. Each reads its log at its first use, or
// earlier when it has work to do; commands wait for that. What is missing is
// reported to Options.OnLoss, and the rest is served. Queues start once: after a Stop
// it is lifecycle.ErrOnce.
func (qs *Queues) Start(ctx context.Context) error { return qs.life.Start(ctx, qs.start) }

func (qs *Queues) start(ctx context.Context, run *lifecycle.Run) (err error) {
	if qs.started.Swap(true) {
		return lifecycle.ErrOnce
	}
	qs.adminMu.Lock()
	defer qs.adminMu.Unlock()
	qs.run, qs.conn, qs.js = run, qs.store.Conn(), qs.store.JetStream()
	if qs.router != nil {
		qs.router.conn = qs.conn
	}
	qs.maxEntry = int(qs.conn.MaxPayload()) - entryOverhead
	qs.openedAt = time.Now()
	qs.wallAtOpen = qs.wallAt(qs.openedAt)
	if path := qs.options.CheckpointFile; path != "" {
		if qs.checkpoints, err = openCheckpoints(path); err != nil {
			return err
		}
		run.Cleanup(func(context.Context) error { return qs.checkpoints.close() })
	}
	qs.mu.Lock()
	qs.closed = false
	qs.mu.Unlock()
	run.Go(func() { qs.closeAll(run) })
	if qs.router != nil {
		qs.table.Watch(qs.applyRemoteChange) // before the records are listed, so that no change is missed in between
	}
	if err := qs.openAll(ctx); err != nil {
		return err
	}
	if qs.router != nil {
		run.Cleanup(qs.router.close) // after the queues are closed: the other nodes take over what was released
		return qs.router.open(ctx)
	}
	if idle := qs.options.IdleTimeout; idle > 0 {
		run.Go(func() { qs.closeIdleQueues(run.Halted(), idle) })
	}
	return nil
}

// openAll adds the queues that have a record, and starts those that do not wait for
// their first caller.
func (qs *Queues) openAll(ctx context.Context) error {
	rows, err := qs.reconcile(ctx, qs.options.Strict)
	if err != nil {
		return err
	}
	exists := map[uint64]bool{}
	for _, r := range rows {
		exists[r.Generation] = true
	}
	var all []*Queue
	for _, r := range rows {
		q, err := qs.newQueue(r)
		if err != nil {
			return err
		}
		qs.mu.Lock()
		if qs.addLocked(q) == q {
			all = append(all, q)
		}
		qs.mu.Unlock()
	}
	if qs.options.Strict {
		if err := qs.verifyLogs(ctx); err != nil {
			return err
		}
	}
	qs.checkpoints.retain(func(generation uint64) bool { return exists[generation] })
	for _, q := range all { // all queues have to be known before the first transfer
		if !qs.canStayClosed(q) {
			q.start()
		}
	}
	return nil
}

// Stop closes all queues. Commands under way are answered, waiting receives get
// fault.Unavailable. When ctx ends first, entries that JetStream has not acknowledged
// are given up: their callers get fault.Unavailable too.
func (qs *Queues) Stop(ctx context.Context) error { return qs.life.Stop(ctx, "queues") }

// closeAll closes all queues once the run is halted.
func (qs *Queues) closeAll(run *lifecycle.Run) {
	<-run.Halted().Done()
	qs.adminMu.Lock() // a queue that is being created is closed too
	qs.mu.Lock()
	qs.closed = true
	qs.mu.Unlock()
	qs.adminMu.Unlock()
	all := qs.All()
	for _, q := range all {
		q.beginClose(errClosed)
	}
	for _, q := range all {
		select {
		case <-q.stopped:
		case <-run.Work().Done():
			q.wakeOwner() // to give up
		}
	}
}
