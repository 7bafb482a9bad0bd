package fifo

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/capacity"
	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/cluster"
	"millrace/runtime/store/loss"
	"millrace/runtime/store/record"
	"millrace/runtime/store/streams"
)

// A Config says what the logs stand on. Backbone and Records are required, and have to
// run from before the Start until after the Stop.
type Config struct {
	Backbone *backbone.Backbone
	Records  *record.Store
	Log      *slog.Logger // nil for none

	// Cluster has the runtimes that share the logs; another part starts it before, and
	// stops it after. nil for a single runtime.
	Cluster *cluster.Cluster

	// Gate is asked before entries are published; nil admits all.
	Gate capacity.Gate
	// AdmitWrite is asked before a stream is created and before entries are published,
	// with the time since the last write to the log, and about how many bytes JetStream
	// will need in memory. nil admits all.
	AdmitWrite func(rested time.Duration, bytes int) error
	// VerifyStored is called after JetStream has acknowledged entries. An error says that
	// the next start would not find them, and goes to their publisher. nil for an
	// external server.
	VerifyStored func() error
	// OnLoss gets what is missing of a log, before anything else happens with it; an
	// error puts that off. nil logs it.
	OnLoss func(loss.Loss) error

	// TruncatedStreams are streams whose end was found truncated, by their names, see IsLog.
	// Those of logs are looked at by Start, and reported as losses.
	TruncatedStreams map[string]bool

	// WindowBytes is how many bytes of contents are kept in memory for readers, of all
	// logs together; 0 means 16 MiB.
	WindowBytes int64
}

const defaultWindow = 16 << 20

// Logs are the logs of a runtime. Any number of goroutines may use them.
type Logs struct {
	Config     // as New has completed it: not to be changed
	table      *record.Table[logRecord]
	cursors    *record.Table[logRecord] // the same, written when the disk is full too
	admitWrite func(time.Duration, int) error
	storage    streams.StorageCheck
	budget     budget
	life       lifecycle.Once
	flusher    flusher

	mu   sync.Mutex
	logs map[string]*topicLog // by their tokens

	linkMu      sync.Mutex // guards what follows
	link        *link
	linkSession context.Context
}

// New makes the logs, for Start to open.
func New(c Config) *Logs {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.WindowBytes == 0 {
		c.WindowBytes = defaultWindow
	}
	if c.OnLoss == nil {
		c.OnLoss = func(lost loss.Loss) error {
			c.Log.Warn("a log has lost data", "log", lost.Name, "what", lost.What, "entries", lost.Entries)
			return nil
		}
	}
	l := &Logs{Config: c, table: record.NewTable[logRecord](c.Records, "topiclog"), admitWrite: c.AdmitWrite, logs: map[string]*topicLog{}}
	l.cursors = l.table.Unguarded()
	l.storage.Verify = c.VerifyStored
	l.budget.left.Store(c.WindowBytes)
	if l.admitWrite == nil {
		l.admitWrite = func(time.Duration, int) error { return nil }
	}
	return l
}

// Start opens the logs that exist, without reading them, and finishes what a crash has
// left unfinished. It starts once: after a Stop it is lifecycle.ErrOnce. Readers have to be
// given again, by Follow.
func (l *Logs) Start(ctx context.Context) error { return l.life.Start(ctx, l.start) }

func (l *Logs) start(ctx context.Context, run *lifecycle.Run) error {
	run.Cleanup(l.finish)
	if l.Cluster != nil {
		l.table.Watch(l.onRecord)
		sub, err := l.Backbone.Conn().Subscribe(storedSubject, l.onStored)
		if err != nil {
			return fault.Wrap(fault.Unavailable, err, "subscribing to what other runtimes store")
		}
		run.Cleanup(func(context.Context) error {
			sub.Unsubscribe()
			return nil
		})
	}
	if err := l.reconcile(ctx); err != nil {
		return err
	}
	for _, name := range l.Names() {
		t := l.log(name)
		if !l.TruncatedStreams[t.stream.name] {
			continue
		}
		t.truncated = true
		if err := t.catchUp(ctx); err != nil {
			return err
		}
	}
	run.Go(func() { l.watch(run) })
	return nil
}

// Stop ends the readers, and stores their cursors. A Deliver under way is waited for, until
// ctx ends.
func (l *Logs) Stop(ctx context.Context) error { return l.life.Stop(ctx, "deliveries of topics") }

// finish stores the cursors, when no reader is left.
func (l *Logs) finish(ctx context.Context) error {
	err := l.flushNow(ctx)
	l.flusher.mu.Lock()
	if l.flusher.timer != nil {
		l.flusher.timer.Stop()
	}
	l.flusher.mu.Unlock()
	for _, t := range l.all() {
		t.mu.Lock()
		for _, r := range t.readers {
			r.cancel()
			if r.timer != nil {
				r.timer.Stop()
			}
		}
		if t.trimming != nil {
			t.trimming.Stop()
		}
		t.mu.Unlock()
	}
	l.linkMu.Lock()
	defer l.linkMu.Unlock()
	if l.link != nil {
		l.link.close()
		l.link = nil
	}
	return err
}

