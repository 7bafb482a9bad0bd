package rabbitmq

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"millrace/runtime/broker/config"
	"millrace/runtime/fault"
)

const (
	// diskFree is how many bytes of a disk RabbitMQ leaves free. Amazon MQ's limits are
	// for its own disks, of 2 GiB and more; a developer's may be full but for that.
	diskFree = "200MB"

	// memory is the part of the machine's memory that RabbitMQ may take before it blocks
	// publishers, its own default up to 3.13. Amazon MQ's limits are for its machines.
	memory = "0.4"
)

// suites are those of Amazon MQ Developer Guide, "Encryption in transit", as Erlang names
// them. It has TLS 1.2 only.
var suites = []string{"ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256"}

// A conf is a rabbitmq.conf, line by line. Nothing in it but numbers, flags, addresses and
// paths of ours: text of customers never goes through.
type conf struct {
	text strings.Builder
	err  error
}

func (c *conf) section(why string) { fmt.Fprintf(&c.text, "\n## %s\n", why) }

// set adds a line. What the format cannot carry is an error: RabbitMQ 3.10 has no quotes.
func (c *conf) set(key, value string) {
	bad := strings.IndexFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f || r == '#' || r == '\'' || r == utf8.RuneError })
	if bad >= 0 || value == "" || strings.TrimSpace(value) != value {
		c.err = fault.New(fault.Invalid, "RabbitMQ's configuration cannot have the value %.200q for %s: use a folder with another name.", value, key)
		return
	}
	fmt.Fprintf(&c.text, "%s = %s\n", key, value)
}

// tls sets what all listeners with TLS share.
func (c *conf) tls(prefix string, f files) {
	c.set(prefix+".cacertfile", f.root)
	c.set(prefix+".certfile", f.certificate)
	c.set(prefix+".keyfile", f.key)
	c.set(prefix+".verify", "verify_none")
	c.set(prefix+".fail_if_no_peer_cert", "false")
	c.set(prefix+".versions.1", "tlsv1.2")
	for i, s := range suites {
		c.set(prefix+".ciphers."+strconv.Itoa(i+1), s)
	}
}

// conf renders rabbitmq.conf and advanced.config.
func (r *renderer) conf() (main, advanced []byte, err error) {
	c := &conf{}
	c.text.WriteString("## Written by Millrace at each start.\n")
	c.section("Amazon MQ has TLS only.")
	if r.Plain {
		c.set("listeners.tcp.1", r.listen(amqp))
	} else {
		c.set("listeners.tcp", "none")
	}
	c.set("listeners.ssl.1", r.listen(amqps))
	c.tls("ssl_options", r.files)
	c.patience()
	at := r.place.Listen[console]
	c.set("management.ssl.ip", at.Addr().String())
	c.set("management.ssl.port", strconv.Itoa(int(at.Port())))
	c.tls("management.ssl", r.files)
	c.set("management.ssl.idle_timeout", "180000") // for whoever asks once a minute
	if r.Plain {
		c.set("mqtt.listeners.tcp", "none")
		c.set("mqtt.listeners.ssl.1", r.listen(mqtts))
		c.set("stomp.listeners.tcp", "none")
		c.set("stomp.listeners.ssl.1", r.listen(stomps))
	}

	r.cluster(c)

	c.section("What the broker is born with. It counts once.")
	c.set("load_definitions", r.files.definitions)
	if r.version.knows("anonymous_login_user") {
		c.set("anonymous_login_user", "none")
	}
	if r.four() && r.knows("default_queue_type", "new virtual hosts have quorum queues by default") {
		c.set("default_queue_type", "quorum")
	}

	c.section("The machine.")
	c.set("vm_memory_high_watermark.relative", memory)
	c.set("disk_free_limit.absolute", diskFree)

	c.section("The limits of the instance type.")
	for _, l := range r.limits() {
		if r.knows(l.key, "") {
			c.set(l.key, strconv.Itoa(l.value))
		}
	}

	c.section("The broker's configuration.")
	terms := append(r.configuration(c), r.peers()...)
	return []byte(c.text.String()), []byte("[" + strings.Join(terms, ", ") + "].\n"), c.err
}

// sendTimeout is how long a client need not read, in milliseconds.
const sendTimeout = 30 * 60 * 1000

