package proxy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"millrace/test/patience"
)

// A backend is a node that greets with its name and then answers what it gets.
type backend struct {
	net.Listener
	name  string
	conns atomic.Int32 // accepted
}

func start(t *testing.T, name string) *backend {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &backend{Listener: l, name: name}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b.conns.Add(1)
			serving.Go(func() {
				defer c.Close()
				io.WriteString(c, name+"\n")
				io.Copy(c, c)
			})
		}
	})
	t.Cleanup(func() { l.Close(); serving.Wait() })
	return b
}

// An endpoint is a proxy with one port.
type endpoint struct {
	*Proxy
	addr net.Addr
}

// listen is a proxy of backends; one that is nil refuses connections.
func listen(t *testing.T, c Config, backends ...*backend) endpoint {
	t.Helper()
	p := New(len(backends), c)
	t.Cleanup(func() { p.Close() })
	addr, err := p.Listen("127.0.0.1:0", addresses(t, backends))
	if err != nil {
		t.Fatal(err)
	}
	return endpoint{p, addr}
}

func addresses(t *testing.T, backends []*backend) (addrs []string) {
	t.Helper()
	for _, b := range backends {
		if b != nil {
			addrs = append(addrs, b.Addr().String())
			continue
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addrs = append(addrs, l.Addr().String())
		l.Close()
	}
	return addrs
}

// connect returns a connection and which node greeted it.
func connect(t *testing.T, p endpoint) (net.Conn, string) {
	t.Helper()
	c, err := net.Dial("tcp", p.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, greeting(t, c)
}

func greeting(t *testing.T, c net.Conn) string {
	t.Helper()
	var name []byte
	for b := make([]byte, 1); ; {
		if _, err := io.ReadFull(c, b); err != nil {
			t.Fatalf("no greeting: %v", err)
		}
		if b[0] == '\n' {
			return string(name)
		}
		name = append(name, b[0])
	}
}

func TestConnectionsAreSpread(t *testing.T) {
	p := listen(t, Config{}, start(t, "a"), start(t, "b"), start(t, "c"))
	seen := map[string]int{}
	for range 6 {
		_, name := connect(t, p)
		seen[name]++
	}
	if seen["a"] != 2 || seen["b"] != 2 || seen["c"] != 2 {
		t.Errorf("six connections went to %v", seen)
	}
}

func TestADeadNodeCostsAClientNothing(t *testing.T) {
	p := listen(t, Config{}, nil, start(t, "b"))
	for range 3 {
		if _, name := connect(t, p); name != "b" {
			t.Errorf("connected to %q", name)
		}
	}
}

func TestWithoutNodesAClientIsRefused(t *testing.T) {
	p := listen(t, Config{}, nil, nil)
	c, err := net.Dial("tcp", p.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if n, err := io.Copy(io.Discard, c); n != 0 {
		t.Errorf("read %d bytes from nowhere, %v", n, err)
	}
}

// A node that is being rebooted gets nothing new and keeps what it has, until it is cut.
func TestANodeIsDrained(t *testing.T) {
	p := listen(t, Config{}, start(t, "a"), start(t, "b"))
	first, name := connect(t, p)
	if name != "a" {
		t.Fatalf("the first connection went to %q", name)
	}
	p.SetUp(0, false)
	for range 3 {
		if _, name := connect(t, p); name != "b" {
			t.Errorf("a node that is down got a connection")
		}
	}
	if got := echo(t, first, "still here"); got != "still here" {
		t.Errorf("a connection of a node that is drained answers %q", got)
	}
	p.CutNode(0)
	if _, err := io.Copy(io.Discard, first); err != nil && !isReset(err) {
		t.Errorf("a cut connection ends with %v", err)
	}
	p.SetUp(0, true)
	if _, name := connect(t, p); name != "a" {
		t.Errorf("a node that is back, without connections, got none; %q did", name)
	}
}

func echo(t *testing.T, c net.Conn, text string) string {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, len(text))
	if _, err := io.ReadFull(c, b); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func isReset(err error) bool { var op *net.OpError; return errors.As(err, &op) }

// What was sent before a side closed its half arrives, both ways.
func TestHalfCloseGoesThrough(t *testing.T) {
	p := listen(t, Config{}, start(t, "a"))
	c, _ := connect(t, p)
	large := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	var got []byte
	var err error
	var reading sync.WaitGroup
	reading.Go(func() { got, err = io.ReadAll(c) })
	if _, err := c.Write(large); err != nil {
		t.Fatal(err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	reading.Wait()
	if err != nil || !bytes.Equal(got, large) {
		t.Errorf("%d of %d bytes came back, %v", len(got), len(large), err)
	}
}

// A node that hangs takes connections and serves none: only its check tells.
func TestASilentNodeIsAvoided(t *testing.T) {
	var hangs atomic.Bool
	hangs.Store(true)
	p := listen(t, Config{Every: time.Millisecond, Check: func(_ context.Context, node int) error {
		if node == 0 && hangs.Load() {
			return errors.New("it does not answer")
		}
		return nil
	}}, start(t, "a"), start(t, "b"))
	asked := func() string { _, name := connect(t, p); return name }
	avoided := func() bool { first, second := asked(), asked(); return first == "b" && second == "b" }
	patience.Until(t, "the silent node to be avoided", avoided, nil)
	hangs.Store(false)
	patience.Until(t, "the node to be asked again", func() bool { return asked() == "a" }, nil)
}

// When no node answers its check, all of them are asked: the check may be wrong.
func TestSilenceOfAllIsNotBelieved(t *testing.T) {
	p := listen(t, Config{}, start(t, "a"))
	p.note(0, errors.New("it does not answer"))
	if _, name := connect(t, p); name != "a" {
		t.Errorf("connected to %q", name)
	}
}

// What one port has learned of a node holds for the others: it is the same node.
func TestPortsShareWhatIsKnownOfNodes(t *testing.T) {
	p := listen(t, Config{}, start(t, "a"), start(t, "b"))
	console, err := p.Listen("127.0.0.1:0", addresses(t, []*backend{start(t, "console of a"), start(t, "console of b")}))
	if err != nil {
		t.Fatal(err)
	}
	if _, name := connect(t, endpoint{p.Proxy, console}); name != "console of a" {
		t.Errorf("connected to %q", name)
	}
	p.SetUp(0, false)
	if _, name := connect(t, p); name != "b" {
		t.Errorf("connected to %q", name)
	}
	if _, name := connect(t, endpoint{p.Proxy, console}); name != "console of b" {
		t.Errorf("connected to %q", name)
	}
}

func TestCloseEndsEverything(t *testing.T) {
	p := listen(t, Config{}, start(t, "a"))
	c, _ := connect(t, p)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, c); err != nil && !isReset(err) {
		t.Errorf("a connection ends with %v", err)
	}
	if c, err := net.Dial("tcp", p.addr.String()); err == nil {
		c.Close()
		t.Error("it still listens")
	}
}

func TestATakenAddressIsAnError(t *testing.T) {
	p := listen(t, Config{}, start(t, "a"))
	if _, err := p.Listen(p.addr.String(), nil); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("got %v", err)
	}
}
