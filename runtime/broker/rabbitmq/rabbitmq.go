// Package rabbitmq says what makes a stock RabbitMQ a broker of Amazon MQ: its
// configuration, its plugins, what it is born with, and what is restored in it.
//
// What Amazon MQ promises goes by the version of the catalogue; how it is said goes by
// the version of the software that really runs, which may be another one.
package rabbitmq

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"millrace/runtime/broker"
	"millrace/runtime/broker/catalog"
	"millrace/runtime/broker/config"
	"millrace/runtime/broker/driver"
	"millrace/runtime/broker/engine"
	"millrace/runtime/fault"
)

// The names of ports.
const (
	amqps   = "amqps"
	console = "console"
	epmd    = "epmd"
	dist    = "dist"

	// Amazon MQ has none of these: --mq-plain-endpoints.
	amqp   = "amqp"
	mqtts  = "mqtts"
	stomps = "stomps"
)

// Engine is RabbitMQ. The zero value is ready to use.
type Engine struct{}

var _ engine.Engine = Engine{}

// Name implements engine.Engine.
func (Engine) Name() string { return "rabbitmq" }

// members is how many nodes a cluster has (Amazon MQ Developer Guide, "Deploying a
// RabbitMQ broker").
const members = 3

// Nodes implements engine.Engine. Brokers whose configuration asks somebody else who may
// log in are refused.
func (Engine) Nodes(d broker.Desired) (int, error) {
	settings, err := settingsOf(d)
	if err != nil {
		return 0, err
	}
	if outside := settings.Outside(); len(outside) > 0 {
		return 0, fault.New(fault.Invalid, "The broker's configuration needs %s, which Millrace does not support yet.", strings.Join(outside, ", "))
	}
	if d.Mode == catalog.Cluster {
		return members, nil
	}
	return 1, nil
}

func settingsOf(d broker.Desired) (config.Settings, error) {
	return config.Effective(d.Configuration, d.Version, d.Instance, d.Mode)
}

// Ports implements engine.Engine. Amazon MQ Developer Guide, "Listener ports". The nodes of
// a cluster find each other by one port mapper, where they share a machine.
func (Engine) Ports(d broker.Desired, plain bool) []driver.Port {
	ports := []driver.Port{
		{Name: amqps, Inside: 5671},
		{Name: console, Inside: 15671},
	}
	if plain {
		ports = append(ports,
			driver.Port{Name: amqp, Inside: 5672},
			driver.Port{Name: mqtts, Inside: 8883},
			driver.Port{Name: stomps, Inside: 61614})
	}
	return append(ports,
		driver.Port{Name: epmd, Inside: 4369, Private: true, Shared: d.Mode == catalog.Cluster},
		driver.Port{Name: dist, Inside: 25672, Private: true})
}

// Describe implements engine.Engine. RabbitMQ has one instance, also as a cluster, and
// shows no address of it.
func (Engine) Describe(b engine.Broker) []broker.Instance {
	if len(b.Nodes) == 0 {
		return nil
	}
	url := func(scheme, name string) string {
		at, _ := b.Public(name)
		return fmt.Sprintf("%s://%s", scheme, net.JoinHostPort(b.Host, strconv.Itoa(int(at.Port()))))
	}
	endpoints := []string{url("amqps", amqps)}
	if b.Plain {
		endpoints = []string{url("amqp", amqp), url("amqps", amqps), url("mqtt+ssl", mqtts), url("stomp+ssl", stomps)}
	}
	return []broker.Instance{{ConsoleURL: url("https", console), Endpoints: endpoints}}
}
