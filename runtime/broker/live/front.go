package live

import (
	"context"
	"errors"
	"log/slog"
	"syscall"

	"millrace/runtime/broker/engine"
	"millrace/runtime/broker/proxy"
	"millrace/runtime/fault"
)

// A front is the endpoint of a cluster: a proxy a port. That of a single node is nil, since
// clients connect to the node itself.
type front []*proxy.Proxy

// listen opens the endpoint of a cluster, whose nodes are asked now and then whether they
// answer. None is up yet.
func listen(b engine.Broker, answers func(context.Context, int) error, log *slog.Logger) (f front, err error) {
	for _, port := range b.Front {
		var backends []string
		node := map[string]int{}
		for n := range b.Nodes {
			at, ok := b.Nodes[n].Public(port.Name)
			if !ok {
				return nil, fault.New(fault.Internal, "Node %s has no port %s.", b.Nodes[n].Name, port.Name)
			}
			node[at.String()] = n
			backends = append(backends, at.String())
		}
		p, err := proxy.Listen(port.Public.String(), backends, proxy.Config{
			Check: func(ctx context.Context, addr string) error { return answers(ctx, node[addr]) },
			Log:   log.With("port", port.Name),
		})
		if err != nil {
			f.close()
			if errors.Is(err, syscall.EADDRINUSE) {
				return nil, fault.New(fault.Conflict, "port %s (%s) is in use by another program: end it", port.Public, port.Name)
			}
			return nil, fault.Wrap(fault.Unavailable, err, "The broker cannot listen at %s (%s).", port.Public, port.Name)
		}
		f = append(f, p)
	}
	for n := range b.Nodes {
		f.setUp(n, false)
	}
	return f, nil
}

// setUp says whether a node gets new connections.
func (f front) setUp(node int, up bool) {
	for _, p := range f {
		p.SetUp(node, up)
	}
}

// cut ends all connections to a node.
func (f front) cut(node int) {
	for _, p := range f {
		p.CutNode(node)
	}
}

func (f front) close() {
	for _, p := range f {
		p.Close()
	}
}
