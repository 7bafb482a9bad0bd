package bridge

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"millrace/runtime/ca"
	"millrace/runtime/fault"
	"millrace/test/patience"
)

// fails checks that a Receive says why there is no connection.
func fails(t *testing.T, c *Consumer, want Reason, code fault.Code) *Error {
	t.Helper()
	got, err := c.Receive(t.Context(), 10, 2*time.Minute)
	var e *Error
	if !errors.As(err, &e) || e.Reason != want || !errors.Is(err, code) || len(got) > 0 {
		t.Errorf("received %d, and %v; want %q", len(got), err, want)
		return &Error{}
	}
	return e
}

// A relay stands between a client and a broker.
type relay struct {
	net.Listener
	hanging atomic.Bool // it passes nothing on
	mu      sync.Mutex
	conns   []net.Conn
}

// relayTo runs a relay until the end of the test; config is nil for one without TLS.
func relayTo(t *testing.T, at string, config *tls.Config) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{Listener: l}
	if config != nil {
		r.Listener = tls.NewListener(l, config)
	}
	var over sync.WaitGroup
	over.Go(func() {
		for {
			in, err := r.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", at)
			if err != nil {
				in.Close()
				continue
			}
			r.mu.Lock()
			r.conns = append(r.conns, in, out)
			r.mu.Unlock()
			for from, to := range map[net.Conn]net.Conn{in: out, out: in} {
				over.Go(func() {
					defer to.Close()
					r.pass(to, from)
				})
			}
		}
	})
	t.Cleanup(func() {
		r.hanging.Store(false)
		r.Close()
		r.cut()
		over.Wait()
	})
	return r
}

func (r *relay) pass(to io.Writer, from io.Reader) {
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		for r.hanging.Load() {
			time.Sleep(time.Millisecond)
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}

// cut ends all connections.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		c.Close()
	}
}

func (r *relay) host() string { return r.Addr().String() }

func TestWhyThereIsNoConnection(t *testing.T) {
	r := startRabbitMQ(t)
	b := bridges(t)
	ch := r.client()
	r.declare(ch, "orders")
	r.eval(`rabbit_auth_backend_internal:add_user(<<"nobody">>, <<"secret">>, <<"t">>)`)
	r.eval(`rabbit_auth_backend_internal:add_user(<<"writer">>, <<"secret">>, <<"t">>)`)
	r.eval(`rabbit_auth_backend_internal:set_permissions(<<"writer">>, <<"/">>, <<".*">>, <<".*">>, <<"">>, <<"t">>)`)
	login := func(user, password string) func(*Spec) {
		return func(s *Spec) {
			s.Login = func(context.Context) (string, string, error) { return user, password, nil }
		}
	}
	address := func(a Address, err error) func(*Spec) {
		return func(s *Spec) { s.Address = func(context.Context) (Address, error) { return a, err } }
	}
	exclusive := r.client()
	if _, err := exclusive.QueueDeclare("hers", false, false, true, false, nil); err != nil {
		t.Fatal(err)
	}
	r.declare(ch, "one-reader")
	if _, err := exclusive.Consume("one-reader", "", false, true, false, false, nil); err != nil {
		t.Fatal(err)
	}
	nobody, _ := net.Listen("tcp", "127.0.0.1:0")
	nobody.Close()
	locked := errors.New("the secret is not there")
	for name, c := range map[string]struct {
		change func(*Spec)
		want   Reason
		code   fault.Code
	}{
		"a wrong password":            {login("guest", "wrong"), BadLogin, fault.Denied},
		"a wrong user":                {login("nobody-there", "guest"), BadLogin, fault.Denied},
		"no access to a virtual host": {login("nobody", "secret"), Denied, fault.Denied},
		"no permission to read":       {login("writer", "secret"), Denied, fault.Denied},
		"no virtual host":             {func(s *Spec) { s.Queue.VirtualHost = "nowhere" }, NoVirtualHost, fault.NotFound},
		"no queue":                    {func(s *Spec) { s.Queue.Name = "nothing" }, NoQueue, fault.NotFound},
		"a queue of another's alone":  {func(s *Spec) { s.Queue.Name = "hers" }, Exclusive, fault.Conflict},
		"a queue with one reader":     {func(s *Spec) { s.Queue.Name = "one-reader" }, Exclusive, fault.Conflict},
		"no broker":                   {address(Address{}, fault.New(fault.NotFound, "no broker")), NoBroker, fault.NotFound},
		"a broker that does not run":  {address(Address{}, fault.New(fault.Unavailable, "stopped")), NotRunning, fault.Unavailable},
		"nobody listens":              {address(Address{Host: nobody.Addr().String()}, nil), Unreachable, fault.Unavailable},
		"no host of that name":        {address(Address{Host: "nowhere.invalid:5671"}, nil), Unreachable, fault.Unavailable},
		"TLS where there is none":     {address(Address{Host: r.at, TLS: &tls.Config{}}, nil), Unreachable, fault.Unavailable},
		"no credentials": {func(s *Spec) {
			s.Login = func(context.Context) (string, string, error) { return "", "", fault.Wrap(fault.NotFound, locked, "x") }
		}, NoLogin, fault.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			s := r.spec("orders")
			c.change(&s)
			fails(t, open(t, b, s), c.want, c.code)
		})
	}
	t.Run("certificates", func(t *testing.T) { certificates(r, t, b) })
	t.Run("changed", func(t *testing.T) {
		s, changed := r.spec("orders"), make(chan struct{})
		s.Address = func(context.Context) (Address, error) {
			return Address{Changed: changed}, fault.New(fault.Unavailable, "stopped")
		}
		if e := fails(t, open(t, b, s), NotRunning, fault.Unavailable); e.Changed != (<-chan struct{})(changed) {
			t.Error("it does not say when to try again")
		}
	})
}

