package bridge

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	amqp "github.com/rabbitmq/amqp091-go"
)

// A link is one connection of a Consumer, from broker to stream and back. It ends once,
// for whatever reason, and its deliveries with it.
type link struct {
	id      string // the Handle.Connection of its deliveries
	spec    Spec
	bridges *Bridges
	changed <-chan struct{} // the Address.Changed that it was made with
	log     *slog.Logger

	wire     *wire
	conn     *amqp.Connection
	channel  *amqp.Channel
	stream   *stream
	nats     *nats.Conn
	subject  string
	reading  *nats.Subscription
	dropped  *atomic.Uint64 // messages that were too large
	settling sync.Mutex     // held from the tracker's word to the broker's ear, whose order counts

	parts    sync.WaitGroup
	readable chan struct{} // of capacity 1: something is ready
	ended    chan struct{} // closed when err is set
	over     chan struct{} // closed when nothing is left of it

	mu       sync.Mutex // guards what follows
	err      *Error
	tracker  tracker
	room     sync.Cond // on mu: the stream takes more entries, or the link has ended
	ready    []Delivery
	kept     map[uint64]Delivery // by tag: what is not in its entry
	last     uint64              // sequence of the last entry that was read, whose ever it is
	arrivals uint64              // entries that were read; for the watchdog
	watched  *time.Timer         // nil while nothing is on its way
}

func (c *Consumer) newLink() *link {
	b := c.bridges
	id := rand.Text()
	l := &link{
		id: id, spec: c.spec, bridges: b, log: b.log.With("queue", c.spec.Queue.Subject(), "consumer", c.spec.Consumer, "connection", id),
		nats: b.config.Conn, subject: c.spec.Queue.Subject(), dropped: &c.dropped, tracker: newTracker(), kept: map[uint64]Delivery{},
		readable: make(chan struct{}, 1), ended: make(chan struct{}), over: make(chan struct{}),
	}
	l.room.L = &l.mu
	return l
}

// silence is how long the stream may give back nothing while entries are on their way.
const silence = 10 * time.Second

var (
	errSilent  = errors.New("entries do not come back from its stream")
	errMissing = errors.New("an entry is missing in its stream")
	errTap     = errors.New("a delivery is not what was read")
)

// pump sends each delivery of the broker to the stream.
func (l *link) pump(deliveries <-chan amqp.Delivery) {
	for d := range deliveries {
		properties, ok := l.wire.next()
		if !ok {
			l.fail(Lost, errTap)
			return
		}
		size := len(d.Body) + len(properties)
		if l.spec.MaxBody > 0 && len(d.Body) > l.spec.MaxBody {
			if !l.drop(d, size) {
				return
			}
			continue
		}
		tag, ok := l.admit(size)
		if !ok {
			return
		}
		if tag != d.DeliveryTag {
			l.fail(Lost, errTap)
			return
		}
		e := entry{
			handle: Handle{l.id, tag}, redelivered: d.Redelivered, exchange: d.Exchange, routingKey: d.RoutingKey,
			properties: properties, body: d.Body,
		}
		m := e.message(l.subject, l.nats.MaxPayload())
		if e.kept && !l.keep(e) {
			return
		}
		if err := l.nats.PublishMsg(m); err != nil {
			l.fail(NoStream, err)
			return
		}
	}
}

// drop acknowledges a message that is too large to be received.
func (l *link) drop(d amqp.Delivery, size int) bool {
	l.mu.Lock()
	l.tracker.skip()
	l.mu.Unlock()
	l.wire.free(size)
	l.dropped.Add(1)
	l.log.Warn("a message is too large for its consumer, and was dropped", "bytes", len(d.Body), "largest", l.spec.MaxBody, "tag", d.DeliveryTag)
	if err := l.channel.Ack(d.DeliveryTag, false); err != nil {
		l.fail(Lost, err)
		return false
	}
	return true
}

