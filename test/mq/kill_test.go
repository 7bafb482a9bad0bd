package mq

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmq "github.com/aws/aws-sdk-go-v2/service/mq"
	"github.com/aws/aws-sdk-go-v2/service/mq/types"
	amqp "github.com/rabbitmq/amqp091-go"

	"millrace/test/needs"
	"millrace/test/patience"
)

var (
	rounds = flag.Int("mq.rounds", 2, "how often to kill the runtime while it creates, reboots and deletes brokers")
	seed   = flag.Uint64("mq.seed", uint64(time.Now().UnixNano()), "what the dice start from")
)

// The runtime is killed at any instant while a broker is created, another is rebooted,
// and the first is deleted again; the rebooted broker too, at times. Each comes to the
// state that was asked for, and no message that a client had confirmed is lost.
func TestKillRounds(t *testing.T) {
	needs.Long(t)
	installed(t)
	t.Parallel()
	dice := rand.New(rand.NewPCG(*seed, 0))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the dice of this run: -mq.seed %d", *seed)
		}
	})
	s := start(t, "--mq-driver", "process", "--mq-endpoint-host", "localhost")
	steady := s.create("steady", "3.13")
	steady.await(types.BrokerStateRunning)
	at := steady.at("amqps")
	if !strings.HasPrefix(at, "localhost:") || strings.HasSuffix(at, ":5671") {
		t.Errorf("it is at %s, want localhost, and not where another program listens", at)
	}
	another, password := "another", "millstones-grind"
	if _, err := s.api().CreateUser(t.Context(), &awsmq.CreateUserInput{BrokerId: &steady.id, Username: &another, Password: &password}); code(err) != "BadRequestException" {
		t.Errorf("a user by the API: %v", err) // the row "Users after create": AWS refuses it
	}
	if _, err := steady.dial(another, password); !errors.Is(err, amqp.ErrCredentials) {
		t.Errorf("a user that was refused logs in: %v", err)
	}
	steady.publish("ledger", "the first")
	steady.awaitDurable("ledger")
	books := steady.keepBooks(at, "ledger", "the first")
	sizes := []string{"mq.m7g.large", "mq.m7g.medium"}
	for round := 1; round <= *rounds && !t.Failed(); round++ {
		steady.await(types.BrokerStateRunning)
		size := sizes[round%2]
		if _, err := s.api().UpdateBroker(t.Context(), &awsmq.UpdateBrokerInput{BrokerId: &steady.id, HostInstanceType: &size}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.api().RebootBroker(t.Context(), &awsmq.RebootBrokerInput{BrokerId: &steady.id}); err != nil {
			t.Fatal(err)
		}
		young := s.create(fmt.Sprint("young-", round), "3.13")
		s.killWithin(dice, 5*time.Second) // a boot takes about as long
		if pid := steady.pid(); pid != 0 && dice.IntN(2) == 0 {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		s.up()
		young.await(types.BrokerStateRunning)
		d, _ := steady.await(types.BrokerStateRunning)
		if aws.ToString(d.HostInstanceType) != size || steady.at("amqps") != at {
			t.Errorf("after the reboot it is %s at %s, want %s at %s", aws.ToString(d.HostInstanceType), steady.at("amqps"), size, at)
		}
		ports := []string{young.at("amqps"), young.at("https")}
		if _, err := s.api().DeleteBroker(t.Context(), &awsmq.DeleteBrokerInput{BrokerId: &young.id}); err != nil {
			t.Fatal(err)
		}
		s.killWithin(dice, 300*time.Millisecond)
		s.up()
		young.awaitGone()
		young.gone(ports...)
	}
	steady.await(types.BrokerStateRunning)
	confirmed := books.close()
	stored := map[string]bool{}
	for _, body := range steady.stored("ledger") {
		stored[body] = true
	}
	for _, body := range confirmed {
		if !stored[body] {
			t.Errorf("the confirmed message %s is lost", body)
		}
	}
	t.Logf("%d messages were confirmed, %d are stored", len(confirmed), len(stored))
	if left, _ := filepath.Glob(filepath.Join(s.data, "brokers", "b-*")); len(left) != 1 {
		t.Errorf("of %d brokers are left %v", *rounds+1, left)
	}
	s.down(syscall.SIGKILL) // so that the purge finds a broker that runs
}

// killWithin kills the runtime at some instant.
func (s *server) killWithin(dice *rand.Rand, most time.Duration) {
	time.Sleep(time.Duration(dice.Int64N(int64(most))))
	s.down(syscall.SIGKILL)
}

// books are those of a client that sends durable messages all the time.
type books struct {
	queue     string
	mu        sync.Mutex
	confirmed []string
	halt      context.CancelFunc
	over      chan struct{}
}

// keepBooks begins to send to a queue, which has the messages that are given.
func (b *broker) keepBooks(at, queue string, has ...string) *books {
	ctx, halt := context.WithCancel(context.WithoutCancel(b.Context()))
	k := &books{queue: queue, confirmed: has, halt: halt, over: make(chan struct{})}
	config := amqp.Config{SASL: []amqp.Authentication{&amqp.PlainAuth{Username: b.owner, Password: b.password}}, TLSClientConfig: b.trust, Dial: amqp.DefaultDial(10 * time.Second)}
	go func() {
		defer close(k.over)
		for n := 0; ctx.Err() == nil; {
			n = k.send(ctx, "amqps://"+at+"/", config, n)
			<-patience.New("", nil).Turn() // the broker is away
		}
	}()
	b.Cleanup(func() { halt(); <-k.over })
	return k
}

// send sends until the connection breaks, and returns the number of the next message.
func (k *books) send(ctx context.Context, url string, config amqp.Config, n int) int {
	conn, err := amqp.DialConfig(url, config)
	if err != nil {
		return n
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil || ch.Confirm(false) != nil {
		return n
	}
	for ; ctx.Err() == nil; n++ {
		body := fmt.Sprint("message ", n)
		c, err := ch.PublishWithDeferredConfirm("", k.queue, true, false, amqp.Publishing{DeliveryMode: amqp.Persistent, Body: []byte(body)})
		if err != nil {
			return n + 1
		}
		if acked, err := c.WaitContext(ctx); err != nil || !acked {
			return n + 1
		}
		k.mu.Lock()
		k.confirmed = append(k.confirmed, body)
		k.mu.Unlock()
		<-patience.New("", nil).Turn() // a trickle will do
	}
	return n
}

// count is how many messages were confirmed so far.
func (k *books) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.confirmed)
}

// close ends the sending, and returns what was confirmed.
func (k *books) close() []string {
	k.halt()
	<-k.over
	return k.confirmed
}
