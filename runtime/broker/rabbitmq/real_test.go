package rabbitmq_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"millrace/runtime/broker"
	"millrace/runtime/broker/brokertest"
	"millrace/runtime/broker/catalog"
	"millrace/runtime/broker/driver"
	"millrace/runtime/broker/driver/docker"
	"millrace/runtime/broker/driver/process"
	"millrace/runtime/broker/engine"
	"millrace/runtime/broker/rabbitmq"
	"millrace/runtime/ca"
	"millrace/test/needs"
)

const (
	owner    = "owner"
	password = `p"a ss'w{ord}#\n.`
	id       = "b-5a0e4f3a-0000-4000-8000-00000000000"
)

// A bench is a broker that really runs.
type bench struct {
	*testing.T
	driver   driver.Driver
	software driver.Software
	broker   engine.Broker
	instance driver.Instance
	control  engine.Control
}

// onEach runs tests on one broker of each driver, one after the other.
func onEach(t *testing.T, version string, tests ...named) {
	needs.Long(t)
	t.Parallel()
	data := func(t *testing.T) string {
		t.Parallel() // a boot is mostly waiting
		return t.TempDir()
	}
	run := func(b *bench) {
		b.Helper()
		b.up()
		for _, test := range tests {
			b.Run(test.name, func(t *testing.T) {
				on := *b
				on.T = t
				test.run(&on)
				b.instance, b.control = on.instance, on.control
			})
		}
	}
	t.Run("process", func(t *testing.T) {
		d, err := process.New(process.Config{Data: data(t), Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		run(newBench(t, d, version))
	})
	t.Run("docker", func(t *testing.T) {
		d, err := docker.New(docker.Config{Data: data(t), Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		run(newBench(t, d, version))
	})
}

type named struct {
	name string
	run  func(*bench)
}

func TestBrokerOf3(t *testing.T) {
	onEach(t, "3.13", named{"usual terms", usualTerms}, named{"provoked", provoked}, named{"adoption", adoption}, named{"restarts", restarts})
}

func TestBrokerOf4(t *testing.T) {
	onEach(t, "4.2",
		named{"TLS", speaksTLS}, named{"owner", onlyTheOwner}, named{"usual terms", usualTerms},
		named{"restored", restored}, named{"users", liveUsers}, named{"provoked", provoked})
}

func newBench(t *testing.T, d driver.Driver, version string) *bench {
	t.Helper()
	t.Cleanup(func() { d.Close() })
	needs.That(t, d.Check(t.Context()), "apt-get install rabbitmq-server, or test/brokers/engine and test/brokers/images and DOCKER_HOST")
	s, err := d.Find(t.Context(), "rabbitmq", version, func(string) {})
	needs.That(t, err, "apt-get install rabbitmq-server, or test/brokers/images")
	b := &bench{T: t, driver: d, software: s}
	instance := "mq.m5.large"
	if version != "3.13" {
		instance = "mq.m7g.large"
	}
	b.broker = engine.Broker{Host: "127.0.0.1", Desired: broker.Desired{
		ID: id, Name: "real", Account: "000000000000", Region: "eu-west-1",
		Engine: catalog.RabbitMQ, Version: version, Instance: instance, Mode: catalog.SingleInstance, Strategy: catalog.Simple,
		Users: []broker.User{{Name: owner, Password: password}},
	}}
	if b.broker.Seed, err = (rabbitmq.Engine{}).Seed(b.broker.Desired, rand.Reader); err != nil {
		t.Fatal(err)
	}
	authority := ca.New(t.TempDir(), time.Now)
	if b.broker.Root, err = authority.Root(); err != nil {
		t.Fatal(err)
	}
	if b.broker.TLS, err = authority.Leaf(ca.Pair{}, []string{"localhost"}, []netip.Addr{netip.MustParseAddr("127.0.0.1")}); err != nil {
		t.Fatal(err)
	}
	if version != "3.13" { // so that operator policies can be told from restored ones
		b.broker.Configuration = []byte("management.restrictions.operator_policy_changes.disabled = false\n")
	}
	b.ports()
	t.Cleanup(b.remove)
	return b
}

// ports gives the node ports that are free.
func (b *bench) ports() {
	ports := brokertest.FreePorts(b, (rabbitmq.Engine{}).Ports(b.broker.Desired, false))
	b.broker.Nodes = []engine.Node{{Name: id + "-1", Ports: ports}}
}

// up starts the broker and waits until it serves.
func (b *bench) up() {
	b.Helper()
	var err error
	var e rabbitmq.Engine
	b.instance, err = b.driver.Start(b.Context(), driver.Node{
		Name: id + "-1", Ports: b.broker.Nodes[0].Ports,
		Render: func(p driver.Place) (driver.Launch, error) {
			r, err := e.Render(b.broker, 0, p)
			return r.Launch, err
		},
	}, b.software)
	if err != nil {
		b.Fatal(err)
	}
	if b.control, err = e.Control(b.broker, []driver.Instance{b.instance}, b.software); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(b.control.Release)
	ctx, cancel := context.WithTimeout(b.Context(), 2*time.Minute)
	defer cancel()
	if err := b.control.Ready(ctx, 0); err != nil {
		b.Fatal(err)
	}
	if _, err := b.control.Reconcile(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.broker.Served = true
}

func (b *bench) down() {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	b.control.Release()
	if err := b.instance.Stop(ctx); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) remove() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(b.Context()), time.Minute)
	defer cancel()
	if err := b.driver.Remove(ctx, id+"-1"); err != nil {
		b.Error(err)
	}
}

func (b *bench) address(port string) string {
	at, ok := b.broker.Nodes[0].Public(port)
	if !ok {
		b.Fatalf("no port %s", port)
	}
	return at.String()
}

// trust is the configuration of a client that verifies what it connects to.
func (b *bench) trust() *tls.Config {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(b.broker.Root)
	return &tls.Config{RootCAs: roots}
}

// call asks the management API, and returns the status and the answer.
func (b *bench) call(user, password, method, path string, in any) (int, any) {
	b.Helper()
	body, _ := json.Marshal(in)
	req, err := http.NewRequestWithContext(b.Context(), method, "https://"+b.address("console")+path, bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	req.SetBasicAuth(user, password)
	client := http.Client{Transport: &http.Transport{TLSClientConfig: b.trust(), DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	var out any
	json.Unmarshal(text, &out)
	return resp.StatusCode, out
}

func (b *bench) get(path string) any {
	b.Helper()
	code, out := b.call(owner, password, "GET", path, nil)
	if code != 200 {
		b.Fatalf("GET %s: %d %v", path, code, out)
	}
	return out
}

func (b *bench) dial(user, password string) (*amqp.Connection, error) {
	return amqp.DialConfig("amqps://"+b.address("amqps")+"/", amqp.Config{
		SASL:            []amqp.Authentication{&amqp.PlainAuth{Username: user, Password: password}},
		TLSClientConfig: b.trust(),
	})
}

// publish sends a message that is to outlive a restart.
func (b *bench) publish(queue, body string) {
	b.Helper()
	conn, err := b.dial(owner, password)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		b.Fatal(err)
	}
	if _, err := ch.QueueDeclare(queue, true, false, false, false, nil); err != nil {
		b.Fatal(err)
	}
	if err := ch.Confirm(false); err != nil {
		b.Fatal(err)
	}
	c, err := ch.PublishWithDeferredConfirm("", queue, false, false, amqp.Publishing{DeliveryMode: amqp.Persistent, Body: []byte(body)})
	if err != nil {
		b.Fatal(err)
	}
	if !c.Wait() {
		b.Fatal("the message was refused")
	}
}

func (b *bench) take(queue string) string {
	b.Helper()
	conn, err := b.dial(owner, password)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		b.Fatal(err)
	}
	m, ok, err := ch.Get(queue, true)
	if err != nil || !ok {
		b.Fatalf("no message in %s: %v", queue, err)
	}
	return string(m.Body)
}

// greet returns how the broker answers the first bytes of a client.
func (b *bench) greet(header string) string {
	b.Helper()
	conn, err := tls.Dial("tcp", b.address("amqps"), b.trust())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, header); err != nil {
		b.Fatal(err)
	}
	answer := make([]byte, len(header))
	n, _ := io.ReadFull(conn, answer)
	return string(answer[:n])
}

func speaksTLS(b *bench) {
	for _, port := range []string{"amqps", "console"} {
		config := b.trust()
		config.MinVersion = tls.VersionTLS13
		if conn, err := tls.Dial("tcp", b.address(port), config); err == nil {
			conn.Close()
			b.Errorf("%s speaks TLS 1.3", port)
		}
		for suite, want := range map[uint16]bool{
			tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384:       true,
			tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256:       true,
			tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA:          false,
			tls.TLS_RSA_WITH_AES_128_GCM_SHA256:             false,
			tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: false,
		} {
			config := b.trust()
			config.MaxVersion, config.CipherSuites = tls.VersionTLS12, []uint16{suite}
			conn, err := tls.Dial("tcp", b.address(port), config)
			if err == nil {
				conn.Close()
			}
			if (err == nil) != want {
				b.Errorf("%s, %s: %v", port, tls.CipherSuiteName(suite), err)
			}
		}
		conn, err := net.Dial("tcp", b.address(port))
		if err != nil {
			b.Fatal(err)
		}
		conn.Write([]byte("AMQP\x00\x00\x09\x01"))
		answer, _ := io.ReadAll(conn)
		conn.Close()
		if bytes.Contains(answer, []byte("RabbitMQ")) {
			b.Errorf("%s speaks without TLS", port)
		}
	}
}

func onlyTheOwner(b *bench) {
	if code, _ := b.call("guest", "guest", "GET", "/api/whoami", nil); code != 401 {
		b.Errorf("guest got %d", code)
	}
	if _, err := b.dial("guest", "guest"); !errors.Is(err, amqp.ErrCredentials) {
		b.Errorf("guest: %v", err)
	}
	users := b.get("/api/users").([]any)
	if len(users) != 1 || users[0].(map[string]any)["name"] != owner {
		b.Errorf("users %v", users)
	}
	conn, err := b.dial(owner, password)
	if err != nil {
		b.Fatal(err)
	}
	conn.Close()
}

func usualTerms(b *bench) {
	p := b.get("/api/policies/%2F/AWS-DEFAULT-POLICY-SINGLE-INSTANCE").(map[string]any)
	if fmt.Sprint(p["pattern"], p["definition"], p["priority"]) != ".*map[queue-mode:lazy] 0" {
		b.Errorf("policy %v", p)
	}
	limits := fmt.Sprint(b.get("/api/vhost-limits/%2F"))
	if has := strings.Contains(limits, "max-queues:20000") && strings.Contains(limits, "max-connections:4000"); has != (b.broker.Version == "3.13") {
		b.Errorf("limits %v", limits)
	}
	newer := !strings.HasPrefix(b.software.Version, "3.10.")
	if operator := fmt.Sprint(b.get("/api/operator-policies/%2F")); strings.Contains(operator, "queue-version:2") != newer {
		b.Errorf("operator policies %v", operator)
	}
	b.publish("plain queue", "m")
	queue := b.get("/api/queues/%2F/plain%20queue").(map[string]any)
	if want := map[bool]string{true: "quorum", false: "classic"}[b.broker.Version == "4.2" && newer]; queue["type"] != want {
		b.Errorf("a queue without a type is %v", queue["type"])
	}
	if one := b.greet("AMQP\x03\x01\x00\x00"); (one == "AMQP\x03\x01\x00\x00") != strings.HasPrefix(b.software.Version, "4.") {
		b.Errorf("to AMQP 1.0 it says %q", one)
	}
	overview := b.get("/api/overview").(map[string]any)
	for _, l := range overview["listeners"].([]any) {
		switch protocol := l.(map[string]any)["protocol"]; protocol {
		case "amqp/ssl", "clustering", "https", "http": // console
		default:
			b.Errorf("listens for %v", protocol)
		}
	}
	resp, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: b.trust()}}).Get("https://" + b.address("console"))
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	if h := resp.Header; h.Get("X-Frame-Options") != "DENY" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Strict-Transport-Security") == "" {
		b.Errorf("headers %v", h)
	}
}