// reconcile finishes deletions, and restores the records of streams that have none.
func (l *Logs) reconcile(ctx context.Context) error {
	known := map[string]bool{}
	for _, r := range l.table.List("") {
		known[streamPrefix+token(r.Name)] = true
		if r.Deleting {
			if err := l.remove(ctx, l.log(r.Name)); err != nil {
				return err
			}
		}
	}
	if l.Cluster != nil { // another runtime may be making or deleting a log
		return nil
	}
	for _, k := range l.table.Keys("") { // also those that cannot be read
		known[streamPrefix+k] = true
	}
	streams := l.Backbone.JetStream().ListStreams(ctx, jetstream.WithStreamListSubject(subjectPrefix+"*"))
	for s := range streams.Info() {
		if !known[s.Config.Name] && IsLog(s.Config.Name) {
			if err := l.restore(ctx, s); err != nil {
				return err
			}
		}
	}
	return fault.Wrap(fault.Unavailable, streams.Err(), "listing the logs of topics")
}

// restore makes a record for a stream that has none. Its readers' cursors are lost.
func (l *Logs) restore(ctx context.Context, s *jetstream.StreamInfo) error {
	name, err := strconv.Unquote(s.Config.Metadata[nameMetadata])
	if err != nil || streamPrefix+token(name) != s.Config.Name {
		l.Log.Warn("a stream is left alone: it has the name of a topic's log, and is none", "stream", s.Config.Name)
		return nil
	}
	err = l.log(name).report(loss.Loss{What: "the record of the log of a FIFO topic was lost; what its subscriptions had not got is not delivered"})
	if err != nil {
		return err
	}
	return l.table.Create(ctx, token(name), logRecord{
		Name: name, Begun: true, Last: s.State.LastSeq, Numbers: numbering{}.jumped(0, time.Now()), // beyond all that it had
	})
}

// all are the logs of which something is known.
func (l *Logs) all() []*topicLog {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Values(l.logs))
}

// Names are the logs that exist, in order.
func (l *Logs) Names() []string {
	var names []string
	for _, r := range l.table.List("") {
		if !r.Deleting {
			names = append(names, r.Name)
		}
	}
	slices.Sort(names)
	return names
}

// Bounds returns what a log holds. It is no error when there is none.
func (l *Logs) Bounds(ctx context.Context, log string) (Bounds, error) {
	if l.life.Current() == nil {
		return Bounds{}, errStopped
	}
	t := l.log(log)
	r, err := t.record(ctx)
	if errors.Is(err, errDeleted) || err == nil && !r.Begun {
		return Bounds{}, nil
	}
	if err == nil {
		err = l.Backbone.Down()
	}
	if err != nil {
		return Bounds{}, err
	}
	s, err := t.stream.state(ctx)
	if errors.Is(err, jetstream.ErrStreamNotFound) || err == nil && s.Msgs == 0 {
		return Bounds{}, nil
	}
	if err != nil {
		return Bounds{}, fault.Wrap(fault.Unavailable, err, "looking at the log of a topic")
	}
	return Bounds{
		First: r.Numbers.at(s.FirstSeq), Last: r.Numbers.at(s.LastSeq), FirstTime: s.FirstTime, LastTime: s.LastTime,
		Entries: s.Msgs, Bytes: s.Bytes,
	}, nil
}

// Delete ends the readers of a log, and removes it with all cursors. It need not exist. Its
// name must not be used again: receivers remember its numbers.
func (l *Logs) Delete(ctx context.Context, log string) error {
	if l.life.Current() == nil {
		return errStopped
	}
	t := l.log(log)
	err := t.update(ctx, func(r *logRecord) bool { r.Deleting = true; return true })
	if err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	if err := stopReaders(ctx, t.markDeleted()); err != nil {
		return err
	}
	return l.remove(ctx, t)
}

// remove removes the stream of a log, and then its record, which says that it is deleted.
func (l *Logs) remove(ctx context.Context, t *topicLog) error {
	if err := t.hold(ctx); err != nil {
		return err
	}
	defer t.letGo()
	if err := l.Backbone.Down(); err != nil {
		return err
	}
	if err := t.stream.remove(ctx); err != nil {
		return fault.Wrap(fault.Unavailable, err, "removing the log of a topic")
	}
	if err := l.table.Delete(ctx, t.token); err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.logs[t.token] == t {
		delete(l.logs, t.token)
	}
	return nil
}

// Reset deletes all logs.
func (l *Logs) Reset(ctx context.Context) error {
	for _, r := range l.table.List("") {
		if err := l.Delete(ctx, r.Name); err != nil {
			return err
		}
	}
	return nil
}

var (
	errStopped = fault.New(fault.Unavailable, "the logs of FIFO topics are closed")
	errName    = fault.New(fault.Invalid, "the name of a log or of its reader is not valid UTF-8")
)
