// Package driver says how the software of brokers is run: a [Driver] runs nodes, as
// containers or as processes, and knows nothing of what an engine is. What it needs
// to know of an engine stands in the [Node] that it is to run.
//
// A driver promises:
//
//   - a node keeps its data over Stop and Start, and over the death of the runtime
//   - a node that runs already, because an earlier runtime was killed, is adopted by
//     Start instead of started twice, when it was started with the same launch
//   - Remove leaves nothing of a node behind, whatever state it was in
//   - nothing that the driver did not make is ever touched
//
// Package brokertest proves these of every driver.
package driver

import (
	"context"
	"io"
	"net/netip"
	"os"
)

// A Driver runs nodes. It is safe for concurrent use; calls for one node come one
// after the other.
type Driver interface {
	// Name is "docker" or "process".
	Name() string

	// Check reports why the driver cannot run anything now, and what to install or
	// start to mend that; nil when it can.
	Check(ctx context.Context) error

	// Find returns what would run an engine ("rabbitmq") at a version of the catalogue
	// ("3.13"). What has to be fetched for it is fetched, and progress told of a line
	// at a time. A fault.NotFound says what is missing and how to get it.
	Find(ctx context.Context, engine, version string, progress func(string)) (Software, error)

	// Start brings a node up, or adopts it, and returns once it has been launched: it
	// need not be ready. The error says why it could not be launched, and then
	// nothing of this attempt is left but the node's data. It is a fault.State when the
	// disk of the node's data has less than StartRoom free, where the driver can know.
	Start(ctx context.Context, n Node, s Software) (Instance, error)

	// Halt ends a node that no Instance is at hand of, as Instance.Stop does: what an
	// earlier runtime has left running. A node that does not run is fine.
	Halt(ctx context.Context, node string) error

	// Remove ends a node, without waiting for it to end well, and removes all that is
	// of it: container, volume, network, folder. A node that is not there is fine.
	Remove(ctx context.Context, node string) error

	// Log is what is kept of a node's output, from the oldest on: that of its earlier
	// starts too, some 10 MB and more. The node need not run; one that is not there is a
	// fault.NotFound. With follow, Read goes on with what comes, also from later starts,
	// until the node is removed (io.EOF) or ctx is over (its error). Log waits for
	// nothing; whoever has the reader closes it.
	Log(ctx context.Context, node string, follow bool) (io.ReadCloser, error)

	// Nodes lists the nodes of this data folder of which anything is here.
	Nodes(ctx context.Context) ([]State, error)

	// Close lets go of all nodes, which go on as they are: nothing watches them anymore,
	// and their Instances, whose Done may stay open, are of no use. No goroutine of the
	// driver is left.
	Close() error
}

// A State is what a driver has of a node.
type State struct {
	Node    string // its name
	Running bool
	Where   string // for people: "container millrace-b-… ", "process 4711 in …/brokers/b-…"
}

// Software is what a driver has found to run an engine with.
type Software struct {
	Engine  string // "rabbitmq"
	Version string // what really runs, all of it: "3.10.8"
	Source  string // where it is: an image "rabbitmq:3.13-management", or a folder "/usr/lib/rabbitmq"

	// Programs are the absolute paths of its programs, by their names ("rabbitmq-server",
	// "rabbitmqctl", "epmd"), for Launch. Nil in a container.
	Programs map[string]string
}

// A Node is one member of a broker.
type Node struct {
	Name   string            // of a-z, 0-9 and "-", 50 at most; unique among all brokers: "b-<uuid>-1"
	Labels map[string]string // for people and tools that look at containers: broker, account, region
	Ports  []Port

	// Members are the names of all nodes of a cluster, in order, this one among them; nil
	// for a node that is alone. Members reach each other by Place.Hosts.
	Members []string

	// Render says what to launch in the place that the driver has for the node. It is
	// called before each start. It does not block. It renders the same for the same
	// place, or else a node that runs is started anew instead of adopted.
	Render func(Place) (Launch, error)
}

// A Port is where a node listens.
type Port struct {
	Name   string         // "amqps", "console", "epmd"
	Inside uint16         // where it listens in a container
	Public netip.AddrPort // where clients reach it, and where a process listens; stable over restarts

	// Private ports are for the node itself and the other members of its cluster. A
	// container keeps them from all else.
	Private bool

	// Shared ports are served by the companion: one for all members that run on the same
	// machine, so that they have the same Public address. Each container has its own.
	Shared bool `json:",omitempty"` // for Launch.Hash: earlier runtimes did not know it
}

// A Place is where a node's software runs, in its own eyes: in a container other
// paths and ports than outside.
type Place struct {
	Config, Data, Logs string                    // absolute paths of folders of the node's own
	Home               string                    // home folder of its user; may equal Data
	Host               string                    // its name for its own machine: "localhost", or the container's
	Hosts              map[string]string         // by which members of the cluster reach each other, by their names; nil for a node that is alone
	Listen             map[string]netip.AddrPort // by the names of ports
	Software           Software
}

// A Launch is what to start.
type Launch struct {
	Files []File
	Env   []string // NAME=value, beside what the driver needs itself; nothing else is inherited

	// Command and Companion are of processes: an image has its own entrypoint. The
	// companion is started before the node, and ended after it; where its port is shared,
	// after the last member.
	Command   []string // with an absolute path
	Companion []string // nil for none
}

// A File is written before the start, with its folders. What earlier starts have
// written to Place.Config, and is not among the files, is removed.
type File struct {
	Path     string // absolute, below a folder of the Place
	Contents []byte
	Mode     os.FileMode // permissions; the user that the software runs as owns it

	// Seed marks a file that matters to the first starts only, such as the users that a
	// broker is born with. It is written before each start, like all files, but does not
	// count as a part of the launch: a running node is adopted although it would differ.
	Seed bool
}

// An Instance is a node that was launched or adopted.
type Instance interface {
	// Ready is closed when the software itself has said that it is up, and at once
	// where it does not say so: in a container, or of a node that was adopted. It may
	// not serve yet then. It stays open when the node is over before.
	Ready() <-chan struct{}

	// Done is closed when the node is over, whoever ended it.
	Done() <-chan struct{}

	// Err says how the node ended, with the last lines of its log; it is for after
	// Done. Nil after a Stop.
	Err() error

	// Exec runs a command of the software beside the node, for administration, and
	// returns what it prints: "rabbitmqctl", with arguments. Secrets go through stdin,
	// never through arguments, which others can see. The error has what it printed to
	// its standard error.
	Exec(ctx context.Context, stdin io.Reader, command string, args ...string) ([]byte, error)

	// Stop ends the node well; when ctx ends first, by force. The data stays.
	Stop(ctx context.Context) error

	// Adopted reports that the node was running already.
	Adopted() bool
}
