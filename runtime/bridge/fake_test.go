package bridge

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"

	"millrace/runtime/fault"
	"millrace/test/patience"
)

// A fake is as much of a broker as a consumer sees of one: it takes any login, delivers
// what it is told, and notes what becomes of that.
type fake struct {
	net.Listener
	over sync.WaitGroup

	mu   sync.Mutex // guards what follows
	conn net.Conn   // the latest
	tag  uint64
	said chan string // acknowledgements with their bits (1: multiple, 2: requeue), and what else is worth a word
}

// Methods of AMQP 0-9-1, as class and index.
const (
	startOK, tuneOK, openConnection, closeConnection = 10<<16 | 11, 10<<16 | 31, 10<<16 | 40, 10<<16 | 50
	openChannel, qos, consume, ack, nack             = 20<<16 | 10, 60<<16 | 10, 60<<16 | 20, 60<<16 | 80, 60<<16 | 120
)

func method(channel, class, index uint16, arguments ...byte) []byte {
	b := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, class), index)
	f := frame(1, append(b, arguments...))
	binary.BigEndian.PutUint16(f[1:], channel)
	return f
}

func startFake(t *testing.T) *fake {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{Listener: l, said: make(chan string, 1000)}
	f.over.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f.mu.Lock()
			f.conn, f.tag = c, 0
			f.mu.Unlock()
			f.over.Go(func() {
				defer c.Close()
				f.serve(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		f.cut()
		f.over.Wait()
	})
	return f
}

func (f *fake) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.conn != nil {
		f.conn.Close()
	}
}

func (f *fake) serve(c net.Conn) {
	r := bufio.NewReader(c)
	r.Discard(8) // the protocol's header
	mechanisms := append([]byte{0, 9, 0, 0, 0, 0, 0, 0, 0, 5}, "PLAIN\x00\x00\x00\x05en_US"...)
	c.Write(method(0, 10, 10, mechanisms...))
	for {
		var head [frameHead]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return
		}
		payload := make([]byte, binary.BigEndian.Uint32(head[3:])+1)
		if _, err := io.ReadFull(r, payload); err != nil {
			return
		}
		if head[0] != 1 {
			continue
		}
		rest := payload[4:]
		switch binary.BigEndian.Uint32(payload) {
		case startOK:
			c.Write(method(0, 10, 30, 0, 10, 0, 2, 0, 0, 0, 0))
		case openConnection:
			c.Write(method(0, 10, 41, 0))
		case openChannel:
			c.Write(method(1, 20, 11, 0, 0, 0, 0))
		case qos:
			f.said <- fmt.Sprint("prefetch ", binary.BigEndian.Uint16(rest[4:]))
			c.Write(method(1, 60, 11))
		case consume:
			name := rest[3 : 3+rest[2]]
			tag := rest[3+rest[2]:]
			f.said <- "consume " + string(name)
			c.Write(method(1, 60, 21, tag[:tag[0]+1]...))
		case ack:
			f.said <- fmt.Sprint("ack ", binary.BigEndian.Uint64(rest), " ", rest[8])
		case nack:
			f.said <- fmt.Sprint("nack ", binary.BigEndian.Uint64(rest), " ", rest[8])
		case closeConnection:
			f.said <- "goodbye"
			c.Write(method(0, 10, 51))
			return
		}
	}
}

// deliver delivers messages to the consumer.
func (f *fake) deliver(consumer string, bodies ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, body := range bodies {
		f.tag++
		tag := "millrace-" + consumer
		b := append([]byte{byte(len(tag))}, tag...)
		b = binary.BigEndian.AppendUint64(b, f.tag)
		b = append(b, 0, 0, 1, 'k')
		f.conn.Write(append(method(1, 60, 60, b...), message("\x00\x00", body)[len(frame(1, []byte("deliver"))):]...))
	}
}

// expect compares the next words.
func (f *fake) expect(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for range want {
		got = append(got, patience.For(t, fmt.Sprintf("%q to be heard by the broker", want), f.said, func() any { return got }))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the broker heard %q, want %q", got, want)
	}
}

func (f *fake) spec() Spec {
	return Spec{
		Consumer: "c", Queue: Queue{"b-1", "/", "q"}, Prefetch: 7, MaxBody: 10,
		Address: func(context.Context) (Address, error) { return Address{Host: f.Addr().String()}, nil },
		Login:   func(context.Context) (user, password string, err error) { return "u", "p", nil },
	}
}

