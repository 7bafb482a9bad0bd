package rabbitmq_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	amqp "github.com/rabbitmq/amqp091-go"

	"millrace/esm/source"
	"millrace/esm/source/rabbitmq"
	"millrace/runtime/arn"
	"millrace/runtime/bridge"
	"millrace/runtime/fault"
)

const (
	brokerARN = "arn:aws:mq:us-east-1:000000000000:broker:orders:b-1234a5b6-78cd-901e-2fab-3c45d6e78f90"
	secretARN = "arn:aws:secretsmanager:us-east-1:000000000000:secret:login-AbCdEf"
)

// A world is a bridge that hands out what a test gives it.
type world struct {
	spec     bridge.Spec
	opened   int
	give     []bridge.Delivery
	fails    error
	waits    []time.Duration
	did      []string
	secret   string
	noSecret error
}

func (w *world) Receive(_ context.Context, _ int, wait time.Duration) ([]bridge.Delivery, error) {
	w.waits = append(w.waits, wait)
	return w.give, w.fails
}

func (w *world) Acknowledge(_ context.Context, all []bridge.Delivery) error {
	w.note("acknowledge", all)
	return nil
}

func (w *world) Requeue(_ context.Context, all []bridge.Delivery) error {
	w.note("requeue", all)
	return nil
}

func (w *world) Close() error { w.did = append(w.did, "close"); return nil }

func (w *world) note(what string, all []bridge.Delivery) {
	for _, d := range all {
		what += " " + d.Handle.String()
	}
	w.did = append(w.did, what)
}

func (w *world) config() rabbitmq.Config {
	return rabbitmq.Config{
		Open: func(s bridge.Spec) rabbitmq.Consumer { w.spec = s; w.opened++; return w },
		Address: func(_ context.Context, b rabbitmq.Broker) (bridge.Address, error) {
			return bridge.Address{Host: strings.Join([]string{b.Account, b.Region, b.Name, b.ID}, " ")}, nil
		},
		Check: func(rabbitmq.Broker) error { return nil },
		Secret: func(_ context.Context, arn string) (string, error) {
			if arn != secretARN {
				return "", errors.New("another secret: " + arn)
			}
			return w.secret, w.noSecret
		},
	}
}

func (w *world) source(t *testing.T, change func(*source.Spec)) source.Source {
	t.Helper()
	a, err := arn.Parse(brokerARN)
	if err != nil {
		t.Fatal(err)
	}
	s := source.Spec{Mapping: "uuid", ARN: a, BatchSize: 100, Queue: "jobs", Access: []source.Access{{Type: source.BasicAuth, URI: secretARN}}}
	if change != nil {
		change(&s)
	}
	src, ok := rabbitmq.Kind(w.config())(s)
	if !ok {
		t.Fatal("no source of that ARN")
	}
	return src
}

func TestARNs(t *testing.T) {
	w := &world{}
	for text, want := range map[string]bool{
		brokerARN: true,
		"arn:aws:mq:us-east-1:000000000000:broker:b-1234a5b6-78cd-901e-2fab-3c45d6e78f90":      false,
		"arn:aws:mq:us-east-1:000000000000:broker::b-1234a5b6-78cd-901e-2fab-3c45d6e78f90":     false,
		"arn:aws:mq:us-east-1:000000000000:configuration:c-1234a5b6-78cd-901e-2fab-3c45d6e78f": false,
		brokerARN + ":more":                         false,
		"arn:aws:sqs:us-east-1:000000000000:orders": false,
	} {
		a, err := arn.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := rabbitmq.Kind(w.config())(source.Spec{ARN: a}); ok != want {
			t.Errorf("%s: %v", text, ok)
		}
	}
}

