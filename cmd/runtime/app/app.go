// Package app joins the parts of the runtime into one: what `runtime start`
// runs, and what tests start inside themselves.
package app

import (
	"context"
	"errors"
	"fmt"
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

	"millrace/esm"
	"millrace/esm/source"
	sqssource "millrace/esm/source/sqs"
	esmtarget "millrace/esm/target"
	"millrace/runtime/capacity"
	"millrace/runtime/capacity/descriptors"
	"millrace/runtime/capacity/memory"
	"millrace/runtime/delivery"
	"millrace/runtime/delivery/target"
	"millrace/runtime/fault"
	"millrace/runtime/function"
	"millrace/runtime/identity"
	"millrace/runtime/lifecycle"
	"millrace/runtime/queue"
	"millrace/runtime/queue/cooldown"
	"millrace/runtime/queue/jetqueue"
	"millrace/runtime/queue/moves"
	"millrace/runtime/sandbox"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/keys"
	"millrace/runtime/store/loss"
	"millrace/runtime/store/record"
	"millrace/services/admin"
	"millrace/services/gateway"
	"millrace/services/gateway/http1"
	"millrace/services/iam"
	"millrace/services/kms"
	awslambda "millrace/services/lambda"
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
	MaxStore   int64        // bytes that the embedded store may hold before sends are refused; 0 for what the disk has
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

// An App is a running runtime.
type App struct {
	cfg      Config
	started  time.Time
	listener net.Listener
	parts    lifecycle.Stack
	thorough bool // every log is read at the start

	held      *lock
	gate      capacity.Gate
	folder    *folder
	store     *backbone.Backbone
	files     *descriptors.Limit
	losses    *loss.Log
	records   *record.Store
	keys      *keys.Ring
	queues    *jetqueue.Queues
	moves     *moves.Tasks
	sandboxes *sandbox.Pool
	functions *function.Functions
	outbox    *delivery.Outbox
	mappings  *esm.Mappings
}

// Start brings everything up, in the order in which the parts need each other,
// and returns when requests are served. What had started is stopped again when
// a later part fails.
func Start(ctx context.Context, cfg Config) (_ *App, err error) {
	a := &App{cfg: withDefaults(cfg), started: time.Now()}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.parts.Down(context.WithoutCancel(ctx)))
		}
	}()
	log := a.cfg.Log
	a.files = descriptors.Find(log)

	// The port first: it is the likeliest to be taken, and costs the least to ask.
	if a.listener = a.cfg.Listener; a.listener == nil {
		if a.listener, err = listen(a.cfg.Listen); err != nil {
			return nil, err
		}
	}
	warnOfStrangers(log, a.listener.Addr())
	a.parts.Push("listener", func(context.Context) error { return ignoreClosed(a.listener.Close()) })

	stream, err := a.openStore(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.measureDepths(); err != nil {
		return nil, fmt.Errorf("measuring queue depths: %w", err)
	}

	a.moves = moves.New(moves.Config{Records: a.records, Queue: a.moved, Log: log})
	if err := a.parts.Start(ctx, "message move tasks", a.moves); err != nil {
		return nil, err
	}

	temp, err := freshTemp(a.cfg.Data)
	if err != nil {
		return nil, err
	}
	a.sandboxes = sandbox.New(sandbox.Config{Endpoint: a.Endpoint, Temp: temp, Output: a.cfg.Output, Log: log})
	a.parts.Push("sandboxes", a.sandboxes.Stop)

	targets := delivery.Resolvers{}
	a.outbox = delivery.New(delivery.Config{
		Queue:   func(ctx context.Context) (delivery.Queue, error) { return delivery.QueueIn(ctx, a.queues) },
		Resolve: targets.Resolve,
		Senders: map[string]delivery.Sender{function.Sender: function.AsyncSender},
		Log:     log,
	})
	if a.functions, err = function.Open(ctx, function.Config{
		Records: a.records, Keys: a.keys, JetStream: stream.JetStream(), Dir: filepath.Join(a.cfg.Data, "functions"),
		Runner: a.sandboxes, Outbox: a.outbox, Log: log,
	}); err != nil {
		return nil, err
	}
	maps.Copy(targets, a.functions.Resolvers())
	maps.Copy(targets, target.Endpoints())
	targets["sqs"] = target.Queues(a.target, a.cfg.SQS.PoliciesOff)
	if err := a.parts.Start(ctx, "outbox", a.outbox); err != nil {
		return nil, err
	}

	queues := sqs.New(a.queues, a.moves, cooldown.New(a.records), a.cfg.SQS)
	batches := esmtarget.Functions{Functions: a.functions}
	mayReceive := func(q queue.ID, functionARN string) error {
		f, _ := batches.Function(functionARN)
		return queues.MayReceive(q, f.Account, f.Role, f.Name)
	}
	a.mappings = esm.New(esm.Config{
		Records: a.records, Invoker: batches, Timeout: batches.Timeout, Log: log,
		Sources: map[string]source.Kind{"sqs": sqssource.Kind(a.source, mayReceive)},
	})
	if err := a.parts.Start(ctx, "event source mappings", a.mappings); err != nil {
		return nil, err
	}

	functions := awslambda.New(a.functions, a.mappings)
	accountRoles := identity.NewRoles(a.records)
	roles := iam.New(accountRoles, identity.NewPolicies(a.records), time.Now)
	tokens := sts.New(identity.NewSessions(a.records, time.Now), accountRoles)
	secrets := kms.New(a.keys, time.Now)
	own := http.NewServeMux()
	own.Handle("/_runtime/", admin.Handler(a, a.cfg.AllowReset, log))
	own.Handle("/_runtime/code/", functions.CodeHandler())
	own.Handle("/_runtime/sqs/messages", queues.MessagesHandler(a.cfg.Account, a.cfg.Region))
	handler := gateway.New(gateway.Config{
		Services: []gateway.Service{queues, functions, roles, tokens, secrets},
		Own:      own,
		Account:  a.cfg.Account, SessionOf: tokens.Session, Region: a.cfg.Region,
		Hosts: a.cfg.AllowHosts, Log: log,
	})
	server := newServer(a.cfg.HTTP, bodies{handler, a.cfg.Memory}, log)
	served := make(chan struct{})
	go func() {
		defer close(served)
		if err := server.Serve(a.files.Listener(a.listener)); !errors.Is(err, http.ErrServerClosed) {
			log.Error("serving", "error", err)
		}
	}()
	a.parts.Push("gateway", func(ctx context.Context) error {
		queues.Drain() // waiting receives are answered now, not when their wait is over
		err := server.Shutdown(ctx)
		if err != nil {
			server.Close()
		}
		<-served
		return err
	})
	return a, nil
}

