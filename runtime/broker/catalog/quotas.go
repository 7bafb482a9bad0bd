package catalog

// Amazon MQ Developer Guide, "Quotas in Amazon MQ".
const (
	MaxBrokers        = 200 // in an account and region
	MaxSecurityGroups = 5   // of a broker
	MaxTags           = 50  // of a broker or configuration
	MaxRevisions      = 300 // of a configuration
	MaxUsers          = 250 // of an ActiveMQ broker
	MaxGroups         = 20  // of a user
	MaxResourceShares = 10  // of a RabbitMQ broker
	MaxWindowChanges  = 4   // of a maintenance window, until the next one
)

// WireConnections is how many connections an ActiveMQ broker takes for each protocol.
func WireConnections(instance string) int {
	if instance == micro {
		return 300
	}
	return 2000
}

// TemporaryStorage is how many bytes an ActiveMQ broker has for messages that it
// keeps for a while only.
func TemporaryStorage(instance string) int64 {
	if instance == micro {
		return 5 * GB
	}
	return 50 * GB
}

// JobSchedulerStorage is how many bytes an ActiveMQ broker on EBS has for messages
// that are to be sent later.
const JobSchedulerStorage = 50 * GB
