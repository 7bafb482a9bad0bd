package jetqueue_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	"millrace/runtime/store/backbone/backbonetest"
	"millrace/test/patience"
)

// An interceptor forwards requests to a server. Before the first one that contains
// text, once armed, it calls then.
type interceptor struct {
	server string // host:port
	text   []byte

	mu   sync.Mutex // guards then
	then func()
}

func (b *interceptor) arm(then func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.then = then
}

func (b *interceptor) armed() func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	then := b.then
	b.then = nil
	return then
}

// listen returns the URL at which it takes connections until the end of the test.
func (b *interceptor) listen(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() { l.Close(); all.Wait() })
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s, err := net.Dial("tcp", b.server)
			if err != nil {
				c.Close()
				continue
			}
			all.Go(func() { io.Copy(c, s); c.Close() })
			all.Go(func() { b.pass(s, c); s.Close() })
		}
	})
	return "nats://" + l.Addr().String()
}

func (b *interceptor) pass(to io.Writer, from io.Reader) {
	piece := make([]byte, 64<<10)
	for {
		n, err := from.Read(piece)
		if bytes.Contains(piece[:n], b.text) {
			if then := b.armed(); then != nil {
				then()
			}
		}
		if _, failed := to.Write(piece[:n]); err != nil || failed != nil {
			return
		}
	}
}

// The owner trims a log while another node reads it: the reader has seen where the
// log began, and finds entries gone. Nothing is lost.
func TestPurgeWhileAnotherNodeReads(t *testing.T) {
	direct := backbonetest.Listen(t, 0)
	at, err := url.Parse(direct)
	if err != nil {
		t.Fatal(err)
	}
	b := &interceptor{server: at.Host, text: []byte("PUB $JS.API.DIRECT.GET.MILLRACE_QUEUE_")}
	one, two := join(t, direct), join(t, b.listen(t))
	name := one.owned(one, "")
	q := one.get(name)
	const big = 200 << 10
	for i := range 30 {
		if _, err := q.Send(ctx, body(fmt.Sprint(i, strings.Repeat("x", big)))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := q.Send(ctx, body("last")); err != nil {
		t.Fatal(err)
	}
	s, err := one.backbone.JetStream().Stream(ctx, fmt.Sprintf("MILLRACE_QUEUE_%016x", q.Generation()))
	if err != nil {
		t.Fatal(err)
	}
	first := func() uint64 {
		info, err := s.Info(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return info.State.FirstSeq
	}
	began := first()
	purged := make(chan bool, 1)
	b.arm(func() {
		defer func() { purged <- true }()
		for range 30 {
			got, err := q.Receive(ctx, just1)
			if err != nil || len(got) != 1 {
				t.Errorf("received %v, %v", bodies(got), err)
				return
			}
			if err := q.Delete(ctx, got[0].ReceiptHandle)[0]; err != nil {
				t.Error(err)
				return
			}
		}
		for l := patience.New("a purge", func() any { return first() }); first() == began; {
			<-l.Turn()
			if err := l.Struck(); err != nil {
				t.Error(err)
				return
			}
		}
	})
	loss, err := two.get(name).Reread(ctx)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-purged:
	default:
		t.Fatal("the log was read without a read")
	}
	if loss != nil {
		t.Errorf("missing is %+v", *loss)
	}
}