// A server serves HTTP; an *http.Server does.
type server interface {
	Serve(net.Listener) error
	Shutdown(context.Context) error
	Close() error
}

// newServer makes the server that was chosen. AWS's SDKs keep connections idle for
// 90 s at most (Go; Java 60 s, Node for as long as they may): one that the server
// ended first would cost a request.
func newServer(kind string, h http.Handler, log *slog.Logger) server {
	std := &http.Server{
		Handler: h, ReadHeaderTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	if kind == HTTPStd {
		return std
	}
	return http1.New(std)
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

// freshTemp makes the folder of the functions' temporary folders, without what a
// killed process left in it.
func freshTemp(data string) (string, error) {
	dir, err := filepath.Abs(filepath.Join(data, "tmp"))
	if err == nil {
		err = errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700))
	}
	if err != nil {
		return "", fmt.Errorf("making the functions' temporary folder: %w", err)
	}
	return dir, nil
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

// Stop drains what is in flight and stops every part, the front door first and
// the store last. When ctx ends, what still runs is cut off.
func (a *App) Stop(ctx context.Context) error { return a.parts.Down(ctx) }

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

// source finds the queue that a mapping feeds on.
func (a *App) source(id queue.ID) (sqssource.Queue, error) { return a.queues.Get(id) }

// target finds the queue that events are delivered to.
func (a *App) target(id queue.ID) (target.Queue, error) { return a.queues.Get(id) }

// moved finds the queue that a message move task empties.
func (a *App) moved(id queue.ID) (moves.Queue, error) { return a.queues.Get(id) }

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

// Status fits admin.Runtime.
func (a *App) Status(ctx context.Context) (admin.Status, error) {
	s := admin.Status{
		Version: Version, Endpoint: a.Endpoint(), Data: a.cfg.Store(), Folder: absolute(a.cfg.Data), PID: os.Getpid(),
		Started: a.started.Format(time.RFC3339), Uptime: time.Since(a.started).Seconds(),
	}
	for _, q := range a.allQueues() {
		n, err := q.MessageCount(ctx)
		if errors.Is(err, fault.NotFound) {
			continue // deleted since it was listed
		}
		if err != nil {
			return s, err
		}
		s.Stored.Queues++
		s.Stored.Messages += n
	}
	s.Stored.Functions = len(a.functions.All())
	s.Stored.Mappings = len(a.mappings.List(nil))
	s.Losses = a.losses.All()
	return s, nil
}

// ForgetLosses fits admin.Runtime.
func (a *App) ForgetLosses() error { return a.losses.Forget() }

// allQueues are the queues of every account, but not those that the runtime
// keeps for itself.
func (a *App) allQueues() []*jetqueue.Queue {
	return slices.DeleteFunc(a.queues.All(), func(q *jetqueue.Queue) bool { return q.ID().Account == delivery.Reserved })
}

// Reset fits admin.Runtime: what feeds on the rest goes first.
func (a *App) Reset(ctx context.Context) error {
	for _, part := range []interface{ Reset(context.Context) error }{a.mappings, a.outbox, a.functions, a.moves, a.queues, a.records, a.keys} {
		if err := part.Reset(ctx); err != nil {
			return err
		}
	}
	return a.outbox.Start(ctx)
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
