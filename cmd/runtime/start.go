package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/alecthomas/kong"

	"millrace/cmd/runtime/app"
	"millrace/runtime/capacity/memory"
	"millrace/runtime/store/backbone"
	"millrace/runtime/telemetry"
)

type startCmd struct {
	Listen      string        `default:"127.0.0.1:4566" env:"MILLRACE_LISTEN" help:"Address to listen on, host:port. Only loopback unless you say otherwise."`
	Data        string        `default:".runtime" env:"MILLRACE_DATA" help:"Folder that holds everything that is stored."`
	NATS        string        `name:"nats" env:"MILLRACE_NATS" placeholder:"URL" help:"Stand on external NATS servers with JetStream instead of the embedded one. Runtimes on the same servers share everything."`
	Replicas    int           `env:"MILLRACE_REPLICAS" placeholder:"N" help:"Replicas of each stream on external servers. Without it: 3 if there are the servers for it, else 1."`
	RootKey     string        `env:"MILLRACE_ROOT_KEY" placeholder:"FILE" help:"File of the 32-byte key that encrypts what is stored; made on first start, by default as root.key in the data folder. With --nats it is kept there unless you name a file, the same for every runtime."`
	Sync        syncFlag      `default:"1s" env:"MILLRACE_SYNC" placeholder:"always|DURATION" help:"When the store calls fsync: before each acknowledgement, or so long after it, at the latest."`
	MaxStore    byteSize      `env:"MILLRACE_MAX_STORE" placeholder:"SIZE" help:"Refuse what adds to the store once streams and the contents of objects take so much, such as 500MB or 2GiB. Without it the disk is the limit."`
	StrictStore bool          `env:"MILLRACE_STRICT_STORE" help:"Do not start when anything stored is missing or damaged."`
	AllowReset  bool          `env:"MILLRACE_ALLOW_RESET" help:"Allow POST /_runtime/reset, which removes everything."`
	AllowHost   []string      `env:"MILLRACE_ALLOW_HOST" placeholder:"NAME" help:"Serve requests for this host name too, beside loopback names and addresses."`
	HTTP        string        `name:"http" default:"loop" enum:"loop,std" env:"MILLRACE_HTTP" help:"What serves HTTP: loop, which takes less of the processor, or std, Go's net/http alone."`
	Parts       kong.Plugins  `embed:""` // the switches of each part
	Grace       time.Duration `default:"30s" env:"MILLRACE_GRACE" help:"How long work in flight may take to finish at the end."`
	LogLevel    slog.Level    `default:"warn" env:"MILLRACE_LOG_LEVEL" help:"What to log: debug, info, warn or error."`
	LogFormat   string        `default:"text" enum:"text,json" env:"MILLRACE_LOG_FORMAT" help:"How to log: text or json."`

	config *app.Config // what the parts' switches set
}

func newStartCmd() startCmd {
	c := startCmd{config: &app.Config{}}
	for _, p := range app.Parts() {
		if p.Flags != nil {
			c.Parts = append(c.Parts, p.Flags(c.config))
		}
	}
	return c
}

// A syncFlag is "always" or a duration.
type syncFlag backbone.Sync

func (f *syncFlag) UnmarshalText(text []byte) error {
	if string(text) == "always" {
		*f = syncFlag{Always: true}
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil || d <= 0 {
		return fmt.Errorf("%q is neither always nor a duration such as 200ms", text)
	}
	*f = syncFlag{Every: d}
	return nil
}

// Run serves until the context ends, then drains and returns nil.
func (c *startCmd) Run(ctx context.Context, term terminal, command *kong.Context) error {
	began := time.Now()
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		tuneGC()
	}
	log := c.logger(term)
	warnOfUnknown(log, command.Model, os.Environ())
	flush, err := telemetry.Setup(ctx, os.Getenv, app.Version)
	if err != nil {
		return err
	}
	cfg := *c.config
	cfg.Memory = memory.Find(log)
	cfg.Listen, cfg.AllowHosts, cfg.HTTP = c.Listen, c.AllowHost, c.HTTP
	cfg.Data, cfg.RootKey, cfg.Sync, cfg.MaxStore, cfg.Strict = c.Data, c.RootKey, backbone.Sync(c.Sync), int64(c.MaxStore), c.StrictStore
	cfg.NATS, cfg.Replicas = c.NATS, c.Replicas
	cfg.AllowReset, cfg.AtRest = c.AllowReset, releaseMemory
	cfg.Output, cfg.Log = shown(term.out), log
	a := app.New(cfg)
	if err := a.Start(ctx); err != nil {
		return err
	}
	where := "data in " + c.Data
	if c.NATS != "" {
		where = "data in " + cfg.Store() // which keeps the password back
	}
	fmt.Fprintf(term.out, "Millrace is ready at %s, %s, after %d ms\n", a.Endpoint(), where, time.Since(began).Milliseconds())

	var failed error
	select {
	case <-ctx.Done():
		fmt.Fprintln(term.out, "Stopping: work in flight is finished first")
	case failed = <-a.Failed(): // nothing works anymore: better no runtime than one that only answers
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.Grace)
	defer cancel()
	return errors.Join(failed, a.Stop(grace), flush(grace))
}

// releaseMemory returns memory to the system that a load needed and an idle runtime does
// not. What is pooled survives the first collection.
func releaseMemory() {
	runtime.GC()
	debug.FreeOSMemory()
}

func (c *startCmd) logger(term terminal) *slog.Logger {
	opts := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(term.err, opts))
	}
	return slog.New(slog.NewTextHandler(term.err, opts))
}
