package mq

import (
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/mq/types"

	"millrace/runtime/store/backbone/backbonetest"
	"millrace/test/needs"
	"millrace/test/patience"
)

// Of two runtimes on one NATS server, the one that is left runs the brokers of the other:
// it adopts what still runs, and its functions go on being fed. When the first comes back
// it has no part in that.
func TestTakeover(t *testing.T) {
	needs.Long(t)
	installed(t)
	t.Parallel()
	nats := backbonetest.Listen(t, 8<<20)
	first := start(t, "--mq-driver", "process", "--nats", nats)
	second := start(t, "--mq-driver", "process", "--nats", nats)
	b := first.create("orders", "3.13")
	b.await(types.BrokerStateRunning)
	b.publish("orders", "before")
	at, pid := b.at("amqps"), b.pid()
	h := second.deploy("handler")

	first.down(syscall.SIGKILL)
	there := *b
	there.server = second
	there.await(types.BrokerStateRunning)
	if now := there.at("amqps"); now != at || b.pid() != pid {
		t.Errorf("taken over, it is at %s as process %d; it was at %s as %d", now, b.pid(), at, pid)
	}
	there.feed(h, "orders")
	h.awaitBody("before")
	b.awaitDurable("orders")
	syscall.Kill(pid, syscall.SIGKILL)
	patience.Until(t, "another process", func() bool { now := b.pid(); return now != 0 && now != pid }, nil)
	there.await(types.BrokerStateRunning)
	there.publish("orders", "after its death")
	h.awaitBody("after its death")

	first.up()
	there.publish("orders", "with both")
	h.awaitBody("with both")
	first.down(syscall.SIGTERM)
	if b.pid() == 0 {
		t.Errorf("a runtime that is not its home anymore has ended the broker")
	}
}