// patience has the broker wait for a client that does not read, such as a bridge whose
// function takes long while large messages are on their way to it. Otherwise the broker
// ends the connection after 30 seconds ({writer,send_failed,timeout}), and what is handled
// then can never be acknowledged. The consumer_timeout is as long. The other options are
// RabbitMQ's own defaults, which it forgets when one of them is set.
func (c *conf) patience() {
	c.set("tcp_listen_options.backlog", "128")
	c.set("tcp_listen_options.nodelay", "true")
	c.set("tcp_listen_options.linger.on", "true")
	c.set("tcp_listen_options.linger.timeout", "0")
	c.set("tcp_listen_options.exit_on_close", "false")
	c.set("tcp_listen_options.send_timeout", strconv.Itoa(sendTimeout))
}

type limit struct {
	key   string
	value int
}

func (r *renderer) limits() []limit {
	l := r.settings.Limits(r.Version, r.Instance, r.Mode)
	return []limit{
		{"connection_max", l.Connections},
		{"channel_max_per_node", l.Channels},
		{"consumer_max_per_channel", l.ConsumersPerChannel},
		{"cluster_queue_limit", l.Queues},
		{"cluster_exchange_limit", l.Exchanges},
		{"vhost_max", l.VirtualHosts},
		{"runtime_parameters.limits.shovel", l.Shovels},
		{"max_message_size", l.MessageSize},
	}
}

const (
	consumerTimeout = "consumer_timeout"
	heartbeat       = "heartbeat"
	operatorPolicy  = "management.restrictions.operator_policy_changes.disabled"
	relaxedChecks   = "quorum_queue.property_equivalence.relaxed_checks_on_redeclaration"
	secureHeaders   = "secure.management.http.headers.enabled"
	verifyPeers     = "amqp_client.ssl_options.verify"
)

// defaults are Amazon MQ Developer Guide, "Configurable values".
var defaults = config.Settings{
	{Key: consumerTimeout, Value: "1800000", Type: config.Number},
	{Key: heartbeat, Value: "60", Type: config.Number},
	{Key: operatorPolicy, Value: "true", Type: config.Flag},
	{Key: relaxedChecks, Value: "true", Type: config.Flag},
	{Key: secureHeaders, Value: "true", Type: config.Flag},
}

// peers are the Erlang terms of how shovels and federation links look at certificates:
// on RabbitMQ 4 they verify them, unless the customer says no. Those of other brokers are
// signed by our own authority, which alone is known here.
func (r *renderer) peers() []string {
	if !r.four() {
		return nil
	}
	if s, ok := r.settings.Get(verifyPeers); ok && s.Value == "verify_none" {
		return []string{"{amqp_client, [{ssl_options, [{verify, verify_none}]}]}"}
	}
	return []string{fmt.Sprintf("{amqp_client, [{ssl_options, [{verify, verify_peer}, {cacertfile, %q}]}]}", r.files.root)}
}

// configuration sets what the customer may choose, and returns the Erlang terms of what
// rabbitmq.conf has no words for.
func (r *renderer) configuration(c *conf) (terms []string) {
	for _, d := range defaults {
		s, ok := r.settings.Get(d.Key)
		if !ok {
			s = d
		}
		switch {
		case s.Key == secureHeaders:
			if s.On() {
				c.set("management.headers.content_type_options", "nosniff")
				c.set("management.headers.frame_options", "DENY")
				c.set("management.hsts.policy", "max-age=47304000; includeSubDomains")
			}
		case s.Key == consumerTimeout && s.Int() == 0:
			terms = append(terms, "{rabbit, [{consumer_timeout, undefined}]}")
		case s.Type == config.Number:
			c.set(s.Key, strconv.Itoa(s.Int()))
		case r.knows(s.Key, ""):
			c.set(s.Key, strconv.FormatBool(s.On()))
		}
	}
	for _, s := range r.settings {
		_, known := defaults.Get(s.Key)
		if !known && !isLimit(s.Key) && s.Key != verifyPeers {
			r.leaveOut("%s", s.Key) // never its value, which may be somebody's secret
		}
	}
	return terms
}

func isLimit(key string) bool {
	return slices.ContainsFunc((&renderer{}).limits(), func(l limit) bool { return l.key == key })
}
