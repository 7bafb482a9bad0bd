package docker_test

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"millrace/runtime/broker/brokertest"
	"millrace/runtime/broker/driver"
	"millrace/runtime/broker/driver/docker"
	"millrace/test/patience"
)

// An engine that is away is not a dead broker. What has ended meanwhile is seen when
// the engine is back.
func TestAnEngineMayBeAwayForAWhile(t *testing.T) {
	c := engine(t, "rabbitmq:3.13-management")
	data := t.TempDir()
	between := &proxy{to: strings.TrimPrefix(c.DaemonHost(), "unix://"), at: filepath.Join(t.TempDir(), "s")}
	if !strings.HasPrefix(c.DaemonHost(), "unix://") {
		t.Skip("the engine has no socket to stand before")
	}
	between.open(t)
	defer between.close()
	d := open(t, docker.Config{Data: data, Host: "unix://" + between.at})
	defer d.Close()
	s, err := d.Find(t.Context(), "rabbitmq", "3.13", nil)
	if err != nil {
		t.Fatal(err)
	}
	e := brokertest.RabbitMQ()
	n := driver.Node{Name: "n", Ports: brokertest.FreePorts(t, e.Ports()), Render: e.Render}
	i, err := d.Start(t.Context(), n, s)
	if err != nil {
		t.Fatal(err)
	}
	serves := func() bool { return e.Serves(n.Ports[0].Public) == nil }
	patience.Until(t, "the node serves", serves, nil)

	between.close()
	if _, err := d.Nodes(t.Context()); err == nil {
		t.Fatal("the engine is not away")
	}
	select {
	case <-i.Done():
		t.Fatalf("the engine is away, and the node is taken for dead: %v", i.Err())
	default:
	}
	if !serves() {
		t.Error("the node does not serve while the engine is away")
	}
	between.open(t)
	patience.Until(t, "the engine is back", func() bool { _, err := d.Nodes(t.Context()); return err == nil }, nil)
	if out, err := i.Exec(t.Context(), nil, "/bin/echo", "alive"); string(out) != "alive\n" || err != nil {
		t.Errorf("after the outage: %q, %v", out, err)
	}

	between.close()
	kill(t, c, data, "n")
	between.open(t)
	patience.For(t, "the end that came during the outage", i.Done(), nil)
	if err := i.Err(); err == nil || !strings.Contains(err.Error(), "137") {
		t.Errorf("why it ended: %v", err)
	}
	if err := d.Remove(t.Context(), "n"); err != nil {
		t.Error(err)
	}
	if all := left(t, c, data); len(all) > 0 {
		t.Errorf("left over: %q", all)
	}
}

// A proxy stands between a driver and its engine.
type proxy struct {
	at, to string
	l      net.Listener

	mu    sync.Mutex
	conns []net.Conn
}

func (p *proxy) open(t *testing.T) {
	t.Helper()
	os.Remove(p.at)
	l, err := net.Listen("unix", p.at)
	if err != nil {
		t.Fatal(err)
	}
	p.l = l
	go func() {
		for {
			a, err := l.Accept()
			if err != nil {
				return
			}
			b, err := net.Dial("unix", p.to)
			if err != nil {
				a.Close()
				continue
			}
			p.mu.Lock()
			p.conns = append(p.conns, a, b)
			p.mu.Unlock()
			copyAll := func(to, from net.Conn) {
				io.Copy(to, from)
				to.(*net.UnixConn).CloseWrite() // the other way goes on
			}
			go copyAll(a, b)
			go copyAll(b, a)
		}
	}()
}

func (p *proxy) close() {
	p.l.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}
