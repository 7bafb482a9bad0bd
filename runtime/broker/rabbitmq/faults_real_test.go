package rabbitmq_test

import (
	amqp "github.com/rabbitmq/amqp091-go"

	"millrace/runtime/broker"
	"millrace/test/patience"
)

// What is provoked reaches clients, and ends: publishers are blocked and unblocked, and
// connections are closed.
func provoked(b *bench) {
	conn, err := b.dial(owner, password)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	blocked, closed := conn.NotifyBlocked(make(chan amqp.Blocking, 16)), conn.NotifyClose(make(chan *amqp.Error, 1))
	ch, err := conn.Channel()
	if err != nil {
		b.Fatal(err)
	}
	for code, reason := range map[string]string{broker.MemoryAlarm: "low on memory", broker.DiskAlarm: "low on disk"} {
		b.provoke(code, true)
		b.alarms(code)
		publish(b, ch) // a connection that publishes nothing is not blocked
		if got := patience.For(b, "the block", blocked, nil); !got.Active || got.Reason != reason {
			b.Errorf("%s blocks as %+v", code, got)
		}
		b.provoke(code, false)
		b.alarms()
		if got := patience.For(b, "the end of the block", blocked, nil); got.Active {
			b.Errorf("after %s: %+v", code, got)
		}
	}
	b.provoke(broker.ConnectionClosed, true)
	if err := patience.For(b, "the close", closed, nil); err == nil || err.Code != amqp.ConnectionForced {
		b.Errorf("a closed connection is told %v", err)
	}
	if err := b.control.Provoke(b.Context(), "BROKER_OOM", true); err == nil {
		b.Error("RabbitMQ has a fault of ActiveMQ")
	}
}

func (b *bench) provoke(code string, on bool) {
	b.Helper()
	if err := b.control.Provoke(b.Context(), code, on); err != nil {
		b.Fatal(err)
	}
}

// alarms waits until these are in effect and no others.
func (b *bench) alarms(codes ...string) {
	b.Helper()
	patience.Until(b, "the alarms", func() bool {
		found, err := b.control.Alarms(b.Context())
		if err != nil || len(found) != len(codes) {
			return false
		}
		for i, a := range found {
			if a.Code != codes[i] {
				return false
			}
		}
		return true
	}, nil)
}

func publish(b *bench, ch *amqp.Channel) {
	b.Helper()
	if err := ch.Publish("", "nowhere", false, false, amqp.Publishing{Body: []byte("grist")}); err != nil {
		b.Fatal(err)
	}
}