// What Amazon MQ gives a broker once, its owner may take away.
func restarts(b *bench) {
	b.publish("kept", "hello")
	const policy = "/api/policies/%2F/AWS-DEFAULT-POLICY-SINGLE-INSTANCE"
	if code, _ := b.call(owner, password, "DELETE", policy, nil); code != 204 {
		b.Fatalf("deleting the policy: %d", code)
	}
	b.call(owner, password, "PUT", "/api/users/another", map[string]string{"password": password, "tags": "administrator"})
	b.down()
	b.up()
	if got := b.take("kept"); got != "hello" {
		b.Errorf("got %q", got)
	}
	if code, _ := b.call(owner, password, "GET", policy, nil); code != 404 {
		b.Errorf("the deleted policy: %d", code)
	}
	// Without its first user, a broker is governed all the same.
	if code, _ := b.call("another", password, "DELETE", "/api/users/"+owner, nil); code != 204 {
		b.Fatalf("deleting the owner: %d", code)
	}
	b.down()
	b.up()
	if code, _ := b.call(owner, password, "GET", "/api/whoami", nil); code != 401 {
		b.Errorf("a deleted user came back: %d", code)
	}
	if code, _ := b.call("another", password, "GET", "/api/whoami", nil); code != 200 {
		b.Errorf("another user: %d", code)
	}
}

