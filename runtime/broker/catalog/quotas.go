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