func certificates(r *rabbit, t *testing.T, b *Bridges) {
	now := time.Now()
	authority := func(clock time.Time) *ca.Authority {
		return ca.New(t.TempDir(), func() time.Time { return clock })
	}
	trust := func(a *ca.Authority) *tls.Config {
		pem, err := a.Root()
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		return &tls.Config{RootCAs: pool}
	}
	relay := func(a *ca.Authority, ip string) string {
		pair, err := a.Leaf(ca.Pair{}, nil, []netip.Addr{netip.MustParseAddr(ip)})
		if err != nil {
			t.Fatal(err)
		}
		cert, err := tls.X509KeyPair([]byte(pair.Certificate), []byte(pair.Key))
		if err != nil {
			t.Fatal(err)
		}
		return relayTo(t, r.at, &tls.Config{Certificates: []tls.Certificate{cert}}).host()
	}
	ours, other, old := authority(now), authority(now), authority(now.Add(-3*365*24*time.Hour))
	for name, at := range map[string]Address{
		"foreign":       {Host: relay(other, "127.0.0.1"), TLS: trust(ours)},
		"expired":       {Host: relay(old, "127.0.0.1"), TLS: trust(old)},
		"of a stranger": {Host: relay(ours, "127.0.0.2"), TLS: trust(ours)},
	} {
		s := r.spec("orders")
		s.Address = func(context.Context) (Address, error) { return at, nil }
		t.Log(name)
		fails(t, open(t, b, s), Certificate, fault.Unavailable)
	}
	s, ch := r.spec("orders"), r.client()
	s.Address = func(context.Context) (Address, error) {
		return Address{Host: relay(ours, "127.0.0.1"), TLS: trust(ours)}, nil
	}
	publish(t, ch, "orders", amqp.Publishing{Body: []byte("over TLS")})
	c := open(t, b, s)
	got := receive(t, c, 1)
	c.Acknowledge(t.Context(), got)
}

