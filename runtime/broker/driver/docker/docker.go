// Package docker runs nodes of brokers as containers of a Docker engine that is
// there already: it neither starts an engine nor configures one.
//
// A node is a container and a volume; the members of a cluster have a network beside
// these. All carry the label millrace.data, which tells the data folder of this runtime
// from others, and millrace.node or millrace.members; nothing without them is ever
// touched. The engine may run on another machine, or in a virtual one, so it is given
// files, never paths.
package docker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/moby/moby/client"
	"go.opentelemetry.io/otel/trace/noop"

	"millrace/runtime/broker/driver"
	"millrace/runtime/fault"
)

// Config says which engine runs what.
type Config struct {
	Data   string            // the runtime's data folder
	Host   string            // of the engine, as in DOCKER_HOST; "" for that, or the default socket
	Images map[string]string // of engines ("rabbitmq"), where others than the default are wanted; {version} stands for the version
	Log    *slog.Logger      // nil for slog.Default

	// CallTimeout bounds each call to the engine but pulls, stops and commands in
	// containers, which have bounds of their own; 0 for 30 s.
	CallTimeout time.Duration
}

const (
	defaultCallTimeout = 30 * time.Second
	checkTimeout       = 5 * time.Second
)

// A Driver implements driver.Driver. The zero Driver is of no use: see New.
type Driver struct {
	cfg     Config
	client  *client.Client
	data    string // what tells our containers from those of other data folders
	log     *slog.Logger
	timeout time.Duration

	watching context.Context // over at Close
	close    context.CancelFunc
	watchers sync.WaitGroup

	marking  sync.Mutex // while a volume is made, or File removed
	networks sync.Mutex // while a network is made or removed
	probing  sync.Mutex // one container at a time is asked for its version

	mu     sync.Mutex
	nodes  map[string]*instance // those that are watched, by name
	images map[string]image     // what is known of them, by ID
}

var _ driver.Driver = (*Driver)(nil)

// New returns a driver. It connects to nothing yet. An error says what is wrong
// with the configuration or the environment (DOCKER_HOST, DOCKER_CERT_PATH).
func New(cfg Config) (*Driver, error) {
	data, err := filepath.Abs(cfg.Data)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "finding the data folder")
	}
	if real, err := filepath.EvalSymlinks(data); err == nil {
		data = real
	}
	opts := []client.Opt{
		client.FromEnv,
		client.WithTraceProvider(noop.NewTracerProvider()), // its requests are no part of anyone's trace
	}
	if cfg.Host != "" {
		opts = append(opts, client.WithHost(cfg.Host))
	}
	c, err := client.New(opts...)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the Docker engine's address or certificates cannot be used")
	}
	sum := sha256.Sum256([]byte(data))
	d := &Driver{
		cfg: cfg, client: c, data: hex.EncodeToString(sum[:5]), log: cfg.Log, timeout: cfg.CallTimeout,
		nodes: map[string]*instance{}, images: map[string]image{},
	}
	if d.log == nil {
		d.log = slog.Default()
	}
	if d.timeout == 0 {
		d.timeout = defaultCallTimeout
	}
	d.watching, d.close = context.WithCancel(context.Background())
	return d, nil
}

// Name implements driver.Driver.
func (d *Driver) Name() string { return "docker" }

// Check implements driver.Driver: it asks the engine whether it answers, and at
// first for the newest version of its API that both know.
func (d *Driver) Check(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, min(checkTimeout, d.timeout))
	defer cancel()
	ping, err := d.client.Ping(bounded, client.PingOptions{NegotiateAPIVersion: true})
	if err != nil {
		if ctx.Err() == nil && bounded.Err() != nil {
			return fault.New(fault.Unavailable, "the Docker engine at %s does not answer: restart it", d.client.DaemonHost())
		}
		return fault.New(fault.Unavailable, "no Docker engine can be used at %s (%v): start Docker or install it, allow this user to use it, or set DOCKER_HOST", d.client.DaemonHost(), oneLine(err))
	}
	if ping.OSType != "" && ping.OSType != "linux" {
		return fault.New(fault.Unavailable, "the Docker engine at %s runs containers of %s: change it to Linux containers", d.client.DaemonHost(), ping.OSType)
	}
	return nil
}

// Close implements driver.Driver.
func (d *Driver) Close() error {
	d.close()
	d.watchers.Wait()
	return d.client.Close()
}
