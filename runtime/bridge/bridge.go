package bridge

import (
	"context"
	"log/slog"

	"github.com/nats-io/nats.go"

	"millrace/runtime/lifecycle"
	"millrace/runtime/store/cluster"
)

// A Config is what Bridges stand on.
type Config struct {
	Conn    *nats.Conn       // to a server with JetStream
	Cluster *cluster.Cluster // the runtimes that share the server; nil for this one alone
	Log     *slog.Logger     // nil for none
}

// Bridges are the consumers of this runtime. Safe for concurrent use. They are a
// lifecycle.Part.
type Bridges struct {
	config Config
	life   lifecycle.StartStop
}

// New makes bridges that are not started.
func New(c Config) *Bridges {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Bridges{config: c}
}

// Start removes the streams that a killed runtime has left. It implements lifecycle.Part.
func (b *Bridges) Start(ctx context.Context) error {
	return b.life.Start(ctx, func(context.Context, *lifecycle.Run) error { return nil })
}

// Stop closes all consumers. It implements lifecycle.Part.
func (b *Bridges) Stop(ctx context.Context) error { return b.life.Stop(ctx, "connections to brokers") }

// Open makes a consumer. It connects to nothing before the first Receive. It is to be
// closed by its owner, and is closed by Stop.
func (b *Bridges) Open(s Spec) *Consumer { return &Consumer{bridges: b, spec: s} }
