package bridge

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	amqp "github.com/rabbitmq/amqp091-go"

	"millrace/runtime/fault"
)

const (
	dialTimeout = 15 * time.Second // of all that it takes until the broker delivers
	heartbeat   = 10 * time.Second // the broker counts as gone after three of them
)

var errCancelled = errors.New("the broker has ended the consumer, whose queue was deleted or moved")

// dial makes a link. Its errors are *Error, or that of ctx.
func (c *Consumer) dial(ctx context.Context) (l *link, err error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	at, err := c.spec.Address(ctx)
	failed := func(r Reason, cause error) error {
		return &Error{Reason: r, Queue: c.spec.Queue, Err: cause, Changed: at.Changed}
	}
	switch {
	case errors.Is(err, fault.NotFound):
		return nil, failed(NoBroker, err)
	case err != nil:
		return nil, failed(NotRunning, err)
	}
	user, password, err := c.spec.Login(ctx)
	if err != nil {
		return nil, failed(NoLogin, err)
	}
	l = c.newLink()
	l.changed = at.Changed
	defer func() {
		if err != nil {
			l.fail(Lost, err)
			<-l.over
			l = nil
		}
	}()
	if err := l.reach(ctx, at); err != nil {
		return l, failed(reasonOfConnect(err), err)
	}
	defer context.AfterFunc(ctx, l.cut)()
	if err := l.login(user, password); err != nil {
		return l, failed(reasonOfConnect(err), err)
	}
	if err := l.join(ctx, c.bridges); err != nil {
		return l, failed(NoStream, err)
	}
	if err := l.consume(); err != nil {
		return l, failed(reasonOfConsume(err), err)
	}
	return l, nil
}

// reach makes the connection to the broker.
func (l *link) reach(ctx context.Context, at Address) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", at.Host)
	if err != nil {
		return err
	}
	if at.TLS != nil {
		config := at.TLS.Clone()
		if config.ServerName == "" {
			config.ServerName, _, _ = net.SplitHostPort(at.Host)
		}
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			conn.Close()
			return err
		}
		conn = secure
	}
	l.wire = newWire(conn)
	return nil
}

// login tells the broker who is there, and opens a channel.
func (l *link) login(user, password string) error {
	conn, err := amqp.Open(l.wire, amqp.Config{
		SASL: []amqp.Authentication{&amqp.PlainAuth{Username: user, Password: password}}, Vhost: l.spec.Queue.VirtualHost,
		ChannelMax: 1, FrameSize: frameSize, Heartbeat: heartbeat, Locale: "en_US",
		Properties: amqp.Table{"product": "Millrace", "connection_name": "millrace " + l.spec.Consumer},
	})
	if err != nil {
		return err // there is nobody to say goodbye to
	}
	l.conn = conn
	l.channel, err = conn.Channel()
	return err
}

// frameSize is RabbitMQ's own default.
const frameSize = 128 << 10

// join has what the broker delivers come back from the queue's stream.
func (l *link) join(ctx context.Context, b *Bridges) error {
	last, err := b.join(ctx, l)
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.last = last
	l.mu.Unlock()
	// Not NewRespInbox: what is sent to one of those may be taken for the answer to a request,
	// since JetStream leaves entries their own subject.
	inbox := l.nats.NewInbox()
	if l.reading, err = l.nats.Subscribe(inbox, l.read); err != nil {
		return err
	}
	if err := l.reading.SetPendingLimits(-1, -1); err != nil { // admit bounds what is pending
		return err
	}
	_, err = l.stream.js.CreatePushConsumer(ctx, l.stream.name, jetstream.ConsumerConfig{
		Name: l.id, DeliverSubject: inbox, DeliverPolicy: jetstream.DeliverNewPolicy, AckPolicy: jetstream.AckNonePolicy,
		MemoryStorage: true, Replicas: 1, InactiveThreshold: abandoned,
	})
	return err
}

// abandoned is after how long the server removes the consumer of a runtime that is gone.
const abandoned = 5 * time.Second

// consume has the broker deliver.
func (l *link) consume() error {
	connection, channel := l.conn.NotifyClose(make(chan *amqp.Error, 1)), l.channel.NotifyClose(make(chan *amqp.Error, 1))
	cancelled := l.channel.NotifyCancel(make(chan string, 1))
	if err := l.channel.Qos(l.spec.Prefetch, 0, false); err != nil {
		return err
	}
	deliveries, err := l.channel.Consume(l.spec.Queue.Name, "millrace-"+l.spec.Consumer, false, false, false, false, nil)
	if err != nil {
		return err
	}
	l.parts.Go(func() { l.pump(deliveries) })
	l.parts.Go(func() { l.guard(connection, channel, cancelled) })
	return nil
}

// reasonOfConnect is why there is no connection (RabbitMQ, "Authentication Failure
// Notifications", "Virtual Hosts").
func reasonOfConnect(err error) Reason {
	var said *amqp.Error
	if errors.As(err, &said) {
		switch {
		case said.Code == amqp.AccessRefused:
			return BadLogin
		case said.Code == amqp.NotAllowed && strings.Contains(said.Reason, "not found"):
			return NoVirtualHost
		case said.Code == amqp.NotAllowed && strings.Contains(said.Reason, "refused for user") && !strings.Contains(said.Reason, "limit"):
			return Denied
		}
		return Unreachable
	}
	if isCertificate(err) {
		return Certificate
	}
	return Unreachable
}

func isCertificate(err error) bool {
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid)
}

// reasonOfConsume is why the broker does not deliver.
func reasonOfConsume(err error) Reason {
	var said *amqp.Error
	if !errors.As(err, &said) {
		return Lost
	}
	switch {
	case said.Code == amqp.NotFound:
		return NoQueue
	case said.Code == amqp.ResourceLocked, said.Code == amqp.AccessRefused && strings.Contains(said.Reason, "exclusive"):
		return Exclusive
	case said.Code == amqp.AccessRefused:
		return Denied
	}
	return Lost
}
