package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"millrace/runtime/bridge"
	"millrace/runtime/store/backbone"
)

// Modes that measure how fast a queue of RabbitMQ is emptied that was filled before, by a
// bridge and by a consumer without one.

const (
	drainFill     = 80_000
	drainPrefetch = 400
	drainBatch    = 100
)

// A drain is how long it takes to receive and acknowledge drainFill messages.
type drain struct{ bare, bridge time.Duration }

// drainOf is one figure of a drain, which is measured when its first mode runs.
func drainOf(figure func(drain) time.Duration) func(*bench) (sample, error) {
	return func(b *bench) (sample, error) {
		if b.drained == nil {
			d, err := b.measureDrain()
			if err != nil {
				return sample{}, err
			}
			b.drained = &d
		}
		return sample{msgs: drainFill, elapsed: figure(*b.drained), latencies: []time.Duration{figure(*b.drained) / drainFill}}, nil
	}
}

func (b *bench) measureDrain() (d drain, err error) {
	if b.server == nil {
		return d, errNotStarted
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	s, err := b.newBrokers("process")
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, s.end(b.runtime)) }()
	id, endpoint, _, err := s.create(ctx)
	if err != nil {
		return d, err
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		return d, err
	}
	u.User = url.UserPassword(brokerUser, brokerPassword)
	trust := &tls.Config{RootCAs: s.trust}
	conn, err := amqp.DialTLS(u.String(), trust)
	if err != nil {
		return d, err
	}
	defer conn.Close()
	for _, one := range []struct {
		queue string
		drain func(queue string) (time.Duration, error)
		took  *time.Duration
	}{
		{"warm", func(q string) (time.Duration, error) { return drainBare(ctx, conn, q) }, new(time.Duration)},
		{"bare", func(q string) (time.Duration, error) { return drainBare(ctx, conn, q) }, &d.bare},
		{"bridge", func(q string) (time.Duration, error) {
			return b.drainBridge(ctx, bridge.Queue{Broker: id, VirtualHost: "/", Name: q}, bridge.Address{Host: u.Host, TLS: trust})
		}, &d.bridge},
	} {
		if err := b.fillQueue(ctx, conn, one.queue); err != nil {
			return d, fmt.Errorf("filling: %w", err)
		}
		time.Sleep(2 * time.Second) // the broker writes what it was sent
		if *one.took, err = one.drain(one.queue); err != nil {
			return d, fmt.Errorf("draining, %s: %w", one.queue, err)
		}
	}
	return d, nil
}

// fillQueue makes a queue with drainFill durable messages.
func (b *bench) fillQueue(ctx context.Context, conn *amqp.Connection, queue string) error {
	ch, err := conn.Channel()
	if err != nil {
		return err
	}
	defer ch.Close()
	if _, err := ch.QueueDeclare(queue, true, false, false, false, nil); err != nil {
		return err
	}
	if err := ch.Confirm(false); err != nil {
		return err
	}
	body := make([]byte, b.size)
	for i := range drainFill {
		c, err := ch.PublishWithDeferredConfirm("", queue, true, false, amqp.Publishing{
			ContentType: "application/json", DeliveryMode: amqp.Persistent, Headers: amqp.Table{"number": int64(i)}, Body: body,
		})
		if err == nil && (i%1000 == 999 || i == drainFill-1) {
			_, err = c.WaitContext(ctx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// drainBare is a consumer that acknowledges each message by itself.
func drainBare(ctx context.Context, conn *amqp.Connection, queue string) (time.Duration, error) {
	ch, err := conn.Channel()
	if err != nil {
		return 0, err
	}
	defer ch.Close()
	if err := ch.Qos(drainPrefetch, 0, false); err != nil {
		return 0, err
	}
	began := time.Now()
	deliveries, err := ch.ConsumeWithContext(ctx, queue, "", false, false, false, false, nil)
	if err != nil {
		return 0, err
	}
	for range drainFill {
		d, ok := <-deliveries
		if !ok {
			return 0, errors.New("the channel was closed")
		}
		if err := d.Ack(false); err != nil {
			return 0, err
		}
	}
	return time.Since(began), nil
}

// drainBridge is a bridge over an embedded server, in this process, whose deliveries are
// acknowledged in batches.
func (b *bench) drainBridge(ctx context.Context, q bridge.Queue, at bridge.Address) (_ time.Duration, err error) {
	dir, err := os.MkdirTemp(b.dir, "")
	if err != nil {
		return 0, err
	}
	store := backbone.New(backbone.Config{Dir: dir})
	if err := store.Start(ctx); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, store.Stop(ctx), os.RemoveAll(dir)) }()
	bridges := bridge.New(bridge.Config{Conn: store.Conn()})
	if err := bridges.Start(ctx); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, bridges.Stop(ctx)) }()
	c := bridges.Open(bridge.Spec{
		Consumer: "bench", Queue: q, Prefetch: drainPrefetch,
		Address: func(context.Context) (bridge.Address, error) { return at, nil },
		Login:   func(context.Context) (user, password string, err error) { return brokerUser, brokerPassword, nil },
	})
	began := time.Now()
	for n := 0; n < drainFill; {
		var batch []bridge.Delivery
		for len(batch) < min(drainBatch, drainFill-n) {
			more, err := c.Receive(ctx, drainBatch-len(batch), -1)
			if err != nil {
				return 0, err
			}
			batch = append(batch, more...)
		}
		if err := c.Acknowledge(ctx, batch); err != nil {
			return 0, err
		}
		n += len(batch)
	}
	return time.Since(began), nil
}
