package bridge

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"millrace/runtime/broker/brokertest"
	"millrace/runtime/broker/driver"
	"millrace/runtime/broker/driver/process"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/test/needs"
	"millrace/test/patience"
)

func TestMain(m *testing.M) { os.Exit(backbonetest.Main(m)) }

// A rabbit is a RabbitMQ of a test's own, as a process, without TLS.
type rabbit struct {
	*testing.T
	driver   driver.Driver
	node     driver.Node
	software driver.Software
	instance driver.Instance
	at       string
	data     string
}

func startRabbitMQ(t *testing.T) *rabbit {
	t.Helper()
	needs.Long(t)
	r := &rabbit{T: t, data: t.TempDir()}
	var err error
	if r.driver, err = process.New(process.Config{Data: r.data}); err != nil {
		t.Fatal(err)
	}
	r.software, err = r.driver.Find(t.Context(), "rabbitmq", "3.13", func(string) {})
	needs.That(t, err, "apt-get install rabbitmq-server")
	engine := brokertest.RabbitMQ()
	r.node = driver.Node{Name: "b-bridge-1", Ports: brokertest.FreePorts(t, engine.Ports()), Render: engine.Render}
	r.at = r.node.Ports[0].Public.String()
	t.Cleanup(func() {
		if err := r.driver.Remove(context.Background(), r.node.Name); err != nil {
			t.Error(err)
		}
		r.driver.Close()
	})
	r.start()
	return r
}

func (r *rabbit) start() {
	r.Helper()
	var err error
	if r.instance, err = r.driver.Start(r.Context(), r.node, r.software); err != nil {
		r.Fatal(err)
	}
	serves := brokertest.RabbitMQ().Serves
	patience.Until(r, "RabbitMQ", func() bool {
		return serves(r.node.Ports[0].Public) == nil
	}, nil)
}

// kill ends it without a word.
func (r *rabbit) kill() {
	r.Helper()
	r.eval("os:cmd(\"kill -9 \" ++ os:getpid())")
	<-r.instance.Done()
}

// eval runs an expression of Erlang inside the broker.
func (r *rabbit) eval(expression string) string {
	r.Helper()
	out, err := r.instance.Exec(r.Context(), strings.NewReader(expression+"."), "rabbitmqctl", "eval")
	if err != nil && !strings.Contains(expression, "kill") {
		r.Fatal(err)
	}
	return string(out)
}

// client is a connection of somebody else.
func (r *rabbit) client() *amqp.Channel {
	r.Helper()
	conn, err := amqp.Dial("amqp://guest:guest@" + r.at + "/")
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { conn.Close() })
	ended := conn.NotifyClose(make(chan *amqp.Error, 1))
	go func() {
		if e := <-ended; e != nil {
			fmt.Println("a client's connection has ended:", e)
		}
	}()
	ch, err := conn.Channel()
	if err == nil {
		err = ch.Confirm(false)
	}
	if err != nil {
		r.Fatal(err)
	}
	return ch
}

func (r *rabbit) declare(ch *amqp.Channel, name string) {
	r.Helper()
	if _, err := ch.QueueDeclare(name, true, false, false, false, nil); err != nil {
		r.Fatal(err)
	}
}

// publish sends a message to a queue and waits until it is confirmed.
func publish(t testing.TB, ch *amqp.Channel, queue string, m amqp.Publishing) {
	t.Helper()
	m.DeliveryMode = max(m.DeliveryMode, 1)
	c, err := ch.PublishWithDeferredConfirm("", queue, true, false, m)
	var confirmed bool
	if err == nil {
		confirmed, err = c.WaitContext(t.Context())
	}
	if err != nil || !confirmed {
		t.Fatalf("publishing to %s: confirmed %v, %v", queue, confirmed, err)
	}
}

func publishN(t testing.TB, ch *amqp.Channel, queue string, n int) {
	t.Helper()
	var last *amqp.DeferredConfirmation
	for i := range n {
		var err error
		if last, err = ch.PublishWithDeferredConfirm("", queue, true, false, amqp.Publishing{Body: fmt.Append(nil, i)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := last.WaitContext(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// ready is how many messages of a queue nobody holds.
func ready(t testing.TB, ch *amqp.Channel, queue string) int {
	t.Helper()
	q, err := ch.QueueDeclarePassive(queue, true, false, false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	return q.Messages
}

// spec is that of a consumer with the right credentials.
func (r *rabbit) spec(queue string) Spec {
	return Spec{
		Consumer: "c0ffee00-0000-4000-8000-000000000001", Queue: Queue{"b-1", "/", queue}, Prefetch: 10,
		Address: func(context.Context) (Address, error) { return Address{Host: r.at}, nil },
		Login:   func(context.Context) (user, password string, err error) { return "guest", "guest", nil },
	}
}

// bridges runs on an embedded server.
func bridges(t *testing.T) *Bridges {
	t.Helper()
	return bridgesOn(t, Config{Conn: backbonetest.Start(t, t.TempDir()).Conn()})
}

func bridgesOn(t *testing.T, c Config) *Bridges {
	t.Helper()
	b := New(c)
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return b
}

func open(t *testing.T, b *Bridges, s Spec) *Consumer {
	t.Helper()
	c := b.Open(s)
	t.Cleanup(func() { c.Close() })
	return c
}

// receive takes n deliveries.
func receive(t *testing.T, c *Consumer, n int) (all []Delivery) {
	t.Helper()
	for len(all) < n {
		got, err := c.Receive(t.Context(), n-len(all), 2*time.Minute)
		if err != nil || len(got) == 0 {
			t.Fatalf("%d of %d deliveries: %v", len(all), n, err)
		}
		all = append(all, got...)
	}
	return all
}

// unacknowledged is how many messages of a queue consumers hold.
func (r *rabbit) unacknowledged(queue string) (n int) {
	r.Helper()
	out := r.eval(fmt.Sprintf(`{ok, Q} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"/">>, queue, <<"%s">>)), proplists:get_value(messages_unacknowledged, rabbit_amqqueue:info(Q, [messages_unacknowledged]))`, queue))
	if _, err := fmt.Sscan(out, &n); err != nil {
		r.Fatalf("%q: %v", out, err)
	}
	return n
}
