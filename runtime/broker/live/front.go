package live

import (
	"context"
	"errors"
	"log/slog"
	"syscall"

	"millrace/runtime/broker/driver"
	"millrace/runtime/broker/engine"
	"millrace/runtime/broker/proxy"
	"millrace/runtime/fault"
)

// A front is the endpoint of a cluster. That of a single node has no proxy, since clients
// connect to the node itself.
type front struct{ proxy *proxy.Proxy }

// listen opens the endpoint of a cluster, whose nodes are asked now and then whether they
// answer. None is up yet.
func listen(b engine.Broker, answers func(context.Context, int) error, log *slog.Logger) (front, error) {
	if len(b.Front) == 0 {
		return front{}, nil
	}
	f := front{proxy.New(len(b.Nodes), proxy.Config{Check: answers, Log: log})}
	for n := range b.Nodes {
		f.setUp(n, false)
	}
	for _, port := range b.Front {
		if err := f.open(b, port); err != nil {
			f.close()
			return front{}, err
		}
	}
	return f, nil
}

// open has the endpoint listen at one of its ports.
func (f front) open(b engine.Broker, port driver.Port) error {
	var backends []string
	for _, node := range b.Nodes {
		at, ok := node.Public(port.Name)
		if !ok {
			return fault.New(fault.Internal, "Node %s has no port %s.", node.Name, port.Name)
		}
		backends = append(backends, at.String())
	}
	_, err := f.proxy.Listen(port.Public.String(), backends)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fault.New(fault.Conflict, "port %s (%s) is in use by another program: end it", port.Public, port.Name)
	}
	return fault.Wrap(fault.Unavailable, err, "The broker cannot listen at %s (%s).", port.Public, port.Name)
}

// setUp says whether a node gets new connections.
func (f front) setUp(node int, up bool) {
	if f.proxy != nil {
		f.proxy.SetUp(node, up)
	}
}

// cut ends all connections to a node.
func (f front) cut(node int) {
	if f.proxy != nil {
		f.proxy.CutNode(node)
	}
}

func (f front) close() {
	if f.proxy != nil {
		f.proxy.Close()
	}
}