func restored(b *bench) {
	const operator = "/api/operator-policies/%2F/default_operator_policy_AWS_managed"
	newer := !strings.HasPrefix(b.software.Version, "3.10.")
	if changed, err := b.control.Reconcile(b.Context()); err != nil || len(changed) != 0 {
		b.Errorf("nothing to do, but: %v, %v", changed, err)
	}
	if newer {
		if code, _ := b.call(owner, password, "DELETE", operator, nil); code != 204 {
			b.Fatalf("deleting the operator policy: %d", code)
		}
	}
	if code, _ := b.call(owner, password, "PUT", "/api/users/guest", map[string]string{"password": "guest", "tags": ""}); code != 201 {
		b.Fatalf("making guest: %d", code)
	}
	changed, err := b.control.Reconcile(b.Context())
	if want := map[bool]int{true: 2, false: 1}[newer]; err != nil || len(changed) != want {
		b.Errorf("changed %v, %v", changed, err)
	}
	if code, _ := b.call(owner, password, "GET", operator, nil); (code == 200) != newer {
		b.Errorf("the operator policy: %d", code)
	}
	if code, _ := b.call(owner, password, "GET", "/api/users/guest", nil); code != 404 {
		b.Errorf("guest: %d", code)
	}
}

func liveUsers(b *bench) {
	u := broker.User{Name: "-o'live\"", Password: password, Groups: []string{"monitoring", "team"}}
	if err := b.control.User(b.Context(), u, broker.Create); err != nil {
		b.Fatal(err)
	}
	if conn, err := b.dial(u.Name, password); err != nil {
		b.Error(err)
	} else {
		conn.Close()
	}
	u.Password = "another password"
	if err := b.control.User(b.Context(), u, broker.Update); err != nil {
		b.Fatal(err)
	}
	if _, err := b.dial(u.Name, password); !errors.Is(err, amqp.ErrCredentials) {
		b.Errorf("the old password: %v", err)
	}
	if code, _ := b.call(u.Name, u.Password, "GET", "/api/whoami", nil); code != 200 {
		b.Errorf("the new password: %d", code)
	}
	if err := b.control.User(b.Context(), u, broker.Delete); err != nil {
		b.Fatal(err)
	}
	if _, err := b.dial(u.Name, u.Password); !errors.Is(err, amqp.ErrCredentials) {
		b.Errorf("a deleted user: %v", err)
	}
}

func adoption(b *bench) {
	b.up() // renders with Served
	if !b.instance.Adopted() {
		b.Error("a broker that runs was started anew")
	}
}
