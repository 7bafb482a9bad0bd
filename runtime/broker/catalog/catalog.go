// Package catalog is what Amazon MQ offers, as tables: engines and their versions,
// instance types, deployment modes, and the limits of each. CreateBroker is checked
// against the tables that the catalogue operations print.
package catalog

// An Engine is a kind of broker software, as Amazon MQ spells it.
type Engine string

// The engines.
const (
	ActiveMQ Engine = "ACTIVEMQ"
	RabbitMQ Engine = "RABBITMQ"
)

// A Mode is how many nodes a broker has.
type Mode string

// The deployment modes.
const (
	SingleInstance Mode = "SINGLE_INSTANCE"
	ActiveStandby  Mode = "ACTIVE_STANDBY_MULTI_AZ" // of ActiveMQ
	Cluster        Mode = "CLUSTER_MULTI_AZ"        // of RabbitMQ
)

// A Strategy is how a broker knows its users.
type Strategy string

// The strategies.
const (
	Simple        Strategy = "SIMPLE"
	LDAP          Strategy = "LDAP"
	ConfigManaged Strategy = "CONFIG_MANAGED"
)