// admit waits until the stream takes one more entry, and gives it its tag. Meanwhile
// nothing is read from the broker.
func (l *link) admit(size int) (tag uint64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.full(size) && l.err == nil {
		l.wire.stall(true)
		for l.full(size) && l.err == nil {
			l.room.Wait()
		}
		l.wire.stall(false)
	}
	if l.err != nil {
		return 0, false
	}
	if l.watched == nil {
		l.watch(l.arrivals)
	}
	return l.tracker.send(size), true
}

func (l *link) full(size int) bool {
	n := l.tracker.unread()
	return n >= maxUnread || n > 0 && l.tracker.waiting+size > maxUnreadBytes
}

// watch ends the link when the stream has given nothing back for too long. It is called
// with mu held, and costs nothing while nothing is on its way.
func (l *link) watch(before uint64) {
	l.watched = time.AfterFunc(silence, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		switch {
		case l.err != nil:
		case l.tracker.unread() == 0:
			l.watched = nil
		case l.arrivals == before:
			l.failLocked(NoStream, errSilent)
		default:
			l.watch(l.arrivals)
		}
	})
}

// keep holds what an entry does not have until it comes back.
func (l *link) keep(e entry) bool {
	d, err := e.delivery()
	if err != nil {
		l.fail(Lost, err)
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept[e.handle.Tag] = d
	return true
}

// read takes an entry that has come back. Others on the subject are none of its own.
func (l *link) read(m *nats.Msg) {
	sequence, ok := sequenceOf(m)
	if !ok {
		return
	}
	d, kept, err := l.deliveryOf(m)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = sequence
	switch {
	case l.err != nil || errors.Is(err, errForeign):
		return
	case err != nil:
		l.failLocked(NoStream, err)
		return
	}
	tag := d.Handle.Tag
	switch l.tracker.arrive(tag, sequence) {
	case gap:
		l.failLocked(NoStream, errMissing)
		return
	case repeated:
		return
	}
	if kept {
		d = l.kept[tag]
		delete(l.kept, tag)
	}
	l.arrivals++
	l.ready = append(l.ready, d)
	l.room.Signal()
	if len(l.ready) == 1 {
		wake(l.readable)
	}
}

// errForeign is that of an entry of another connection.
var errForeign = errors.New("an entry of another connection")

// deliveryOf is what an entry of this connection holds; of one that is kept the Handle.
func (l *link) deliveryOf(m *nats.Msg) (d Delivery, kept bool, err error) {
	if h, ok := handleOf(m); !ok || h.Connection != l.id {
		return d, false, errForeign
	}
	e, err := entryOf(m)
	if err != nil || e.kept {
		return Delivery{Handle: e.handle}, e.kept, err
	}
	d, err = e.delivery()
	return d, false, err
}

func (e *entry) delivery() (Delivery, error) {
	p, err := decodeProperties(e.properties)
	return Delivery{
		Handle: e.handle, Redelivered: e.redelivered, Exchange: e.exchange, RoutingKey: e.routingKey, Properties: p, Body: e.body,
	}, err
}

func wake(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// take returns what is ready, max at most.
func (l *link) take(max int) ([]Delivery, *Error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return nil, l.err
	}
	n := min(max, len(l.ready))
	taken := l.ready[:n:n]
	l.ready = l.ready[n:]
	if len(l.ready) > 0 {
		wake(l.readable)
	}
	return taken, nil
}

// settle has say tell the broker what became of deliveries.
func (l *link) settle(tags []uint64, say func(tag uint64, multiple bool) error) {
	l.settling.Lock()
	defer l.settling.Unlock()
	l.mu.Lock()
	if l.err != nil {
		l.mu.Unlock()
		l.log.Debug("deliveries of a connection that has ended are left to the broker", "n", len(tags))
		return
	}
	settlements, bytes := l.tracker.settle(tags)
	l.mu.Unlock()
	for _, s := range settlements {
		if err := say(s.tag, s.multiple); err != nil {
			l.fail(Lost, err)
			return
		}
	}
	l.wire.free(bytes)
	l.stream.removable()
}

// floor is the sequence of the first entry of the stream that the link still needs.
func (l *link) floor() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if sequence, ok := l.tracker.floor(); ok {
		return sequence
	}
	return l.last + 1
}