func TestTheBridgeIsToldWhatToReceive(t *testing.T) {
	for rule, c := range map[string]struct {
		change   func(*source.Spec)
		takes    time.Duration
		host     string
		prefetch int
	}{
		"by default":                         {nil, time.Minute, "/", 400},
		"one at a time":                      {func(s *source.Spec) { s.BatchSize = 1 }, time.Minute, "/", 4},
		"as many as there may be in a batch": {func(s *source.Spec) { s.BatchSize = 10_000 }, 0, "/", 40_000},
		"more than AMQP knows":               {func(s *source.Spec) { s.BatchSize = 20_000 }, 0, "/", 65_535},
		"from a virtual host of another name": {func(s *source.Spec) {
			s.Access = append(s.Access, source.Access{Type: source.VirtualHost, URI: "prod"})
		}, 0, "prod", 400},
		"to a function that takes long":               {nil, 10 * time.Minute, "/", 200},
		"no more ahead than are settled in time":      {nil, 15 * time.Minute, "/", 100},
		"a batch, however long the function may take": {nil, time.Hour, "/", 100},
	} {
		t.Run(rule, func(t *testing.T) {
			w := &world{}
			s := w.source(t, c.change)
			if err := s.Close(); err != nil || w.opened != 0 {
				t.Fatalf("%v; opened %d times before the first receive", err, w.opened)
			}
			if _, err := s.Receive(t.Context(), source.Request{Max: 1, Processing: c.takes}); err != nil {
				t.Fatal(err)
			}
			want := bridge.Queue{Broker: "b-1234a5b6-78cd-901e-2fab-3c45d6e78f90", VirtualHost: c.host, Name: "jobs"}
			if w.spec.Queue != want || w.spec.Prefetch != c.prefetch || w.spec.Consumer != "uuid" || w.spec.MaxBody != 6<<20/4*3 {
				t.Errorf("asked for %+v", w.spec)
			}
			if a, err := w.spec.Address(t.Context()); err != nil || a.Host != "000000000000 us-east-1 orders "+want.Broker {
				t.Errorf("the address of %q, %v", a.Host, err)
			}
		})
	}
}

// The first receive, and the one after an error, return as soon as there is a connection:
// then whoever asks knows that all is well.
func TestReceiveTellsThatItIsConnected(t *testing.T) {
	w := &world{}
	s := w.source(t, nil)
	receive := func() { s.Receive(t.Context(), source.Request{Max: 1, Wait: source.Forever}) }
	receive()
	receive()
	w.fails = &bridge.Error{Reason: bridge.Lost}
	receive()
	w.fails = nil
	receive()
	receive()
	if d := cmp.Diff([]time.Duration{0, -1, -1, 0, -1}, w.waits); d != "" {
		t.Errorf("waits:\n%s", d)
	}
	if w.opened != 1 {
		t.Errorf("opened %d times", w.opened)
	}
}

func TestRecordsAndWhatBecomesOfThem(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	w := &world{give: []bridge.Delivery{
		{Handle: bridge.Handle{Connection: "c", Tag: 1}, Body: []byte("a"), Properties: bridge.Properties{MessageID: "m", Headers: amqp.Table{"traceparent": parent}}},
		{Handle: bridge.Handle{Connection: "c", Tag: 2}, Body: []byte("b"), Properties: bridge.Properties{Headers: amqp.Table{"traceparent": int32(1)}}},
	}}
	for _, filtered := range []bool{false, true} {
		s := w.source(t, func(s *source.Spec) { s.Filtered = filtered })
		got, err := s.Receive(t.Context(), source.Request{Max: 2})
		if err != nil || len(got) != 2 {
			t.Fatal(got, err)
		}
		if got[0].ID != "m" || got[0].TraceParent != parent || got[1].TraceParent != "" || !strings.Contains(string(got[1].JSON), `"data":"Yg=="`) {
			t.Errorf("got %+v", got)
		}
		if (got[0].Payload == "a") != filtered {
			t.Errorf("filtered %v: payload %q", filtered, got[0].Payload)
		}
		if err := errors.Join(s.Acknowledge(t.Context(), got[1:]), s.Release(t.Context(), got), s.Close()); err != nil {
			t.Error(err)
		}
		if d := cmp.Diff([]string{"acknowledge c.2", "requeue c.1 c.2", "close"}, w.did); d != "" {
			t.Error(d)
		}
		w.did = nil
	}
}

