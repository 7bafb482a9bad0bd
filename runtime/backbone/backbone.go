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
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
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

	// Fsync stands in for (*os.File).Sync in tests; nil means that. It is not
	// called by NATS itself, when Sync.Always is set.
	Fsync func(*os.File) error
}

// Sync says when the embedded file store calls fsync.
type Sync struct {
	Always bool          // before each acknowledgement
	Every  time.Duration // else so long after it, at the latest; 0 means a second
}

// A Backbone is a connection to JetStream and, when embedded, the server.
type Backbone struct {
	srv  *server.Server
	disk *disk // nil with an external server
	each bool  // an fsync before each acknowledgement
	conn *nats.Conn
	js   jetstream.JetStream
}

// MaxPayload is the largest log entry the embedded server takes, in bytes: a
// full SQS batch (1 MiB) with room for what the log adds.
const MaxPayload = 8 << 20

// serverSync is how often the embedded server looks at each stream by itself:
// to give back the descriptors of those that rest, and the room of what was
// deleted between other messages. What it syncs then was synced long before.
const serverSync = 15 * time.Minute

// Start brings JetStream up and connects to it.
func Start(ctx context.Context, c Config) (*Backbone, error) {
	b := &Backbone{each: c.URL == "" && c.Sync.Always}
	opts := []nats.Option{nats.Name("millrace"), nats.MaxReconnects(-1)}
	url := c.URL
	if url == "" {
		every := c.Sync.Every
		if every == 0 {
			every = time.Second
		}
		srv, err := server.NewServer(&server.Options{
			ServerName: "millrace", DontListen: true, JetStream: true, StoreDir: c.Dir,
			NoSigs: true, NoLog: true, MaxPayload: MaxPayload,
			SyncInterval: serverSync, SyncAlways: c.Sync.Always,
		})
		if err != nil {
			return nil, fmt.Errorf("configuring the embedded NATS server: %w", err)
		}
		b.srv = srv
		if c.Log != nil {
			srv.SetLogger(serverLog{c.Log}, false, false)
		}
		srv.Start()
		if !srv.ReadyForConnections(30 * time.Second) {
			srv.Shutdown()
			return nil, errors.New("the embedded NATS server did not get ready within 30 seconds")
		}
		opts = append(opts, nats.InProcessServer(srv))
		b.disk = startDisk(filepath.Join(c.Dir, "jetstream", "$G", "streams"), every, c)
	}
	var err error
	if b.conn, err = nats.Connect(url, append(opts, logging(c.Log)...)...); err == nil {
		b.js, err = jetstream.New(b.conn)
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
	b.js = noticing{b.js, b.disk}
	return b, nil
}

func (c Config) fsync() func(*os.File) error {
	if c.Fsync == nil {
		return (*os.File).Sync
	}
	return c.Fsync
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

// Stop closes the connection and the embedded server, and syncs its store.
func (b *Backbone) Stop(context.Context) error {
	if b.conn != nil {
		b.conn.Close()
	}
	if b.srv != nil {
		b.srv.Shutdown()
		b.srv.WaitForShutdown()
	}
	return b.disk.close()
}
