package main

import (
	"context"
	"errors"
	"os"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"millrace/runtime/bridge"
	"millrace/runtime/store/backbone"
)

// How a queue of RabbitMQ is emptied that was filled before: by a bridge, and by a consumer
// without one.

const (
	drainFill     = 80_000
	drainPrefetch = 400
	drainBatch    = 100
)

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
