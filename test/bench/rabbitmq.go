package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"millrace/runtime/bridge"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/mq/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	amqp "github.com/rabbitmq/amqp091-go"
)

// Modes that measure what mappings make of a RabbitMQ queue, beside a bare consumer of the
// same broker.

// rabbitTimes are measured on one broker, once a run.
type rabbitTimes struct {
	bare, bridge, drain, mapped, idle sample
}

func rabbitOf(of func(rabbitTimes) sample) func(*bench) (sample, error) {
	return func(b *bench) (sample, error) {
		if b.rabbit == nil {
			t, err := b.measureRabbit()
			if err != nil {
				return sample{}, err
			}
			b.rabbit = &t
		}
		return of(*b.rabbit), nil
	}
}

func (b *bench) measureRabbit() (t rabbitTimes, err error) {
	if b.server == nil {
		return t, errNotStarted
	}
	ctx := context.Background()
	s, err := b.newBrokers("process")
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, s.end(b.runtime)) }()
	id, endpoint, _, err := s.create(ctx, types.DeploymentModeSingleInstance)
	if err != nil {
		return t, err
	}
	r := &rabbitBench{bench: *b, brokers: s}
	r.address, r.server = s.address, s.process
	if err := r.open(ctx, id, endpoint); err != nil {
		return t, err
	}
	defer r.conn.Close()
	bare := func(q string) (time.Duration, error) { return drainBare(ctx, r.conn, q) }
	bridged := func(q string) (time.Duration, error) {
		return b.drainBridge(ctx, bridge.Queue{Broker: id, VirtualHost: "/", Name: q}, r.bridgeAddress)
	}
	for _, one := range []struct {
		queue string
		drain func(queue string) (time.Duration, error)
		to    *sample
	}{
		{"warm", bare, new(sample)}, {"bare", bare, &t.bare}, {"bridge", bridged, &t.bridge},
	} {
		if err := r.fill(ctx, one.queue); err != nil {
			return t, err
		}
		took, err := one.drain(one.queue)
		if err != nil {
			return t, fmt.Errorf("draining, %s: %w", one.queue, err)
		}
		*one.to = drained(drainFill, took)
	}
	if t.drain, err = r.drainMapped(ctx); err != nil {
		return t, err
	}
	if t.mapped, err = r.mapped(); err != nil {
		return t, err
	}
	t.idle, err = r.idleMapping()
	return t, err
}

func drained(n int, took time.Duration) sample {
	return sample{msgs: n, elapsed: took, latencies: []time.Duration{took / time.Duration(n)}}
}

// fill makes a queue of messages that wait.
func (r *rabbitBench) fill(ctx context.Context, queue string) error {
	if err := r.fillQueue(ctx, r.conn, queue); err != nil {
		return fmt.Errorf("filling: %w", err)
	}
	time.Sleep(2 * time.Second) // the broker writes what it was sent
	return nil
}

// A rabbitBench is a runtime of its own with a broker, and a client of both.
type rabbitBench struct {
	bench
	brokers *brokerBench
	broker  string // ARN
	secret  string // ARN of the broker's login

	bridgeAddress bridge.Address
	conn          *amqp.Connection
	ch            *amqp.Channel
}

func (r *rabbitBench) open(ctx context.Context, id, endpoint string) error {
	r.broker = "arn:aws:mq:us-east-1:000000000000:broker:bench:" + id
	login, _ := json.Marshal(map[string]string{"username": brokerUser, "password": brokerPassword})
	secrets := secretsmanager.New(secretsmanager.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://" + r.address),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	made, err := secrets.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String("bench"), SecretString: aws.String(string(login))})
	if err != nil {
		return err
	}
	r.secret = *made.ARN
	u, err := url.Parse(endpoint)
	if err != nil {
		return err
	}
	u.User = url.UserPassword(brokerUser, brokerPassword)
	r.bridgeAddress = bridge.Address{Host: u.Host, TLS: &tls.Config{RootCAs: r.brokers.trust}}
	if r.conn, err = amqp.DialTLS(u.String(), r.bridgeAddress.TLS); err != nil {
		return err
	}
	r.ch, err = r.conn.Channel()
	return err
}

// drainMapped has a mapping empty a queue in batches, with a handler that does nothing.
func (r *rabbitBench) drainMapped(ctx context.Context) (s sample, err error) {
	name, err := r.deploy("noop", "")
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, r.undeploy(name)) }()
	if err := r.fill(ctx, "mapped"); err != nil {
		return s, err
	}
	before, err := r.server.processor()
	if err != nil {
		return s, err
	}
	began := time.Now()
	mapping, err := r.mapRabbit(name, "mapped", drainBatch)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, r.unmap(mapping)) }()
	for {
		q, err := r.ch.QueueDeclarePassive("mapped", true, false, false, false, nil)
		if err != nil {
			return s, err
		}
		if q.Messages == 0 { // at most what was prefetched is still to be handled
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	s = drained(drainFill-drainPrefetch, time.Since(began))
	after, err := r.server.processor()
	s.each = (after - before) / (drainFill / drainBatch)
	return s, err
}

// mapped measures one message at a time, from its publishing to the handler.
func (r *rabbitBench) mapped() (sample, error) {
	return r.withReports(func(name string, reported <-chan time.Time) (s sample, err error) {
		if _, err := r.ch.QueueDeclare("one", true, false, false, false, nil); err != nil {
			return s, err
		}
		mapping, err := r.mapRabbit(name, "one", 1)
		if err != nil {
			return s, err
		}
		defer func() { err = errors.Join(err, r.unmap(mapping)) }()
		var latencies []time.Duration
		for until := time.Now().Add(r.duration); time.Now().Before(until); {
			began := time.Now()
			if err := r.ch.Publish("", "one", false, false, amqp.Publishing{DeliveryMode: amqp.Persistent, Body: make([]byte, r.size)}); err != nil {
				return s, err
			}
			select {
			case at := <-reported:
				latencies = append(latencies, at.Sub(began))
			case <-time.After(10 * time.Second):
				return s, errors.New("the message did not reach the function in ten seconds")
			}
		}
		return sampleOf(latencies[1:]), nil // without the cold one
	})
}

// idleMapping measures what a mapping of a queue in which nothing comes costs, beside the
// same runtime without it.
func (r *rabbitBench) idleMapping() (s sample, err error) {
	name, err := r.deploy("noop", "")
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, r.undeploy(name)) }()
	rest := func() (time.Duration, error) {
		time.Sleep(5 * time.Second) // what has just been done is over
		before, err := r.server.processor()
		if err != nil {
			return 0, err
		}
		time.Sleep(r.idle)
		after, err := r.server.processor()
		return after - before, err
	}
	without, err := rest()
	if err != nil {
		return s, err
	}
	mapping, err := r.mapRabbit(name, "one", drainBatch)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, r.unmap(mapping)) }()
	with, err := rest()
	s.processor = max(0, (with-without).Seconds()/r.idle.Seconds())
	return s, err
}

// mapRabbit has a function process a queue.
func (r *rabbitBench) mapRabbit(function, queue string, batch int) (mapping string, err error) {
	var made struct{ UUID, Message string }
	err = r.ask(rest("POST", "/event-source-mappings", encode(map[string]any{
		"FunctionName": function, "EventSourceArn": r.broker, "Queues": []string{queue}, "BatchSize": batch,
		"SourceAccessConfigurations": []map[string]string{{"Type": "BASIC_AUTH", "URI": r.secret}},
	})), &made)
	if err == nil && made.UUID == "" {
		err = fmt.Errorf("no mapping was made: %s", made.Message)
	}
	return made.UUID, err
}
