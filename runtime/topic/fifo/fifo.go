package fifo

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"millrace/runtime/capacity"
	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/cluster"
	"millrace/runtime/store/loss"
	"millrace/runtime/store/record"
)

// A Config says what the logs stand on. Backbone and Records are required, and have to
// run from before the Start until after the Stop.
type Config struct {
	Backbone *backbone.Backbone
	Records  *record.Store
	Log      *slog.Logger // nil for none

	// Cluster has the runtimes that share the logs; it is started and stopped by
	// another part. nil for a single runtime.
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

	// WindowBytes is how many bytes of contents are kept in memory for readers, of all
	// logs together; 0 means 16 MiB.
	WindowBytes int64
}

// Logs are the logs of a runtime. Any number of goroutines may use them.
type Logs struct {
	Config
	table *record.Table[logRecord]
	life  lifecycle.Once

	mu   sync.Mutex
	logs map[string]*topicLog
}

// New makes the logs, for Start to open.
func New(c Config) *Logs { return nil }

// Start opens the logs that exist, without reading them. It starts once: after a Stop it
// is lifecycle.ErrOnce. Readers have to be given again, by Follow.
func (l *Logs) Start(ctx context.Context) error { return nil }

// Stop ends the readers, and stores their cursors. A Deliver under way is waited for,
// until ctx ends.
func (l *Logs) Stop(ctx context.Context) error { return nil }

// Publish appends entries to a log, in their order, and returns what came of each. The
// log is made if there is none. When Publish returns, what is stored is durable as
// JetStream's acknowledgements are (see package backbone).
//
// An error says that nothing was stored: fault.Unavailable, also when the disk is full.
func (l *Logs) Publish(ctx context.Context, log string, entries ...Entry) ([]Stored, error) {
	return nil, nil
}

// Follow runs a reader, until it is forgotten or the logs stop. On a cluster every
// runtime is given every reader; one of them runs it. A reader that is given again
// replaces the earlier one of its ID, and keeps the cursor.
//
// When Follow returns, the cursor is stored: the reader gets all that is published from
// then on, whatever crashes.
func (l *Logs) Follow(ctx context.Context, r Reader) error { return nil }

// Forget ends a reader and removes its cursor. It returns when no Deliver of it is
// running anymore in this process, so it must not be called by one. There need not be
// such a reader.
func (l *Logs) Forget(ctx context.Context, log, reader string) error { return nil }

// Wake has the readers of a log try again at once that wait after an error.
func (l *Logs) Wake(log string) {}

// Readers are the IDs of the readers that have a cursor in a log, in order. A cursor
// that nobody follows keeps all behind it, until it is forgotten.
func (l *Logs) Readers(log string) []string { return nil }

// Pending is how many entries of a log a reader has not done with, about. On a cluster
// it is as old as the cursor's record is.
func (l *Logs) Pending(log, reader string) uint64 { return 0 }

// Names are the logs that exist, in order.
func (l *Logs) Names() []string { return nil }

// Bounds returns what a log holds. It is no error when there is none.
func (l *Logs) Bounds(ctx context.Context, log string) (Bounds, error) { return Bounds{}, nil }

// Retain keeps the entries of a log for so long, also when all readers are done with
// them; 0 for no longer than needed. What is younger is never removed, but is kept longer at
// times.
func (l *Logs) Retain(ctx context.Context, log string, keep time.Duration) error { return nil }

// Delete ends the readers of a log, and removes it with all cursors. It need not exist.
// Its name must not be used again: receivers remember its numbers.
func (l *Logs) Delete(ctx context.Context, log string) error { return nil }

// Reset deletes all logs.
func (l *Logs) Reset(ctx context.Context) error { return nil }

var errStopped = fault.New(fault.Unavailable, "the logs of FIFO topics are closed")

type logRecord struct{}
type topicLog struct{}
