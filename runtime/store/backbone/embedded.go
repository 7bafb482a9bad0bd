package backbone

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// MaxPayload is the largest log entry the embedded server takes, in bytes: a
// full SQS batch (1 MiB) with room for what the log adds.
const MaxPayload = 8 << 20

const (
	// noQuota is JetStream's own limit on its store. Without one it takes three
	// quarters of what is free at the start, and fails for good when they are used.
	// What there is room for is asked before; see runtime/capacity.
	noQuota = math.MaxInt64 / 4

	// maxControlLine is as long as a line of the protocol can be, its subject
	// included. At a longer one the server ends the connection.
	maxControlLine = MaxPayload
)

// blockSize is how large the files of a stream get that has SmallBlocks. JetStream
// gives the room of what was purged back by the file, or by writing the rest of
// one anew: the smaller, the less room that takes.
const blockSize = 4 << 20

// SmallBlocks is a limit of messages for each subject that no stream reaches. A
// stream with such a limit gets blocks of 4 MiB, without one of 8 MiB (nats-server
// 2.15.2, autoTuneFileStorageBlockSize); its configuration has no word for that.
const SmallBlocks = math.MaxInt64 / 4

// An embedded is the NATS server inside this process.
type embedded struct {
	*server.Server
	dir   string
	jsCfg server.JetStreamConfig
}

func startEmbedded(c Config, log *serverLog) (*embedded, error) {
	opts := &server.Options{
		ServerName: "millrace", DontListen: true, JetStream: true, StoreDir: c.Dir,
		NoSigs: true, NoLog: true, MaxPayload: MaxPayload, MaxControlLine: maxControlLine,
		SyncInterval: c.checkInterval(), SyncAlways: c.Sync.Always, JetStreamMaxStore: noQuota, JetStreamConcurrentIOs: c.ConcurrentLoads,
	}
	srv, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("configuring the embedded NATS server: %w", err)
	}
	srv.SetLogger(log, false, false)
	srv.Start()
	if err = log.startError(); err == nil && !srv.ReadyForConnections(30*time.Second) {
		err = errors.New("it did not get ready within 30 seconds")
	}
	if err != nil {
		srv.Shutdown()
		return nil, fmt.Errorf("starting the embedded NATS server: %w", err)
	}
	return &embedded{Server: srv, dir: c.Dir, jsCfg: server.JetStreamConfig{ // as the server's own restartJetStream
		StoreDir: c.Dir, SyncInterval: c.checkInterval(), SyncAlways: c.Sync.Always, MaxStore: noQuota, Strict: true, CompressOK: true,
	}}, nil
}

// streamsDir holds a folder for each stream.
func (e *embedded) streamsDir() string { return streamsDir(e.dir) }

func streamsDir(dir string) string { return filepath.Join(dir, "jetstream", "$G", "streams") }

// closeWait is how long a store may take to close that the server closes by itself.
const closeWait = 10 * time.Second

// reopen closes the store and opens it anew: what a write error left behind in
// it is gone then. Connections and subscriptions stay.
func (e *embedded) reopen() error {
	if err := e.ShutdownJetStream(); err != nil {
		return err
	}
	// The server may be at it by itself, and then ShutdownJetStream does nothing.
	for end := time.Now().Add(closeWait); e.JetStreamConfig() != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return errors.New("the store does not close")
		}
	}
	cfg := e.jsCfg // which EnableJetStream changes
	if err := e.EnableJetStream(&cfg); err != nil {
		return errors.Join(err, e.ShutdownJetStream())
	}
	return nil
}

// open names the streams that are open.
func (e *embedded) open() (map[string]bool, error) {
	detail, err := e.JszAccount(&server.JSzOptions{Account: "$G", Streams: true})
	if err != nil {
		return nil, err
	}
	open := map[string]bool{}
	for _, s := range detail.Streams {
		open[s.Name] = true
	}
	return open, nil
}

// stored is how many bytes its streams hold.
func (e *embedded) stored() int64 {
	return int64(e.GlobalAccount().JetStreamUsage().Store)
}

// probe writes to the store's disk, and syncs what it wrote.
func probe(dir string, fsync func(*os.File) error) (err error) {
	f, err := os.CreateTemp(dir, "probe-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	if _, err := f.Write(make([]byte, 4096)); err != nil {
		return err
	}
	return fsync(f)
}
