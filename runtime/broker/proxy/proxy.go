// Package proxy is the one endpoint of a cluster, whatever its ports: a [Proxy] hands each
// connection to one of several nodes, and knows nothing of what is said on it. TLS ends at
// the node.
//
// It promises:
//
//   - a connection goes to a node that takes it, as long as there is one: a node that
//     refuses, or does not answer its check, costs a client nothing
//   - what one side has sent before it closed reaches the other
//   - a node that dies, or is cut off, takes its own connections with it and no others
//   - after Close no goroutine and no connection is left
package proxy

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"
)

const (
	// dialTimeout is for nodes on the same machine, or in containers of it.
	dialTimeout = 3 * time.Second

	// distrust is how long a node that could not be reached is asked after all others.
	distrust = 5 * time.Second

	checkEvery   = 5 * time.Second
	checkTimeout = 4 * time.Second
)

// A Config says how a Proxy works. The zero Config is of use.
type Config struct {
	// Check says whether a node answers; it is asked now and then, with the node's index,
	// and is over when its context is. A node that does not answer gets no connections
	// while others do. Nil for nodes that are believed.
	Check func(ctx context.Context, node int) error

	Every time.Duration // between checks; 0 for 5 s

	Log *slog.Logger // nil for none
}

// A Proxy listens for several nodes. It is safe for concurrent use.
type Proxy struct {
	config  Config
	ctx     context.Context // over once the Proxy is closed
	cancel  context.CancelFunc
	running sync.WaitGroup // check, an accept a port and a serve a connection

	mu    sync.Mutex // guards what follows
	ports []net.Listener
	nodes []node
}

// A node is one of those behind the proxy.
type node struct {
	down   bool      // as SetUp said
	silent bool      // its last check failed
	failed time.Time // when it could last not be reached; zero since it was
	conns  map[*pair]struct{}
}

// New makes a Proxy of so many nodes, which are up. It is to be closed.
func New(nodes int, c Config) *Proxy {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Every = cmp.Or(c.Every, checkEvery)
	p := &Proxy{config: c}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	for range nodes {
		p.nodes = append(p.nodes, node{conns: map[*pair]struct{}{}})
	}
	if c.Check != nil {
		p.running.Go(p.check)
	}
	return p
}

// Listen begins to accept connections at addr, "127.0.0.1:5671", for the nodes at the
// addresses of backends, one a node. It is not called after Close.
func (p *Proxy) Listen(addr string, backends []string) (net.Addr, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ports = append(p.ports, l)
	p.running.Go(func() { p.accept(l, backends) })
	return l.Addr(), nil
}

// SetUp says whether a node, by its index, gets new connections. Those it has stay.
func (p *Proxy) SetUp(i int, up bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.nodes[i].down, p.nodes[i].silent, p.nodes[i].failed = !up, false, time.Time{}
}

// CutNode closes the connections of a node.
func (p *Proxy) CutNode(i int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.nodes[i].conns {
		c.close()
	}
}

// Close stops listening, closes all connections, and returns when that is done.
func (p *Proxy) Close() error {
	p.cancel()
	p.mu.Lock()
	var err error
	for _, l := range p.ports {
		err = errors.Join(err, l.Close())
	}
	p.mu.Unlock()
	for i := range p.nodes {
		p.CutNode(i)
	}
	p.running.Wait()
	return err
}

// accept serves the connections of a port until it is closed.
func (p *Proxy) accept(l net.Listener, backends []string) {
	var pause time.Duration
	for {
		client, err := l.Accept()
		switch {
		case err == nil:
			pause = 0
			p.running.Go(func() { p.serve(client, backends) })
			continue
		case errors.Is(err, net.ErrClosed):
			return
		}
		// The process has no more files, or the client has gone already.
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		p.config.Log.Warn("accepting a connection failed", "address", l.Addr().String(), "err", err)
		select {
		case <-time.After(pause):
		case <-p.ctx.Done():
			return
		}
	}
}

// serve joins a client with a node until either closes.
func (p *Proxy) serve(client net.Conn, backends []string) {
	defer client.Close()
	i, backend := p.dial(backends)
	if backend == nil {
		return
	}
	c := &pair{client, backend}
	defer c.close()
	if !p.join(i, c) {
		return
	}
	defer p.leave(i, c)
	c.copy()
}

// dial connects to the first node that takes the connection; nil when none does.
func (p *Proxy) dial(backends []string) (i int, backend net.Conn) {
	for _, i := range p.order(time.Now()) {
		d := net.Dialer{Timeout: dialTimeout}
		conn, err := d.DialContext(p.ctx, "tcp", backends[i])
		if p.ctx.Err() == nil {
			p.learn(i, backends[i], err)
		}
		if err == nil {
			return i, conn
		}
	}
	return 0, nil
}

// order lists the nodes that may be asked, the best first: those that answer, and of them
// those with fewer connections.
func (p *Proxy) order(now time.Time) []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []int
	for i := range p.nodes {
		if !p.nodes[i].down {
			all = append(all, i)
		}
	}
	doubt := func(n *node) int {
		if n.silent || now.Sub(n.failed) < distrust {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(all, func(a, b int) int {
		x, y := &p.nodes[a], &p.nodes[b]
		return cmp.Or(cmp.Compare(doubt(x), doubt(y)), cmp.Compare(len(x.conns), len(y.conns)))
	})
	return all
}

// learn notes whether a node could be reached.
func (p *Proxy) learn(i int, addr string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := &p.nodes[i]
	if err == nil {
		n.failed = time.Time{}
		return
	}
	if n.failed.IsZero() {
		p.config.Log.Info("a node of a cluster cannot be reached; others are asked", "node", i+1, "address", addr, "err", err)
	}
	n.failed = time.Now()
}

// join counts a connection as a node's; false when the proxy has been closed.
func (p *Proxy) join(i int, c *pair) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return false
	}
	p.nodes[i].conns[c] = struct{}{}
	return true
}

func (p *Proxy) leave(i int, c *pair) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.nodes[i].conns, c)
}