func TestAConnectionsLife(t *testing.T) {
	f, b := startFake(t), bridges(t)
	spec, changed := f.spec(), make(chan struct{})
	spec.Address = func(context.Context) (Address, error) {
		return Address{Host: f.Addr().String(), Changed: changed}, nil
	}
	c := open(t, b, spec)
	if got, err := c.Receive(t.Context(), 1, 0); len(got) > 0 || err != nil {
		t.Fatal(got, err)
	}
	f.expect(t, "prefetch 7", "consume q")
	f.deliver("c", "one", "two", "longer than ten", "", "five")
	f.expect(t, "ack 3 0") // dropped
	got := receive(t, c, 4)
	if s := fmt.Sprintf("%s", []any{got[0].Body, got[1].Body, got[2].Body, got[3].Body}); s != "[one two  five]" || c.Dropped() != 1 {
		t.Errorf("received %s, and %d dropped", s, c.Dropped())
	}
	c.Acknowledge(t.Context(), got[1:2])
	c.Requeue(t.Context(), got[3:])
	c.Acknowledge(t.Context(), got[:3])
	f.expect(t, "ack 2 0", "nack 5 2", "ack 4 1")
	f.deliver("c", "six", "seven")
	before := receive(t, c, 2)
	f.cut()
	if e := fails(t, c, Lost, fault.Unavailable); e.Changed != (<-chan struct{})(changed) {
		t.Error("it does not say when to try again")
	}
	if got, err := c.Receive(t.Context(), 1, 0); len(got) > 0 || err != nil {
		t.Fatal(got, err)
	}
	f.expect(t, "prefetch 7", "consume q")
	f.deliver("c", "six")
	c.Acknowledge(t.Context(), before) // of the connection before
	after := receive(t, c, 1)
	if after[0].Handle.Tag != 1 || after[0].Handle.Connection == before[0].Handle.Connection {
		t.Errorf("handles %v and %v", before[0].Handle, after[0].Handle)
	}
	c.Requeue(t.Context(), after)
	c.Close()
	f.expect(t, "nack 1 2", "goodbye")
	if n := streams(t, b); n != 0 {
		t.Errorf("%d streams are left", n)
	}
}

// More comes than may be on its way through the stream, and all of it arrives, in order.
func TestMoreThanTheStreamHoldsAtOnce(t *testing.T) {
	f, b := startFake(t), bridges(t)
	s := f.spec()
	s.Prefetch, s.MaxBody = 65535, 0
	c := open(t, b, s)
	if _, err := c.Receive(t.Context(), 1, 0); err != nil {
		t.Fatal(err)
	}
	const n = 3 * maxUnread
	var bodies []string
	for i := range n {
		bodies = append(bodies, fmt.Sprint(i))
	}
	f.deliver("c", bodies...)
	for i, d := range receive(t, c, n) {
		if string(d.Body) != bodies[i] {
			t.Fatalf("%d came as %s", i, d.Body)
		}
	}
}

// Somebody else's entries on a queue's subject are nobody's deliveries.
func TestForeignEntries(t *testing.T) {
	f, b := startFake(t), bridges(t)
	s := f.spec()
	c := open(t, b, s)
	if _, err := c.Receive(t.Context(), 1, 0); err != nil {
		t.Fatal(err)
	}
	conn := b.config.Conn
	if err := conn.Publish(s.Queue.Subject(), []byte("no headers")); err != nil {
		t.Fatal(err)
	}
	for _, e := range []entry{{handle: Handle{"another", 1}}, {handle: Handle{c.current().id, 99}, properties: []byte{0, 0}}} {
		if err := conn.PublishMsg(e.message(s.Queue.Subject(), 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	f.deliver("c", "ours")
	if got := receive(t, c, 1); string(got[0].Body) != "ours" {
		t.Errorf("received %+v", got[0])
	}
}

// An Error is found by its code, and its text has no secrets.
func TestErrors(t *testing.T) {
	cause := fault.New(fault.Throttled, "later")
	for reason, want := range map[Reason]fault.Code{
		NoBroker: fault.NotFound, NotRunning: fault.Unavailable, Certificate: fault.Unavailable, NoLogin: fault.Throttled,
		BadLogin: fault.Denied, Exclusive: fault.Conflict, Closed: fault.Canceled,
	} {
		err := error(&Error{Reason: reason, Err: cause})
		if fault.Of(err) != want || !errors.Is(err, fault.Throttled) {
			t.Errorf("%s is %q", reason, fault.Of(err))
		}
	}
}