func TestLogins(t *testing.T) {
	for secret, want := range map[string]string{
		`{"username":"u","password":"p","more":[1]}`: "u p",
		`{"username":"u","password":""}`:             "u ",
		`{"username":"","password":"hunter2"}`:       "",
		`{"username":"u"}`:                           "",
		`{"username":"u","password":5}`:              "",
		`{"Username":"u","PASSWORD":"hunter2"}`:      "", // AWS's spelling is the only one
		`"hunter2"`:                                  "",
		`hunter2`:                                    "",
		``:                                           "",
	} {
		w := &world{secret: secret}
		s := w.source(t, nil)
		s.Receive(t.Context(), source.Request{Max: 1})
		user, password, err := w.spec.Login(t.Context())
		if (err == nil) != (want != "") || err == nil && user+" "+password != want {
			t.Errorf("%s: %q, %q, %v", secret, user, password, err)
		}
		if strings.Contains(fmt.Sprint(err), "hunter2") {
			t.Errorf("%s: the error tells the secret: %v", secret, err)
		}
	}
}

func TestErrorsAreToldInAWSsCodes(t *testing.T) {
	const connection = "Connection error. Please check your event source connection configuration."
	bad := &world{secret: "no JSON"}
	bad.source(t, nil).Receive(t.Context(), source.Request{Max: 1})
	_, _, malformed := bad.spec.Login(t.Context())
	changed := make(chan struct{})
	for _, c := range []struct {
		reason  bridge.Reason
		cause   error
		problem source.Problem
		says    string
	}{
		{bridge.NoBroker, nil, source.Misconfigured, "The broker does not exist."},
		{bridge.NotRunning, nil, source.Unreachable, connection + " The broker is not running."},
		{bridge.Unreachable, nil, source.Unreachable, connection},
		{bridge.Lost, nil, source.Unreachable, connection},
		{bridge.NoStream, nil, source.Unreachable, connection},
		{bridge.Certificate, nil, source.Unreachable, connection + " The certificate of the broker has expired or is not trusted."},
		{bridge.BadLogin, nil, source.BadLogin, "Authentication failed. The broker does not accept the username and password in the secret."},
		{bridge.NoLogin, fault.New(fault.NotFound, "no secret"), source.Misconfigured, "The secret in SourceAccessConfigurations does not exist."},
		{bridge.NoLogin, fault.New(fault.Denied, "no key"), source.Misconfigured, "The secret in SourceAccessConfigurations cannot be read."},
		{bridge.NoLogin, malformed, source.Misconfigured, "The secret in SourceAccessConfigurations must be a JSON object with the keys username and password."},
		{bridge.NoVirtualHost, nil, source.Misconfigured, `The virtual host "/" does not exist on the broker.`},
		{bridge.Denied, nil, source.NoPermission, `The broker does not permit the user to consume from the queue "jobs" in the virtual host "/".`},
		{bridge.NoQueue, nil, source.Misconfigured, `The queue "jobs" does not exist in the virtual host "/".`},
		{bridge.Exclusive, nil, source.Misconfigured, `The queue "jobs" can be consumed by another client only.`},
	} {
		w := &world{fails: &bridge.Error{Reason: c.reason, Err: c.cause, Changed: changed}}
		_, err := w.source(t, nil).Receive(t.Context(), source.Request{Max: 1})
		e, ok := errors.AsType[*source.Error](err)
		if !ok || e.Problem != c.problem || e.What != c.says || e.Changed != (<-chan struct{})(changed) {
			t.Errorf("%s: %+v", c.reason, err)
		}
	}
	w := &world{fails: context.Canceled}
	if _, err := w.source(t, nil).Receive(t.Context(), source.Request{Max: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("another error became %v", err)
	}
}

func TestCheckLooksAtTheBrokerAlone(t *testing.T) {
	w := &world{}
	c := w.config()
	refused := errors.New("refused")
	c.Check = func(b rabbitmq.Broker) error {
		if b.Name == "orders" {
			return refused
		}
		return nil
	}
	a, _ := arn.Parse(brokerARN)
	s, _ := rabbitmq.Kind(c)(source.Spec{ARN: a})
	if err := s.Check(15 * time.Minute); err != refused {
		t.Error(err)
	}
}
