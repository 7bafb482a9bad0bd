// Package backbone is the JetStream log that everything durable stands on: an
// embedded NATS server with a file store, or an external one. It is the only
// package that imports nats-server, beside backbonetest.
//
// A write that JetStream acknowledged has been handed to the operating system:
// the file store of a stream with one replica writes before it answers, so the
// death of the process loses nothing. What a power cut may take is what was
// written since the last fsync, see [Sync] and [Backbone.Wrote]; an external
// server has its own sync_interval. The streams of an embedded server have one
// replica. On an external one they have [Config.Replicas], and JetStream
// acknowledges what a quorum of them has.
package backbone

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A Config says which JetStream to stand on.
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

	// AtRest is called when nothing has been written for 15 seconds, by an
	// embedded server; nil for nothing. A write then waits for its sync until
	// AtRest returns.
	AtRest func()

	// Parks names the streams that the embedded server is to open when they are woken,
	// and not when it starts; nil for none. See [Backbone.Wake].
	Parks func(stream string) bool

	// Room is the disk's; nil for not known.
	Room Room

	// Looks is how often the embedded server looks at each stream by itself, to give
	// back the descriptors of those that were not written to for 30 seconds, and the
	// room of what was deleted between other messages; 0 for every 15 minutes.
	// What it syncs then was synced long before.
	Looks time.Duration

	// Loads is how many streams the embedded server opens, and blocks it reads, at the
	// same time, with up to 8 MiB each; 0 for NATS's own choice, 64 or more.
	Loads int

	// Fsync stands in for (*os.File).Sync in tests; nil means that. It is not
	// called by NATS itself, when Sync.Always is set.
	Fsync func(*os.File) error
}

// Sync says when the embedded file store calls fsync.
type Sync struct {
	Always bool          // before each acknowledgement
	Every  time.Duration // else so long after it, at the latest; 0 means a second
}

// Room is asked of the disk that the embedded server writes to.
type Room interface {
	// Drain is called before a write that gives room back, or leads to one, and
	// reports whether there is room for so many bytes.
	Drain(bytes int64) bool
}

// A Backbone is a connection to JetStream and, when embedded, the server.
//
// A write error, a lost connection or a failed fsync of an embedded server heals by
// itself when its cause is gone; see DESIGN.md. Until then [Backbone.Err] says
// what is wrong.
type Backbone struct {
	srv       *embedded // nil with an external server, like the next three
	disk      *disk
	keeper    *keeper
	entries   *entries
	folders   *folders // nil where there are no links, too
	room      Room     // nil for not known
	each      bool     // an fsync before each acknowledgement
	log       *slog.Logger
	conn      *nats.Conn
	js        jetstream.JetStream
	condition *condition
	stopping  atomic.Bool
	failed    chan error
}

// reconnectWait is how often an embedded server is asked for a new connection.
const reconnectWait = 20 * time.Millisecond

// Start brings JetStream up and connects to it.
func Start(ctx context.Context, c Config) (*Backbone, error) {
	b := &Backbone{
		each: c.URL == "" && c.Sync.Always, room: c.Room, log: c.log(),
		condition: newCondition(), failed: make(chan error, 1),
	}
	opts := append(b.watching(), nats.Name("millrace"), nats.MaxReconnects(-1))
	if c.URL == "" {
		log := &serverLog{log: b.log}
		var err error
		if b.folders, err = arrange(b, c, streamsDir(c.Dir)); err != nil {
			return nil, err
		}
		if b.srv, err = startEmbedded(c, log); err != nil {
			return nil, err
		}
		mend := b.Report
		log.mend.Store(&mend)
		// What could not be sent is not sent later: by then its queue has read its log anew.
		opts = append(opts, nats.InProcessServer(b.srv), nats.ReconnectBufSize(-1), nats.ReconnectWait(reconnectWait), nats.ReconnectJitter(0, 0))
		b.disk = startDisk(b.StreamsDir(), c, func(err error) {
			b.condition.change(func(s *state) {
				if s.unsynced = nil; err != nil {
					s.unsynced = unsynced(err)
				}
			})
		})
		b.keeper = startKeeper(b, c.fsync())
	}
	var err error
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
		return nil, errors.Join(fmt.Errorf("connecting to %s: %w", where, err), b.Stop(ctx))
	}
	if c.URL != "" {
		b.js = &replicated{JetStream: b.js, want: c.Replicas}
	}
	if b.folders != nil {
		b.folders.js = b.js
	}
	b.js = noticing{b.js, b}
	return b, nil
}

func (c Config) fsync() func(*os.File) error {
	if c.Fsync == nil {
		return (*os.File).Sync
	}
	return c.Fsync
}

func (c Config) looks() time.Duration {
	if c.Looks == 0 {
		return 15 * time.Minute
	}
	return c.Looks
}

func (c Config) every() time.Duration {
	if c.Sync.Every == 0 {
		return time.Second
	}
	return c.Sync.Every
}

func (c Config) atRest() func() {
	if c.AtRest == nil {
		return func() {}
	}
	return c.AtRest
}

func (c Config) log() *slog.Logger {
	if c.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Log
}

// Conn is the connection. Who publishes to a stream with it tells Wrote.
func (b *Backbone) Conn() *nats.Conn { return b.conn }

// JetStream is the connection's JetStream. What is written with it, and with the
// buckets it opens, needs no Wrote; what is published asynchronously, and purges
// of a jetstream.Stream, do.
func (b *Backbone) JetStream() jetstream.JetStream { return b.js }

// SyncsEach tells whether an fsync goes before each acknowledgement: then to
// write less often is worth more than to write at the same time.
func (b *Backbone) SyncsEach() bool { return b.each }

// Wrote says that JetStream has acknowledged a write to a stream: it is synced
// when Sync says. It costs little, and nothing with an external server.
func (b *Backbone) Wrote(stream string) { b.disk.wrote(stream) }

// Sync returns once what JetStream has acknowledged for a stream outlives a power
// cut: before something is removed because it was written elsewhere. With an
// external server it does nothing.
func (b *Backbone) Sync(stream string) error { return b.disk.sync(stream) }

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

// Stored is how many bytes the streams of an embedded server hold. Of those that are
// asleep it is what their files have, dead entries included.
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

// Failed gets one error when the connection has ended and cannot be made again:
// nothing works from then on.
func (b *Backbone) Failed() <-chan error { return b.failed }

// Drain is called before so many bytes are published with Conn, and reports
// whether the disk has room for them. It costs little.
func (b *Backbone) Drain(bytes int) bool { return b.room == nil || b.room.Drain(int64(bytes)) }

// Purgeable reports whether the disk has room for a purge of a stream that gives
// so many bytes back. The block in which it ends is written anew when more than
// half of it is dead, once those before it are gone.
func (b *Backbone) Purgeable(frees int64) bool {
	return frees >= blockSize || b.Drain(blockSize/2+entrySlack)
}

// entrySlack is more than what JetStream writes beside a message or a block.
const entrySlack = 64 << 10

// Stop closes the connection and the embedded server, and syncs its store.
func (b *Backbone) Stop(context.Context) error {
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
	return b.disk.close()
}
