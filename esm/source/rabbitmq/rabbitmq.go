// Package rabbitmq makes queues of RabbitMQ brokers sources of event source mappings:
// it receives deliveries over a bridge, renders them as the records of an Amazon MQ
// event, and acknowledges or requeues them.
package rabbitmq

import (
	"context"
	"encoding/base64"
	"strings"
	"time"

	"millrace/esm/batch"
	"millrace/esm/source"
	"millrace/runtime/arn"
	"millrace/runtime/bridge"
)

// A Consumer is what this package asks of a bridge's consumer of a queue.
type Consumer interface {
	Receive(ctx context.Context, max int, wait time.Duration) ([]bridge.Delivery, error)
	Acknowledge(context.Context, []bridge.Delivery) error
	Requeue(context.Context, []bridge.Delivery) error
	Close() error
}

// A Config is what sources rest on. All is required.
type Config struct {
	Open func(bridge.Spec) Consumer

	// Address finds a broker, as [bridge.Spec] wants it.
	Address func(context.Context, Broker) (bridge.Address, error)

	// Check returns an error for a broker that is there and cannot be a source.
	Check func(Broker) error

	// Secret is the value of a secret of Secrets Manager.
	Secret func(ctx context.Context, arn string) (string, error)
}

// A Broker is named by its ARN.
type Broker struct{ Account, Region, Name, ID string }

// BrokerFromARN reads arn:aws:mq:REGION:ACCOUNT:broker:NAME:ID; ok is false for any other.
func BrokerFromARN(a arn.ARN) (b Broker, ok bool) {
	kind, rest, _ := strings.Cut(a.Resource, ":")
	name, id, ok := strings.Cut(rest, ":")
	b = Broker{a.Account, a.Region, name, id}
	return b, ok && a.Service == "mq" && kind == "broker" && name != "" && strings.HasPrefix(id, "b-") && !strings.Contains(id, ":")
}

// batchesAhead is how many batches the broker delivers before the first is acknowledged:
// the one in the function, the one that fills meanwhile, and as much again on its way,
// so that neither waits for the broker.
const batchesAhead = 4

// maxPrefetch is what AMQP has room for.
const maxPrefetch = 1<<16 - 1

// RabbitMQ takes a consumer for dead that has not acknowledged a delivery for half an hour
// (consumer_timeout). So fewer batches are delivered ahead to a function that may take long,
// and one that the function cannot take is tried again for holdTime, and then given back.
const (
	settleTime = 25 * time.Minute // for all batches that are ahead
	holdTime   = 5 * time.Minute
)

// prefetch is how many deliveries may be unacknowledged, when a batch takes so long at most.
func prefetch(batchSize int, processing time.Duration) int {
	ahead := min(batchesAhead, max(1, int(settleTime/max(processing, 1))))
	return min(ahead*max(batchSize, 1), maxPrefetch)
}

// Kind makes the brokers' queues the sources of mappings.
func Kind(c Config) source.Kind {
	return func(s source.Spec) (source.Source, bool) {
		b, ok := BrokerFromARN(s.ARN)
		if !ok {
			return nil, false
		}
		return &Source{
			config: c, spec: s, broker: b,
			virtualHost: source.FindVirtualHost(s.Access),
		}, true
	}
}

// A Source is one queue of a broker, as one mapping consumes it. Neither has to exist.
type Source struct {
	config      Config
	spec        source.Spec
	broker      Broker
	virtualHost string

	// Owned by whoever calls Receive. The other methods come after it, or are of records
	// that it has returned.
	consumer  Consumer
	connected bool
}

// Traits are those of Lambda's RabbitMQ events. A queue has one batch at once: Lambda
// Developer Guide, "Using Lambda with Amazon MQ", on concurrency. The window is that of
// "Event source mapping parameters" for Amazon MQ.
func (s *Source) Traits() source.Traits {
	return source.Traits{
		Name: s.spec.Queue, System: "rabbitmq", Payload: "data",
		Head: head(s.spec.ARN.String(), s.spec.Queue, s.virtualHost), Tail: tail,
		DefaultBatch: 100, DefaultWindow: 500 * time.Millisecond, MaxBatches: 1, ReadsAhead: true,
		DropsLarge: true, ReleaseFailed: true, MaxPause: 5 * time.Second,
	}
}

// Check implements source.Source: neither the broker nor the queue need be there.
func (s *Source) Check(time.Duration) error { return s.config.Check(s.broker) }

// Receive waits for deliveries as the request says, and returns without any as soon as
// it has found the queue. Its errors are of type *source.Error.
func (s *Source) Receive(ctx context.Context, r source.Request) ([]source.Record, error) {
	if s.consumer == nil {
		s.consumer = s.open(r.Processing)
	}
	wait := r.Wait
	if !s.connected {
		wait = 0
	}
	got, err := s.consumer.Receive(ctx, r.Max, wait)
	s.connected = err == nil
	if err != nil {
		return nil, s.explain(err)
	}
	return s.records(got), nil
}

func (s *Source) open(processing time.Duration) Consumer {
	return s.config.Open(bridge.Spec{
		Consumer: s.spec.Mapping,
		Queue:    bridge.Queue{Broker: s.broker.ID, VirtualHost: s.virtualHost, Name: s.spec.Queue},
		Prefetch: prefetch(s.spec.BatchSize, processing),
		Address:  func(ctx context.Context) (bridge.Address, error) { return s.config.Address(ctx, s.broker) },
		Login:    s.login,
		MaxBody:  base64.StdEncoding.DecodedLen(batch.MaxBytes),
	})
}

func (s *Source) records(got []bridge.Delivery) []source.Record {
	until := time.Now().Add(holdTime)
	records := make([]source.Record, len(got))
	handles := make([]bridge.Handle, len(got))
	for i := range got {
		d := &got[i]
		handles[i] = d.Handle
		records[i] = source.Record{
			ID: d.Properties.MessageID, Handle: &handles[i], JSON: encode(d), RedeliveredAt: until,
		}
		if s.spec.Filtered {
			records[i].Payload = string(d.Body)
		}
		records[i].TraceParent, _ = d.Properties.Headers["traceparent"].(string)
	}
	return records
}

// Acknowledge removes deliveries from their queue.
func (s *Source) Acknowledge(ctx context.Context, records []source.Record) error {
	return s.consumer.Acknowledge(ctx, deliveries(records))
}

// Release has the broker deliver again, marked as redelivered.
func (s *Source) Release(ctx context.Context, records []source.Record) error {
	return s.consumer.Requeue(ctx, deliveries(records))
}

func deliveries(records []source.Record) []bridge.Delivery {
	all := make([]bridge.Delivery, len(records))
	for i, r := range records {
		all[i].Handle = *r.Handle.(*bridge.Handle)
	}
	return all
}

// Close ends the connection: the broker has everything back.
func (s *Source) Close() error {
	if s.consumer == nil {
		return nil
	}
	return s.consumer.Close()
}
