package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"millrace/runtime/capacity/descriptors"
	"millrace/runtime/object/jetobject"
	"millrace/runtime/queue/jetqueue"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/cluster"
	"millrace/runtime/store/keys"
	"millrace/runtime/store/loss"
	"millrace/runtime/store/record"
	"millrace/runtime/store/repair"
	"millrace/runtime/topic/fifo"
)

// openStore takes the data folder and brings up what is kept there. What is
// missing or damaged goes to a.losses.
func (a *App) openStore(ctx context.Context) error {
	log := a.cfg.Log
	held, err := acquire(a.cfg.Data)
	if err != nil {
		return err
	}
	a.held = held
	a.stack.Push("data folder", func(context.Context) error { return held.release() })
	room, err := a.openRoom() // before the first write: a full disk may have to give some
	if err != nil {
		return err
	}
	endpoint := "" // who only examines answers nowhere
	if a.listener != nil {
		endpoint = a.Endpoint()
	}
	if err := held.announce(Holder{PID: os.Getpid(), Endpoint: endpoint, Started: a.started}); err != nil {
		return fmt.Errorf("writing to the data folder: %w", err)
	}

	if a.losses, err = loss.Open(filepath.Join(a.cfg.Data, "losses.log"), log); err != nil {
		return err
	}

	truncated, extents, err := a.repairStore()
	if err != nil {
		return err
	}

	a.store = backbone.New(backbone.Config{Dir: a.storeDir(), URL: a.cfg.NATS, Replicas: a.cfg.Replicas, Sync: a.cfg.Sync, OnIdle: a.cfg.AtRest, Space: room, CheckInterval: a.files.CheckInterval(), ConcurrentLoads: a.cfg.Memory.ConcurrentLoads(), Log: log,
		IsParked: a.parks()})
	if err := a.stack.Start(ctx, "store", a.store); err != nil {
		return err
	}
	if a.gate, err = a.limits(room); err != nil {
		return err
	}
	intact, err := a.watchFolder()
	if err != nil {
		return err
	}
	a.intact, a.truncated = intact, truncated

	a.records = record.New(a.store.JetStream(), a.copies(intact))
	if err := a.stack.Start(ctx, "records", a.records); err != nil {
		return err
	}

	root, err := a.rootKey()
	if err != nil {
		return err
	}
	if a.keys, err = keys.Open(a.records, root, time.Now); err != nil {
		return err
	}
	for _, file := range a.keys.Repaired() {
		log.Error("a file of the root key was lost or damaged, and was written anew from its copy", "file", file)
	}

	if a.cfg.NATS != "" { // then other runtimes may stand on it too
		a.others = cluster.New(a.store.Conn(), log)
	}
	a.openSigner()
	a.queues = jetqueue.New(a.store, a.records, jetqueue.Options{Gate: a.gate, MoveLimit: room.Changes(), BodyBudget: a.cfg.Memory.BodyCacheBytes(), ConcurrentReads: a.cfg.Memory.ConcurrentLoads(), ReadAheadBytes: a.cfg.Memory.PageBytes(), AdmitWrite: a.mayWrite, Keys: a.keys, Cluster: a.others, Log: log, VerifyStored: intact,
		CheckpointFile: a.checkpointFile(), IntactRange: a.whole(extents), IdleTimeout: rest, TruncatedStreams: truncated.streams, OnLoss: a.losses.Add, Strict: a.cfg.Strict, Finish: a.signer.Finish, KeepForever: a.cfg.KeepForever})
	if err := a.stack.Start(ctx, "queues", a.queues); err != nil {
		return err
	}
	if err := a.records.ForgetOld(ctx); err != nil {
		return err
	}
	a.records.Guard(a.gate, room.Changes()) // from here on: what a start puts right is written though the disk is full
	a.logs = a.newTopicLogs(intact, truncated.streams)
	a.stack.Push("truncated logs", func(ctx context.Context) error {
		return truncated.forgetRead(ctx, a.queues, a.logsRead && a.bucketsRead)
	})
	return nil
}

// copies are those of the records, beside an embedded server; else nil. When a start
// is to be strict, copies that differ stop it.
func (a *App) copies(intact func() error) *record.Copies {
	if a.cfg.NATS != "" {
		return nil
	}
	return &record.Copies{
		Dir:    filepath.Join(a.cfg.Data, "records"),
		Intact: intact,
		OnRestore: func(kind, key string) error {
			if a.cfg.Strict {
				return fmt.Errorf("the record of %s %s was lost", kind, key)
			}
			return a.losses.Add(loss.Loss{
				Kind: loss.Record, Name: kind + " " + key, Repaired: true, What: "its record was lost, and is back from its copy",
			})
		},
		OnFailure: func(kind, key string, err error) {
			a.cfg.Log.Error("the second copy of a record could not be written, and will be tried again", "kind", kind, "key", key, "err", err)
		},
	}
}

func (a *App) storeDir() string { return filepath.Join(a.cfg.Data, "jetstream") }

