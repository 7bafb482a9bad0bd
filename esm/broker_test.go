package esm_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"millrace/esm/source/rabbitmq"
	"millrace/runtime/bridge"
)

const (
	brokerARN = "arn:aws:mq:us-east-1:000000000000:broker:orders:b-1234a5b6-78cd-901e-2fab-3c45d6e78f90"
	secretARN = "arn:aws:secretsmanager:us-east-1:000000000000:secret:login-AbCdEf"
)

// memBroker is as much of a bridged queue as a poller can tell from a real one: it
// remembers what is unacknowledged, and delivers again what it gets back.
type memBroker struct {
	mu      sync.Mutex
	ready   []bridge.Delivery
	out     []bridge.Delivery
	acked   []string // bodies, in order
	last    uint64   // tag
	spec    bridge.Spec
	calls   int
	closed  int
	err     error         // of each receive; nil when the broker is well
	changed chan struct{} // closed and replaced at each change
}

func newBroker() *memBroker { return &memBroker{changed: make(chan struct{})} }

// config makes the broker what mappings to brokerARN consume from.
func (b *memBroker) config() rabbitmq.Config {
	return rabbitmq.Config{
		Open:    func(s bridge.Spec) rabbitmq.Consumer { b.spec = s; return b },
		Address: func(context.Context, rabbitmq.Broker) (bridge.Address, error) { return bridge.Address{}, nil },
		Check:   func(rabbitmq.Broker) error { return nil },
		Secret:  func(context.Context, string) (string, error) { return `{"username":"u","password":"p"}`, nil },
	}
}

func (b *memBroker) publish(bodies ...string) {
	b.change(func() {
		for _, body := range bodies {
			b.ready = append(b.ready, bridge.Delivery{Body: []byte(body)})
		}
	})
}

func (b *memBroker) change(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
	close(b.changed)
	b.changed = make(chan struct{})
}

// called is how often Receive was.
func (b *memBroker) called() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.calls
}

func (b *memBroker) Receive(ctx context.Context, most int, wait time.Duration) ([]bridge.Delivery, error) {
	var over <-chan time.Time
	if wait >= 0 {
		over = time.After(wait)
	}
	b.mu.Lock()
	b.calls++
	b.mu.Unlock()
	for {
		b.mu.Lock()
		n := min(most, len(b.ready))
		err, changed := b.err, b.changed
		got := slices.Clone(b.ready[:n])
		if err == nil {
			for i := range got {
				b.last++
				got[i].Handle = bridge.Handle{Connection: "c", Tag: b.last}
			}
			b.ready, b.out = b.ready[n:], append(b.out, got...)
		}
		b.mu.Unlock()
		if err != nil || n > 0 {
			return got, err
		}
		select {
		case <-changed:
		case <-over:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// take removes deliveries from what is unacknowledged.
func (b *memBroker) take(all []bridge.Delivery) (taken []bridge.Delivery) {
	for _, d := range all {
		i := slices.IndexFunc(b.out, func(o bridge.Delivery) bool { return o.Handle == d.Handle })
		taken = append(taken, b.out[i])
		b.out = slices.Delete(b.out, i, i+1)
	}
	return taken
}

func (b *memBroker) Acknowledge(_ context.Context, all []bridge.Delivery) error {
	b.change(func() {
		for _, d := range b.take(all) {
			b.acked = append(b.acked, string(d.Body))
		}
	})
	return nil
}

func (b *memBroker) Requeue(_ context.Context, all []bridge.Delivery) error {
	b.change(func() {
		back := b.take(all)
		for i := range back {
			back[i].Redelivered = true
		}
		b.ready = slices.Concat(back, b.ready)
	})
	return nil
}

func (b *memBroker) Close() error {
	b.change(func() {
		for i := range b.out {
			b.out[i].Redelivered = true
		}
		b.ready, b.out, b.closed = slices.Concat(b.out, b.ready), nil, b.closed+1
	})
	return nil
}

// has says what is in the queue, what is unacknowledged, and what was acknowledged.
func (b *memBroker) has() (ready, out int, acked []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.ready), len(b.out), slices.Clone(b.acked)
}
