// Package metrics is what Amazon MQ measures of its brokers, under the names, units and
// dimensions that it has in CloudWatch (Amazon MQ Developer Guide, "Accessing CloudWatch
// metrics for Amazon MQ"), and keeps it until somebody asks. It measures nothing itself.
package metrics

import "strings"

// Namespace is that of all metrics.
const Namespace = "AWS/AmazonMQ"

// A Unit is one of CloudWatch's.
type Unit string

// The units.
const (
	Count Unit = "Count"
	Bytes Unit = "Bytes"
)

// A Sample is a value of a metric at some instant.
type Sample struct {
	Name string // "MessageCount"
	Unit Unit
	Of   Dimensions

	Value float64
}

// Dimensions say what a sample is of: a broker, one of its nodes, or one of its queues.
type Dimensions struct {
	Broker      string `json:"Broker"`                // its name
	Node        string `json:"Node,omitempty"`        // "rabbit@…", as RabbitMQ calls it
	Queue       string `json:"Queue,omitempty"`       // with VirtualHost
	VirtualHost string `json:"VirtualHost,omitempty"` // of Queue
}

// MaxQueues is how many queues of a broker are measured: those with the most consumers.
const MaxQueues = 500

// A Broker is what was read of a broker at one instant.
type Broker struct {
	Name    string
	Version string // of the catalogue: "3.13"
	Counts
	PublishRate, ConfirmRate, AckRate float64 // messages a second
	Nodes                             []Node
	Queues                            []Queue // those with the most consumers first
}

// Counts are of what a broker or a node has.
type Counts struct {
	Exchanges, Queues, Connections, Channels, Consumers float64
	Messages, Ready, Unacknowledged                     float64
}

// A Node is what was read of a node.
type Node struct {
	Name                              string
	MemLimit, MemUsed                 float64 // bytes
	DiskFreeLimit, DiskFree           float64 // bytes
	FdUsed                            float64
	IOReadAverageTime, IOWriteAverage float64 // milliseconds
	Counts                            *Counts // nil where they are not known of each node
}

// A Queue is what was read of a queue.
type Queue struct {
	Name, VirtualHost                          string
	Consumers, Messages, Ready, Unacknowledged float64
}

// perNodeCounts is since which version the nodes of a broker are counted, and the times
// of input and output say nothing anymore.
const perNodeCounts = "4.2"

// PerQueue reports whether queues are measured one by one on a version. RabbitMQ 4 is
// left to its management API.
func PerQueue(version string) bool { return strings.HasPrefix(version, "3.") }

// PerNode reports whether what the nodes have is counted one by one on a version.
func PerNode(version string) bool { return version >= perNodeCounts } // "4.2", "4.3"

// Of returns the samples of a broker. Of the nodes, processor and network are not
// measured: nothing that runs a broker tells of these alone.
func Of(b Broker) []Sample {
	var s samples
	s.of = Dimensions{Broker: b.Name}
	s.counts(b.Counts)
	s.add(Count, "PublishRate", b.PublishRate)
	s.add(Count, "ConfirmRate", b.ConfirmRate)
	s.add(Count, "AckRate", b.AckRate)
	var sum Node
	for _, n := range b.Nodes {
		sum.MemLimit += n.MemLimit
		sum.MemUsed += n.MemUsed
		sum.DiskFreeLimit += n.DiskFreeLimit
		sum.DiskFree += n.DiskFree
		sum.FdUsed += n.FdUsed
		sum.IOReadAverageTime += n.IOReadAverageTime / float64(len(b.Nodes))
		sum.IOWriteAverage += n.IOWriteAverage / float64(len(b.Nodes))
	}
	s.node(sum)
	if !PerNode(b.Version) {
		s.add(Count, "RabbitMQIOReadAverageTime", sum.IOReadAverageTime)
		s.add(Count, "RabbitMQIOWriteAverageTime", sum.IOWriteAverage)
	}
	for _, n := range b.Nodes {
		s.of.Node = n.Name
		s.node(n)
		if PerNode(b.Version) && n.Counts != nil {
			s.counts(*n.Counts)
		}
	}
	if !PerQueue(b.Version) {
		return s.all
	}
	for i, q := range b.Queues {
		if i == MaxQueues {
			break
		}
		if !publishable(q.Name) || !publishable(q.VirtualHost) {
			continue
		}
		s.of = Dimensions{Broker: b.Name, Queue: q.Name, VirtualHost: q.VirtualHost}
		s.add(Count, "ConsumerCount", q.Consumers)
		s.messages(q.Messages, q.Ready, q.Unacknowledged)
	}
	return s.all
}

// publishable reports whether CloudWatch gets metrics of what is called so: no spaces,
// tabs, or what is not ASCII.
func publishable(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' })
}

type samples struct {
	of  Dimensions
	all []Sample
}

func (s *samples) add(u Unit, name string, value float64) {
	s.all = append(s.all, Sample{name, u, s.of, value})
}

func (s *samples) counts(c Counts) {
	s.add(Count, "ExchangeCount", c.Exchanges)
	s.add(Count, "QueueCount", c.Queues)
	s.add(Count, "ConnectionCount", c.Connections)
	s.add(Count, "ChannelCount", c.Channels)
	s.add(Count, "ConsumerCount", c.Consumers)
	s.messages(c.Messages, c.Ready, c.Unacknowledged)
}

func (s *samples) messages(all, ready, unacknowledged float64) {
	s.add(Count, "MessageCount", all)
	s.add(Count, "MessageReadyCount", ready)
	s.add(Count, "MessageUnacknowledgedCount", unacknowledged)
}

func (s *samples) node(n Node) {
	s.add(Bytes, "RabbitMQMemLimit", n.MemLimit)
	s.add(Bytes, "RabbitMQMemUsed", n.MemUsed)
	s.add(Bytes, "RabbitMQDiskFreeLimit", n.DiskFreeLimit)
	s.add(Bytes, "RabbitMQDiskFree", n.DiskFree)
	s.add(Count, "RabbitMQFdUsed", n.FdUsed)
}
