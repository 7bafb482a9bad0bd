package catalog

// Limits are how much a RabbitMQ broker takes. Connections, channels and shovels are
// counted a node, the rest in the whole broker.
type Limits struct {
	Connections, Channels, ConsumersPerChannel int
	Queues, Exchanges, VirtualHosts, Shovels   int
	MessageSize                                int // bytes
}

// Maxima are the most that a RabbitMQ broker can have: what every 3.13 has, and the
// most that a 4.x can be configured to. Amazon MQ Developer Guide, "Sizing guidelines".
// It reports false for an instance type that RabbitMQ does not run on.
func Maxima(instance string, mode Mode) (Limits, bool) {
	r, ok := maxima[instance]
	l := r.single
	if mode == Cluster {
		l = r.cluster
	}
	return Limits{
		Connections: r.connections, Channels: 3 * r.connections, ConsumersPerChannel: 1000,
		Queues: l.queues, Exchanges: exchanges(instance, mode, l.queues), VirtualHosts: r.vhosts, Shovels: l.shovels,
		MessageSize: 128 << 20,
	}, ok
}

func exchanges(instance string, mode Mode, queues int) int {
	if instance == "mq.m7g.medium" && mode == Cluster {
		return 500
	}
	return 5 * queues
}

// Defaults are the limits of a RabbitMQ broker whose configuration sets none. It
// reports false for an instance type that the version does not run on.
func Defaults(version, instance string, mode Mode) (Limits, bool) {
	if Series(version) == "3" {
		return Maxima(instance, mode)
	}
	r, ok := defaults[instance]
	n := r.single
	if mode == Cluster {
		n = r.cluster
	}
	return Limits{
		Connections: n.connections, Channels: n.channels, ConsumersPerChannel: 10,
		Queues: n.queues, Exchanges: n.exchanges, VirtualHosts: r.vhosts, Shovels: n.shovels,
		MessageSize: 512 << 10,
	}, ok
}

// A VirtualHost is how much the virtual host "/" takes on RabbitMQ 3.
type VirtualHost struct {
	MaxQueues, MaxConnections int
}

// VirtualHostOf is what the virtual host "/" of a new broker takes. Amazon MQ
// Developer Guide, "Broker defaults". It reports false for versions from 4 on, which
// have [Defaults] instead.
func VirtualHostOf(version, instance string, mode Mode) (VirtualHost, bool) {
	r, ok := births[instance]
	if !ok || Series(version) != "3" {
		return VirtualHost{}, false
	}
	if mode == Cluster {
		return r.cluster, true
	}
	return r.single, true
}

// MaxLength is the max-length, in messages, of the policy that a new broker has. It
// reports false when the policy has none: single instances but the smallest.
func MaxLength(instance string, mode Mode) (int, bool) {
	r := births[instance]
	if mode != Cluster && instance != "mq.m7g.medium" {
		return 0, false
	}
	return r.maxLength, r.maxLength > 0
}
