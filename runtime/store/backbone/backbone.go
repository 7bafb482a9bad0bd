// Package backbone is the JetStream log that everything durable stands on: an
// embedded NATS server with a file store, or an external one. It is the only
// package that imports nats-server, beside backbonetest.
//
// A write that JetStream acknowledged has been handed to the operating system:
// the file store of a stream with one replica writes before it answers, so a crash of
// the process loses nothing. A power cut may lose what was written since the last
// fsync, see [Sync] and [Backbone.Wrote]; an external server has its own
// sync_interval. The streams of an embedded server have one replica. On an external
// one they have [Config.Replicas], and JetStream acknowledges what a quorum of them
// has stored.
package backbone

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/lifecycle"
)

// A Config says which JetStream to use.
type Config struct {
	Dir    string // folder of the embedded server's file store
	URL    string // an external NATS server with JetStream; Dir is not used then
	Memory bool   // the embedded server stores in memory: for tests about anything but durability
	Sync   Sync
	Log    *slog.Logger // nil for none

	// Replicas of each stream on an external server; 0 means what is there
	// already, else three if the server is one of a cluster that has the room,
	// else one.
	Replicas int

	// OnIdle is called when nothing has been written to the embedded server for 15
	// seconds; nil for none. The sync of a write waits until OnIdle returns.
	OnIdle func()

	// IsParked reports whether the embedded server opens a stream only when it is woken,
	// and not when it starts; nil means that none is parked. See [Backbone.Wake].
	IsParked func(stream string) bool

	// Space is asked for room on the disk; nil if it is not known.
	Space Space

	// CheckInterval is how often the embedded server checks each stream: it closes the
	// files of those that were not written to for 30 seconds, and frees the room of
	// messages deleted between others. 0 means 15 minutes.
	CheckInterval time.Duration

	// ConcurrentLoads is how many streams the embedded server opens, and blocks it reads,
	// at the same time, with up to 8 MiB of memory each; 0 means NATS's default, 64 or more.
	ConcurrentLoads int

	// Fsync replaces (*os.File).Sync in tests; nil means (*os.File).Sync. NATS's own
	// syncs, with Sync.Always, do not call it.
	Fsync func(*os.File) error
}

// Sync says when the embedded file store calls fsync.
type Sync struct {
	Always bool          // before each acknowledgement
	Every  time.Duration // otherwise at most this long after it; 0 means a second
}

// Space is the room on the embedded server's disk.
type Space interface {
	// Drain is called before a write that frees room or leads to one that does, and
	// reports whether the disk has room for that many bytes.
	Drain(bytes int64) bool
}

// A Backbone is a connection to JetStream and, when embedded, the server, from Start
// to Stop. It runs once: whoever stands on it keeps its connection.
//
// After a write error, a lost connection or a failed fsync the backbone recovers by
// itself once the cause is gone; see DESIGN.md. Until then [Backbone.Err] returns it.
type Backbone struct {
	config    Config
	log       *slog.Logger
	life      lifecycle.Once
	condition *condition
	stopping  atomic.Bool
	failed    chan error

	// Set by Start.
	srv     *embedded // nil with an external server, like the next three
	syncer  *syncer
	keeper  *keeper
	entries *entries
	folders *folders // nil where there are no links, too
	conn    *nats.Conn
	js      jetstream.JetStream
}

// reconnectWait is the pause between attempts to reconnect to an embedded server.
const reconnectWait = 20 * time.Millisecond

// New makes a backbone that is not started. Until it is, it has no connection.
func New(c Config) *Backbone {
	return &Backbone{config: c, log: c.log(), condition: newCondition(), failed: make(chan error, 1)}
}

// Start brings JetStream up and connects to it. It implements lifecycle.Part.
func (b *Backbone) Start(ctx context.Context) error { return b.life.Start(ctx, b.start) }

// Stop closes the connection and the embedded server, and syncs its store. It
// implements lifecycle.Part.
func (b *Backbone) Stop(ctx context.Context) error { return b.life.Stop(ctx, "the store's parts") }

