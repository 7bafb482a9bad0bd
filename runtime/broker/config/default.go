package config

import (
	_ "embed"
	"slices"

	"millrace/runtime/broker/catalog"
)

//go:embed default/activemq.xml
var defaultActiveMQ []byte

//go:embed default/rabbitmq.conf
var defaultRabbitMQ []byte

// Default is the text of a configuration's first revision. Check finds nothing to
// take out of it.
func Default(k Kind) []byte {
	if k.Engine == catalog.ActiveMQ {
		return slices.Clone(defaultActiveMQ)
	}
	return slices.Clone(defaultRabbitMQ)
}

// Description is that of a configuration's first revision.
func Description(k Kind, name string) string {
	return "Auto-generated default for " + name + " on " + k.Engine.Title() + " " + k.Version
}