// What a connection had delivered when it ended, and was not acknowledged, comes again.
func TestConnectionsEnd(t *testing.T) {
	r := startRabbitMQ(t)
	b := bridges(t)
	t.Run("the queue is deleted", func(t *testing.T) {
		ch := r.client()
		r.declare(ch, "short-lived")
		publishN(t, ch, "short-lived", 1)
		c := open(t, b, r.spec("short-lived"))
		receive(t, c, 1)
		if _, err := ch.QueueDelete("short-lived", false, false, false); err != nil {
			t.Fatal(err)
		}
		fails(t, c, Lost, fault.Unavailable)
		fails(t, c, NoQueue, fault.NotFound)
		r.declare(ch, "short-lived")
		publishN(t, ch, "short-lived", 1)
		if got := receive(t, c, 1); got[0].Redelivered {
			t.Error("a new message is marked as redelivered")
		}
	})
	t.Run("the connection is cut", func(t *testing.T) {
		ch := r.client()
		r.declare(ch, "cut")
		publishN(t, ch, "cut", 3)
		s, relay := r.spec("cut"), relayTo(t, r.at, nil)
		s.Address = func(context.Context) (Address, error) { return Address{Host: relay.host()}, nil }
		c := open(t, b, s)
		before := receive(t, c, 3)
		relay.cut()
		fails(t, c, Lost, fault.Unavailable)
		after := receive(t, c, 3)
		for i, d := range after {
			if string(d.Body) != fmt.Sprint(i) || !d.Redelivered || d.Handle == before[i].Handle {
				t.Errorf("again: %+v", d)
			}
		}
		c.Acknowledge(t.Context(), before) // void: the broker has delivered them again
		c.Requeue(t.Context(), before)
		c.Acknowledge(t.Context(), after[:1])
		c.Close()
		patience.Until(t, "the messages that were not acknowledged", func() bool { return ready(t, ch, "cut") == 2 }, nil)
	})
	t.Run("an acknowledgement takes too long", func(t *testing.T) {
		r.eval(`application:set_env(rabbit, consumer_timeout, 1000), application:set_env(rabbit, channel_tick_interval, 500)`)
		ch := r.client()
		r.declare(ch, "slow")
		publishN(t, ch, "slow", 1)
		c := open(t, b, r.spec("slow"))
		receive(t, c, 1)
		fails(t, c, Lost, fault.Unavailable)
		r.eval(`application:set_env(rabbit, consumer_timeout, undefined)`)
		if got := receive(t, c, 1); !got[0].Redelivered {
			t.Error("what comes again is not marked")
		}
	})
	t.Run("the broker hangs", func(t *testing.T) {
		ch := r.client()
		r.declare(ch, "hanging")
		publishN(t, ch, "hanging", 1)
		s, relay := r.spec("hanging"), relayTo(t, r.at, nil)
		s.Address = func(context.Context) (Address, error) { return Address{Host: relay.host()}, nil }
		c := open(t, b, s)
		got := receive(t, c, 1)
		relay.hanging.Store(true)
		c.Acknowledge(t.Context(), got)
		over := make(chan error)
		go func() { over <- c.Close() }()
		patience.For(t, "the end of a consumer", over, nil)

		c = open(t, b, s) // it hangs while it connects
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := c.Receive(ctx, 1, -1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a receive that cannot connect: %v", err)
		}
		go func() {
			_, err := c.Receive(t.Context(), 1, -1)
			over <- err
		}()
		c.Close()
		if err := patience.For(t, "the end of a receive", over, nil); fault.Of(err) != fault.Canceled {
			t.Errorf("a receive of a consumer that was closed: %v", err)
		}
		fails(t, c, Closed, fault.Canceled)
	})
	t.Run("the stream is removed", func(t *testing.T) {
		ch := r.client()
		r.declare(ch, "no-stream")
		s := r.spec("no-stream")
		c := open(t, b, s)
		if got, err := c.Receive(t.Context(), 1, time.Millisecond); len(got) > 0 || err != nil {
			t.Fatal(got, err)
		}
		if err := b.js.DeleteStream(t.Context(), s.Queue.stream()); err != nil {
			t.Fatal(err)
		}
		publishN(t, ch, "no-stream", 1)
		fails(t, c, NoStream, fault.Unavailable)
		if got := receive(t, c, 1); !got[0].Redelivered {
			t.Error("what comes again is not marked")
		}
	})
	t.Run("the broker is killed", func(t *testing.T) {
		ch := r.client()
		r.declare(ch, "durable")
		for i := range 3 {
			publish(t, ch, "durable", amqp.Publishing{Body: fmt.Append(nil, i), DeliveryMode: amqp.Persistent})
		}
		c := open(t, b, r.spec("durable"))
		c.Acknowledge(t.Context(), receive(t, c, 2)[:1])
		patience.Until(t, "an acknowledgement", func() bool { return r.unacknowledged("durable") == 2 }, nil)
		r.kill()
		fails(t, c, Lost, fault.Unavailable)
		fails(t, c, Unreachable, fault.Unavailable)
		r.start()
		for n := 0; n < 2; {
			got, err := c.Receive(t.Context(), 10, time.Minute)
			if err != nil && fault.Of(err) != fault.Unavailable && fault.Of(err) != fault.NotFound {
				t.Fatal(err)
			}
			for _, d := range got {
				if string(d.Body) == "0" {
					t.Error("what was acknowledged comes again")
				}
			}
			n += len(got)
			c.Acknowledge(t.Context(), got)
		}
	})
}