func (b *Backbone) start(_ context.Context, run *lifecycle.Run) (err error) {
	run.Cleanup(b.close)
	c := b.config
	opts := append(b.connHandlers(), nats.Name("millrace"), nats.MaxReconnects(-1))
	if c.URL == "" {
		log := &serverLog{log: b.log}
		if b.folders, err = openFolders(b, c, streamsDir(c.Dir)); err != nil {
			return err
		}
		if b.srv, err = startEmbedded(c, log); err != nil {
			return err
		}
		report := b.Report
		log.onWriteError.Store(&report)
		// What could not be sent is not sent later: by then its queue has read its log anew.
		opts = append(opts, nats.InProcessServer(b.srv), nats.ReconnectBufSize(-1), nats.ReconnectWait(reconnectWait), nats.ReconnectJitter(0, 0))
		b.syncer = startSyncer(b.StreamsDir(), c, func(err error) {
			b.condition.change(func(s *state) {
				if s.unsynced = nil; err != nil {
					s.unsynced = errUnsynced(err)
				}
			})
		})
		b.keeper = startKeeper(b, c.fsync())
	}
	if b.conn, err = nats.Connect(c.URL, opts...); err == nil {
		b.js, err = jetstream.New(b.conn)
	}
	if err == nil && b.srv != nil {
		b.entries, err = startEntries(b)
	}
	if err != nil {
		where := "the embedded NATS server"
		if c.URL != "" {
			where = "NATS at " + Redacted(c.URL)
		}
		return fmt.Errorf("connecting to %s: %w", where, err)
	}
	if c.URL != "" {
		b.js = &replicated{JetStream: b.js, want: c.Replicas}
	}
	if b.folders != nil {
		b.folders.js = b.js
	}
	b.js = trackedJetStream{b.js, b}
	return nil
}

func (c Config) fsync() func(*os.File) error {
	if c.Fsync == nil {
		return (*os.File).Sync
	}
	return c.Fsync
}

func (c Config) checkInterval() time.Duration {
	if c.CheckInterval == 0 {
		return 15 * time.Minute
	}
	return c.CheckInterval
}

func (c Config) every() time.Duration {
	if c.Sync.Every == 0 {
		return time.Second
	}
	return c.Sync.Every
}

func (c Config) onIdle() func() {
	if c.OnIdle == nil {
		return func() {}
	}
	return c.OnIdle
}

func (c Config) log() *slog.Logger {
	if c.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Log
}

// Conn is the connection. Callers that publish to a stream with it must call Wrote.
func (b *Backbone) Conn() *nats.Conn { return b.conn }

// JetStream is the connection's JetStream. What is written with it, and with the
// buckets it opens, needs no Wrote; what is published asynchronously, and purges
// of a jetstream.Stream, do.
func (b *Backbone) JetStream() jetstream.JetStream { return b.js }

// SyncsAlways reports whether each acknowledgement waits for an fsync. If so, fewer
// writes are better than concurrent ones.
func (b *Backbone) SyncsAlways() bool { return b.config.URL == "" && b.config.Sync.Always }

// Wrote records that JetStream has acknowledged a write to a stream, which is then
// synced as Config.Sync says. It is cheap, and does nothing with an external server.
func (b *Backbone) Wrote(stream string) { b.syncer.wrote(stream) }

// Sync returns once everything that JetStream has acknowledged for a stream survives a
// power cut. Call it before removing data because it was copied to the stream. With
// an external server it does nothing.
func (b *Backbone) Sync(stream string) error { return b.syncer.sync(stream) }

// StreamsDir is the folder of an embedded server's streams, each of which has a folder in
// it; "" with an external server.
func (b *Backbone) StreamsDir() string {
	switch {
	case b.srv == nil:
		return ""
	case b.folders != nil:
		return b.folders.dir
	default:
		return b.srv.streamsDir()
	}
}

// Stored is how many bytes the streams of an embedded server hold. Parked streams count
// with the size of their files, deleted messages included.
func (b *Backbone) Stored() int64 {
	if b.srv == nil {
		return 0
	}
	stored := b.srv.stored()
	if b.folders != nil {
		stored += b.folders.bytes.Load()
	}
	return stored
}

// Failed gets one error when the connection is closed for good: no call succeeds
// from then on.
func (b *Backbone) Failed() <-chan error { return b.failed }

// Drain is called before that many bytes are published with Conn, and reports
// whether the disk has room for them. It is cheap.
func (b *Backbone) Drain(bytes int) bool {
	return b.config.Space == nil || b.config.Space.Drain(int64(bytes))
}

// Purgeable reports whether the disk has room for a purge of a stream that frees
// that many bytes. JetStream first removes whole blocks, and then rewrites the block in
// which the purge ends if more than half of it is deleted.
func (b *Backbone) Purgeable(frees int64) bool {
	return frees >= blockSize || b.Drain(blockSize/2+entrySlack)
}

// entrySlack is more than what JetStream writes beside a message or a block.
const entrySlack = 64 << 10

// close ends what start began, however far it came.
func (b *Backbone) close(context.Context) error {
	b.stopping.Store(true)
	b.keeper.close()
	b.entries.close()
	if b.conn != nil {
		b.conn.Close()
	}
	if b.srv != nil {
		b.srv.Shutdown()
		b.srv.WaitForShutdown()
	}
	return b.syncer.close()
}