// repairStore makes the store whole before the embedded server opens it. Files that
// were damaged are kept in the folder damaged. It returns the streams whose end is
// cut short: there it depends on the checkpoint whether anything is missing, because a
// power cut does that to what was being written. And it returns what those hold that
// are whole.
//
// All of it is written down before anything is put right: afterwards nothing in
// the store tells.
func (a *App) repairStore() (truncated truncatedLogs, whole map[string]repair.Extent, err error) {
	if a.cfg.NATS != "" {
		return truncatedLogs{}, nil, nil
	}
	if truncated, err = readTruncated(filepath.Join(a.cfg.Data, "torn")); err != nil {
		return truncated, nil, err
	}
	found, whole, err := repair.Check(a.storeDir())
	if err != nil {
		return truncated, nil, fmt.Errorf("looking through the store: %w", err)
	}
	aside := filepath.Join("damaged", a.started.UTC().Format("20060102T150405.000"))
	var strict error
	for _, f := range found {
		if f.End && (jetqueue.IsQueueLog(f.Stream) || (fifo.IsLog(f.Stream) || jetobject.IsLog(f.Stream)) && !a.cfg.Strict) { // who reads them says what is missing
			truncated.streams[f.Stream] = true
			continue
		}
		if a.cfg.Strict {
			strict = errors.Join(strict, errors.New(f.String()))
			continue
		}
		if err := a.losses.Add(loss.Loss{
			Kind: loss.File, Name: "jetstream/" + f.File, Found: a.started.UTC(),
			What: f.String() + "; the file is kept as it was in " + aside + ", and what is missing is named by itself",
		}); err != nil {
			return truncated, nil, err
		}
	}
	if strict != nil {
		return truncated, nil, fmt.Errorf("the store is damaged: %w", strict)
	}
	if len(found) == 0 || a.cfg.Strict {
		return truncated, whole, nil
	}
	if err := truncated.write(); err != nil {
		return truncated, nil, err
	}
	if _, err := repair.Run(a.storeDir(), filepath.Join(a.cfg.Data, aside)); err != nil {
		return truncated, nil, fmt.Errorf("putting the store right: %w", err)
	}
	return truncated, whole, nil
}

// Examine opens a data folder that no runtime holds, looks at all that is in
// there, and returns what is missing or damaged, also what was found before. What
// can be put right is, as at every start; nothing is served and no function runs.
// What is full, or else would have calls fail, is the second result.
func Examine(ctx context.Context, cfg Config) (_ []loss.Loss, full, err error) {
	a := &App{cfg: withDefaults(cfg), started: time.Now(), thorough: true}
	defer func() { err = errors.Join(err, a.stack.Down(context.WithoutCancel(ctx))) }()
	if err := a.openStore(ctx); err != nil {
		return nil, nil, err
	}
	if err := a.queues.WaitReady(ctx); err != nil {
		return nil, nil, err
	}
	if err := a.startTopicLogs(ctx); err != nil {
		return nil, nil, err
	}
	if err := a.startBuckets(ctx); err != nil {
		return nil, nil, err
	}
	if err := a.buckets.ReadAll(ctx); err != nil {
		return nil, nil, err
	}
	return a.losses.All(), a.Health(), nil
}

// ForgetLosses empties the list of losses of a data folder that no runtime holds.
func ForgetLosses(cfg Config) error {
	cfg = withDefaults(cfg)
	held, err := acquire(cfg.Data)
	if err != nil {
		return err
	}
	losses, err := loss.Open(filepath.Join(cfg.Data, "losses.log"), cfg.Log)
	if err == nil {
		err = losses.Forget()
	}
	return errors.Join(err, held.release())
}

// mayWrite implements jetqueue.Options.AdmitWrite. An external server opens files and
// takes memory elsewhere.
func (a *App) mayWrite(rested time.Duration, bytes int) error {
	if a.cfg.NATS != "" {
		return nil
	}
	if err := a.cfg.Memory.Drain(bytes); err != nil || rested < descriptors.IdleClose {
		return err
	}
	return a.files.Open()
}

// checkpointFile is where queues keep what their logs hold. A server that others write to
// as well is not ours to watch.
func (a *App) checkpointFile() string {
	if a.cfg.NATS != "" {
		return ""
	}
	return filepath.Join(a.cfg.Data, "marks")
}

// rest is after how long a queue that nobody uses is closed. To open it again takes some
// milliseconds, and an open one 60 KB.
const rest = 5 * time.Minute

// parks tells the logs of queues, which the store opens when their queue is used. Who
// reads all of them anyway leaves them to the embedded server, which opens several at once.
func (a *App) parks() func(stream string) bool {
	if a.cfg.Strict || a.thorough {
		return nil
	}
	return jetqueue.IsQueueLog
}

// whole implements jetqueue.Options.IntactRange.
func (a *App) whole(extents map[string]repair.Extent) func(stream string) (first, last uint64, ok bool) {
	if a.cfg.Strict || a.thorough {
		return nil
	}
	return func(stream string) (first, last uint64, ok bool) {
		e, ok := extents[stream]
		return e.First, e.Last, ok
	}
}
