// Package app joins the parts of the runtime into one: what `runtime start`
// runs, and what tests start inside themselves.
package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"millrace/esm/source"
	"millrace/runtime/capacity"
	"millrace/runtime/capacity/descriptors"
	"millrace/runtime/capacity/memory"
	"millrace/runtime/delivery"
	"millrace/runtime/delivery/target"
	"millrace/runtime/function"
	"millrace/runtime/identity"
	"millrace/runtime/lifecycle"
	"millrace/runtime/object/blob"
	"millrace/runtime/object/jetobject"
	"millrace/runtime/queue/jetqueue"
	"millrace/runtime/secret"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/cluster"
	"millrace/runtime/store/keys"
	"millrace/runtime/store/loss"
	"millrace/runtime/store/record"
	"millrace/runtime/topic"
	"millrace/runtime/topic/fifo"
	"millrace/runtime/topic/signing"
	"millrace/services/admin"
	"millrace/services/gateway"
	"millrace/services/s3"
	"millrace/services/sqs"
	"millrace/services/sts"
)

// Version of the runtime; set when a release is built.
var Version = "0.1.0-dev"

// A Config says where the runtime listens and keeps its data. The zero Config
// listens on 127.0.0.1:4566 and keeps everything in ./.runtime.
type Config struct {
	Listen     string       // host:port; "" for 127.0.0.1:4566, port 0 for a free one
	Listener   net.Listener // listens already; Listen is not used then
	Data       string       // data folder; "" for .runtime
	NATS       string       // URLs, with commas between them, of external NATS servers with JetStream, instead of the embedded one
	Replicas   int          // of each stream on external servers; 0 for what is there, else three if there are the servers for it
	RootKey    string       // file of the key that encrypts what is stored; "" for root.key in the data folder, or with NATS for one that is kept there
	Sync       backbone.Sync
	MaxStore   int64        // bytes that the embedded store and the contents of objects may take before what adds to them is refused; 0 for what the disk has
	AtRest     func()       // called when nothing was written for 15 seconds; nil for nothing
	Strict     bool         // do not start when anything stored is missing or damaged
	AllowReset bool         // POST /_runtime/reset empties everything
	AllowHosts []string     // Host headers served beside loopback names and addresses
	Account    string       // of callers whose key names none; "" for 000000000000
	Region     string       // of callers whose request names none; "" for us-east-1
	Output     io.Writer    // what functions print, a line each with the function's name in front; nil for nowhere
	Log        *slog.Logger // nil for none

	// Memory bounds what is kept in memory; nil for nothing. It is the process's, so
	// whose process it is finds it.
	Memory *memory.Limit

	HTTP string // HTTPLoop or HTTPStd: what serves connections; "" for HTTPLoop

	SQS         sqs.Options // how SQS answers
	KeepForever bool        // MessageRetentionPeriod removes nothing

	SNS SNS // how topics deliver, and how SNS answers

	S3 S3 // how S3 answers

	MQ MQ // how brokers run, and how Amazon MQ answers
}

// What can serve connections: net/http alone, or a loop that serves what SDKs
// send, with net/http for the rest.
const (
	HTTPLoop = "loop"
	HTTPStd  = "std"
)

