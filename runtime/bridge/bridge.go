package bridge

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
	"millrace/runtime/store/cluster"
)

// A Config is what Bridges stand on.
type Config struct {
	Conn    *nats.Conn       // to a server with JetStream
	Cluster *cluster.Cluster // the runtimes that share the server, started; nil for this one alone
	Log     *slog.Logger     // nil for none
}

// Bridges are the consumers of this runtime. Safe for concurrent use. They are a
// lifecycle.Part.
type Bridges struct {
	config Config
	log    *slog.Logger
	life   lifecycle.StartStop

	mu        sync.Mutex // guards what follows
	js        jetstream.JetStream
	streams   map[Queue]*stream
	consumers map[*Consumer]struct{}
}

// New makes bridges that are not started.
func New(c Config) *Bridges {
	b := &Bridges{config: c, log: c.Log, streams: map[Queue]*stream{}, consumers: map[*Consumer]struct{}{}}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	return b
}

// Start removes the streams that a killed runtime has left. It implements lifecycle.Part.
func (b *Bridges) Start(ctx context.Context) error {
	return b.life.Start(ctx, func(ctx context.Context, run *lifecycle.Run) error {
		js, err := jetstream.New(b.config.Conn)
		if err != nil {
			return fault.Wrap(fault.Unavailable, err, "reaching JetStream")
		}
		if err := sweep(ctx, js, b.config.Cluster); err != nil {
			return fault.Wrap(fault.Unavailable, err, "removing the streams of queues that a runtime has left")
		}
		b.mu.Lock()
		b.js = js
		b.mu.Unlock()
		run.Go(func() {
			<-run.Halted().Done()
			b.closeAll()
		})
		return nil
	})
}

// Stop closes all consumers. It implements lifecycle.Part.
func (b *Bridges) Stop(ctx context.Context) error { return b.life.Stop(ctx, "connections to brokers") }

// sweep removes the streams that no live runtime uses.
func sweep(ctx context.Context, js jetstream.JetStream, others *cluster.Cluster) (err error) {
	all := js.ListStreams(ctx, jetstream.WithStreamListSubject(subjectPrefix+".>"))
	for info := range all.Info() {
		member := info.Config.Metadata[memberKey]
		if info.Config.Metadata[subjectKey] == "" || others != nil && others.View().Has(member) {
			continue
		}
		if e := js.DeleteStream(ctx, info.Config.Name); !errors.Is(e, jetstream.ErrStreamNotFound) {
			err = errors.Join(err, e)
		}
	}
	return errors.Join(err, all.Err())
}

// Open makes a consumer. It connects to nothing before the first Receive. It is to be
// closed by its owner, and is closed by Stop.
func (b *Bridges) Open(s Spec) *Consumer {
	s.Prefetch = min(max(s.Prefetch, 1), math.MaxUint16)
	c := &Consumer{bridges: b, spec: s}
	c.life, c.close = context.WithCancel(context.Background())
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.life.Current() == nil {
		c.close()
	}
	b.consumers[c] = struct{}{}
	return c
}

func (b *Bridges) forget(c *Consumer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.consumers, c)
}

func (b *Bridges) closeAll() {
	b.mu.Lock()
	var closing sync.WaitGroup
	for c := range b.consumers {
		closing.Go(func() { c.Close() })
	}
	b.mu.Unlock()
	closing.Wait()
}

// owns reports whether this runtime is the one to bridge a queue; changed is closed when
// that may be otherwise.
func (b *Bridges) owns(q Queue) (mine bool, changed <-chan struct{}) {
	if b.config.Cluster == nil {
		return true, nil
	}
	v := b.config.Cluster.View()
	return v.Owner(q.key()) == v.Self, v.Changed()
}

func (b *Bridges) self() string {
	if b.config.Cluster == nil {
		return ""
	}
	return b.config.Cluster.Self()
}

// join has a link use the stream of its queue.
func (b *Bridges) join(ctx context.Context, l *link) (last uint64, err error) {
	b.mu.Lock()
	s := b.streams[l.spec.Queue]
	if s == nil {
		s = newStream(b.js, l.spec.Queue, b.self())
		b.streams[l.spec.Queue] = s
	}
	s.users++
	b.mu.Unlock()
	l.stream = s
	return s.join(ctx, l)
}

// leave is the end of that.
func (b *Bridges) leave(ctx context.Context, l *link) error {
	err := l.stream.leave(ctx, l)
	b.mu.Lock()
	defer b.mu.Unlock()
	if l.stream.users--; l.stream.users == 0 {
		delete(b.streams, l.spec.Queue)
	}
	return err
}
