// Package engine is where the engines of brokers meet what runs them: an [Engine] says
// what makes stock software a broker of Amazon MQ, and knows nothing of containers and
// processes. A driver launches what the engine renders, and a broker.Runner joins the two.
package engine

import (
	"context"
	"io"
	"net/netip"

	"millrace/runtime/broker"
	"millrace/runtime/broker/driver"
	"millrace/runtime/broker/metrics"
	"millrace/runtime/ca"
)

// An Engine is a kind of broker software. It holds no state of brokers and is safe for
// concurrent use. What a broker keeps for its life stands in Broker.
type Engine interface {
	// Name is what drivers know the software by: "rabbitmq".
	Name() string

	// Nodes is how many nodes a broker has. A fault.Invalid says that the engine
	// cannot run such a broker as desired, and why.
	Nodes(d broker.Desired) (int, error)

	// Ports lists where each node listens, without public addresses, those that clients
	// use first. Their Inside is also the port that a first broker should have outside.
	Ports(d broker.Desired, plain bool) []driver.Port

	// Seed makes what a broker keeps for its life: secrets, and how it was born. It is
	// called once a broker. What it returns holds secrets; random is crypto/rand.Reader.
	Seed(d broker.Desired, random io.Reader) ([]byte, error)

	// Render says what to launch as a node (from 0 on) in its place. The same broker in
	// the same place renders the same launch, so that a driver can adopt it. Broker.Served
	// changes nothing but files that are marked as Seed.
	Render(b Broker, node int, p driver.Place) (Rendered, error)

	// Describe returns what DescribeBroker shows of the broker's instances.
	Describe(b Broker) []broker.Instance

	// Control returns the means to govern a broker, one instance a node: each stands for
	// whatever runs as that node, also after the node was started anew. It connects to
	// nothing yet, and the nodes need not run yet.
	Control(b Broker, nodes []driver.Instance, s driver.Software) (Control, error)
}

// A Broker is what an engine has to know of one.
type Broker struct {
	broker.Desired

	Seed   []byte // of Engine.Seed
	Served bool   // Control.Ready has succeeded since the broker was created
	Plain  bool   // endpoints that Amazon MQ does not have (--mq-plain-endpoints)

	Host string  // that endpoints name: "127.0.0.1"
	TLS  ca.Pair // of all its nodes and names; it names "localhost" and 127.0.0.1 too
	Root []byte  // PEM of the authority that signed it

	Nodes []Node

	// Front is where clients reach the nodes of a cluster, by the names of ports: one
	// address for all nodes. Nil for a single node, which they reach at its own ports.
	Front []driver.Port
}

// Public returns where clients reach a port of the broker, by its name.
func (b Broker) Public(name string) (netip.AddrPort, bool) {
	if b.Front != nil {
		return public(b.Front, name)
	}
	if len(b.Nodes) == 0 {
		return netip.AddrPort{}, false
	}
	return b.Nodes[0].Public(name)
}

// A Node is one member of a broker.
type Node struct {
	Name  string        // as in driver.Node
	Ports []driver.Port // of Engine.Ports, with their public addresses
}

// Public returns where a node listens at a port, by its name.
func (n Node) Public(name string) (netip.AddrPort, bool) { return public(n.Ports, name) }

func public(ports []driver.Port, name string) (netip.AddrPort, bool) {
	for _, p := range ports {
		if p.Name == name {
			return p.Public, true
		}
	}
	return netip.AddrPort{}, false
}

// Rendered is a launch, and what it could not say.
type Rendered struct {
	Launch driver.Launch

	// LeftOut is what Amazon MQ would have set and the software that runs does not know,
	// a sentence each, for the log.
	LeftOut []string
}

// A Control governs one launched broker. It is safe for concurrent use.
type Control interface {
	// Ready waits until a node (from 0 on) says itself that it serves, as one of its
	// cluster. It gives up when ctx or that node is over: then the error has the node's
	// last words.
	Ready(ctx context.Context, node int) error

	// Answers asks a node whether it answers anybody; it is cheap, and meant to be called
	// every few seconds.
	Answers(ctx context.Context, node int) error

	// Redundant waits until a cluster can do without any one of its nodes: all of them run,
	// and no queue has so few copies in step that another one less would stop it or lose
	// messages. It gives up when ctx is over.
	Redundant(ctx context.Context) error

	// Reconcile restores what Amazon MQ owns in the broker, such as operator policies,
	// and removes what it forbids, such as the user guest. It is cheap and meant to be
	// called once a minute. It reports what it changed, a sentence each, for the log.
	Reconcile(ctx context.Context) ([]string, error)

	// Alarms returns what the broker is short of, so that it blocks publishers: actions of
	// broker.IsAlarm, sorted. It costs a call to the broker, and is meant to be called a
	// few times a minute. When it fails, nobody knows.
	Alarms(ctx context.Context) ([]broker.Action, error)

	// User sets or removes a user in the running broker.
	User(ctx context.Context, u broker.User, change broker.Change) error

	// Measure reads what Amazon MQ has metrics of. It costs a few calls to the broker, and
	// is meant to be called once a minute.
	Measure(ctx context.Context) (metrics.Broker, error)

	// Provoke has the broker really fall short of what a fault's code says, on all its
	// nodes, or ends that, as broker.Runner has it.
	Provoke(ctx context.Context, code string, on bool) error

	// Release lets go of connections. The broker keeps running.
	Release()
}