// Store says where the data is: the absolute path of the folder, or the URLs of
// the external servers without their passwords.
func (c Config) Store() string {
	if c.NATS != "" {
		return backbone.Redacted(c.NATS)
	}
	return absolute(c.Data)
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// An App is a runtime, from Start to Stop. It runs once.
type App struct {
	cfg      Config
	life     lifecycle.Once
	started  time.Time
	listener net.Listener
	stack    lifecycle.Stack
	thorough bool // every log is read at the start

	held   *lock
	gate   capacity.Gate
	folder *folder
	store  *backbone.Backbone
	blobs  blob.Usage // what the files of objects take; kept while MaxStore is set
	files  *descriptors.Limit
	losses *loss.Log
	others *cluster.Cluster // the runtimes on the same servers; nil with a store of its own

	// What parts stand on.
	records *record.Store
	keys    *keys.Ring
	queues  *jetqueue.Queues
	logs    *fifo.Logs // of FIFO topics
	buckets *jetobject.Buckets
	objects *s3.Service
	outbox  *delivery.Outbox
	targets delivery.Resolvers         // of the outbox
	senders map[string]delivery.Sender // of the outbox
	sources map[string]source.Kind     // of event source mappings; complete when Lambda is opened

	// What one part has for another that is opened after it.
	roles     *identity.Roles
	functions *function.Functions
	issued    *identity.Sessions
	sessions  *sts.Service
	secrets   *secret.Secrets
	topics    *topic.Topics
	signer    *signing.Signer

	intact                func() error  // see watchFolder; nil with a store elsewhere
	truncated             truncatedLogs // whose end was cut short
	logsRead, bucketsRead bool          // what was cut short of the logs of topics is known, and of those of buckets

	offers []Offer // of the parts, in their order
}

// New makes a runtime that is not started. Only Start and Stop may be called before it is.
func New(cfg Config) *App { return &App{cfg: withDefaults(cfg)} }

// Start brings everything up, in the order in which the parts need each other,
// and returns when requests are served. What had started is stopped again when
// a later part fails. It implements lifecycle.Part.
func (a *App) Start(ctx context.Context) error { return a.life.Start(ctx, a.start) }

// Stop drains what is in flight and stops every part, the front door first and
// the store last. When ctx ends, what still runs is cut off. It implements
// lifecycle.Part.
func (a *App) Stop(ctx context.Context) error { return a.life.Stop(ctx, "parts of the runtime") }

func (a *App) start(ctx context.Context, run *lifecycle.Run) (err error) {
	run.Cleanup(a.stack.Down)
	a.started = time.Now()
	log := a.cfg.Log
	a.files = descriptors.Find(log)

	// The port first: it is the likeliest to be taken, and costs the least to ask.
	if a.listener = a.cfg.Listener; a.listener == nil {
		if a.listener, err = listen(a.cfg.Listen); err != nil {
			return err
		}
	}
	warnOfStrangers(log, a.listener.Addr())
	a.stack.Push("listener", func(context.Context) error { return ignoreClosed(a.listener.Close()) })

	if err := a.openStore(ctx); err != nil {
		return err
	}
	a.targets, a.senders, a.sources = delivery.Resolvers{}, map[string]delivery.Sender{}, map[string]source.Kind{}
	maps.Copy(a.targets, target.Endpoints(authority(a.cfg).Root))
	a.outbox = delivery.New(delivery.Config{
		Queue:   func(ctx context.Context) (delivery.Queue, error) { return delivery.QueueIn(ctx, a.queues) },
		Resolve: a.targets.Resolve, Senders: a.senders, Log: log,
	})
	if err := a.openParts(ctx); err != nil {
		return err
	}
	// After all that it may deliver to.
	if err := a.stack.Start(ctx, "outbox", a.outbox); err != nil {
		return err
	}
	door := &door{server: newServer(a.cfg.HTTP, bodies{a.handler(), a.cfg.Memory}, log), listener: a.files.Listener(a.listener), drain: a.drain, log: log}
	return a.stack.Start(ctx, "gateway", door)
}

// handler serves what the parts offer.
func (a *App) handler() http.Handler {
	own := http.NewServeMux()
	own.Handle("/_runtime/", admin.Handler(a, a.cfg.AllowReset, a.cfg.Log))
	var services []gateway.Service
	for _, o := range a.offers {
		services = append(services, o.Service)
		for pattern, h := range o.Routes {
			own.Handle(pattern, h)
		}
	}
	return gateway.New(gateway.Config{
		Services: services, Own: own,
		Account: a.cfg.Account, SessionOf: a.sessions.Session, Region: a.cfg.Region,
		Hosts: a.cfg.AllowHosts, Log: a.cfg.Log,
	})
}

// drain answers the requests that wait.
func (a *App) drain() {
	for _, o := range a.offers {
		if o.Drain != nil {
			o.Drain()
		}
	}
}

// rootKey is the key that all others are wrapped by. Runtimes that share a NATS
// server must share it too, so there it is kept with the rest unless a file is named.
func (a *App) rootKey() (keys.Root, error) {
	switch {
	case a.cfg.RootKey != "":
		return keys.LoadRoot(a.cfg.RootKey)
	case a.cfg.NATS != "":
		a.cfg.Log.Info("the root key is kept on the NATS server, with what it encrypts; keep it in a file of your own with --root-key")
		return keys.SharedRoot(), nil
	}
	file := filepath.Join(a.cfg.Data, "root.key")
	return keys.LoadRoot(file, file+".copy")
}

func withDefaults(c Config) Config {
	def := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	def(&c.Listen, "127.0.0.1:4566")
	def(&c.Data, ".runtime")
	def(&c.Account, "000000000000")
	def(&c.Region, "us-east-1")
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Endpoint is the URL that clients use.
func (a *App) Endpoint() string { return "http://" + reachable(a.listener.Addr()) }

// Register deploys a Go handler that runs inside this process: for tests and for
// programs that embed the runtime.
func (a *App) Register(ctx context.Context, f function.Function, h lambda.Handler) error {
	if f.Account == "" {
		f.Account = a.cfg.Account
	}
	if f.Region == "" {
		f.Region = a.cfg.Region
	}
	return a.functions.Register(ctx, f, h)
}

// Health implements admin.Runtime: what would be refused now, or may be lost, and why.
func (a *App) Health() error {
	if a.folder.intact() == nil { // else there is nowhere to put it: another folder is not ours
		a.held.restore(a.cfg.Log)
	}
	err := append(slices.Clip(a.gate), a.files).Full()
	if a.cfg.NATS != "" { // then the gate does not ask: messages are elsewhere, but functions run in the folder
		err = errors.Join(err, a.store.Err(), a.folder.intact())
	}
	return err
}

// Failed gets one error when nothing works anymore, and nothing but a new start
// can change that. Stop is still to be called.
func (a *App) Failed() <-chan error { return a.store.Failed() }

// Status implements admin.Runtime.
func (a *App) Status(ctx context.Context) (admin.Status, error) {
	s := admin.Status{
		Version: Version, Endpoint: a.Endpoint(), Data: a.cfg.Store(), Folder: absolute(a.cfg.Data), PID: os.Getpid(),
		Started: a.started.Format(time.RFC3339), Uptime: time.Since(a.started).Seconds(),
	}
	for _, o := range a.offers {
		if o.Status == nil {
			continue
		}
		counts, err := o.Status(ctx)
		if err != nil {
			return s, err
		}
		s.Stored = append(s.Stored, counts...)
	}
	s.Losses = a.losses.All()
	return s, nil
}

// ForgetLosses implements admin.Runtime.
func (a *App) ForgetLosses() error { return a.losses.Forget() }

// Reset implements admin.Runtime. Deliveries rest meanwhile, and go on also when it
// fails.
func (a *App) Reset(ctx context.Context) error {
	if err := a.outbox.Reset(ctx); err != nil {
		return err
	}
	return errors.Join(a.removeAll(ctx), a.outbox.Start(ctx))
}

// removeAll removes what is stored: what feeds on the rest goes first. What somebody makes
// meanwhile stays: without its record it would be there until the next start, and lost then.
func (a *App) removeAll(ctx context.Context) error {
	newest := a.records.Newest()
	for _, o := range slices.Backward(a.offers) {
		if o.Reset == nil {
			continue
		}
		if err := o.Reset(ctx); err != nil {
			return err
		}
	}
	if err := a.records.RemoveUpTo(ctx, newest); err != nil {
		return err
	}
	return a.keys.Reset(ctx)
}

// reachable turns a listening address into one to connect to.
func reachable(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return addr.String()
	}
	ip := tcp.IP
	if ip.IsUnspecified() {
		ip = net.IPv4(127, 0, 0, 1)
	}
	return net.JoinHostPort(ip.String(), strconv.Itoa(tcp.Port))
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
