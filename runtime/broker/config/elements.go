package config

import (
	"slices"
	"strings"
)

// A node is where one is in a configuration: in an element that stands for a part of
// the broker, or in one of that element's collections. They alternate, and share names.
type node struct {
	bean       string // the part; of a collection, whose it is
	collection string // "" in the part itself
}

// child is what an element of that name is here; false when it may not be here.
func (n node) child(name string, ldap bool) (node, bool) {
	if n.collection == "" {
		_, ok := beans[n.bean].collections[name]
		return node{n.bean, name}, ok
	}
	if name == "cachedLDAPAuthorizationMap" && !ldap {
		return node{}, false
	}
	return node{bean: name}, slices.Contains(strings.Fields(beans[n.bean].collections[n.collection]), name)
}

// allows reports whether an attribute may be here. Collections have none.
func (n node) allows(attribute string) bool {
	return n.collection == "" && slices.Contains(strings.Fields(beans[n.bean].attributes), attribute)
}

// A bean is an element that stands for a part of the broker.
type bean struct {
	attributes  string            // names
	collections map[string]string // child elements, and the names of what may be in each
}

const (
	destinations = "queue tempQueue tempTopic topic"
	recoveries   = "fixedCountSubscriptionRecoveryPolicy fixedSizedSubscriptionRecoveryPolicy lastImageSubscriptionRecoveryPolicy noSubscriptionRecoveryPolicy queryBasedSubscriptionRecoveryPolicy retainedMessageSubscriptionRecoveryPolicy timedSubscriptionRecoveryPolicy"
	authorized   = "admin queue read tempQueue tempTopic topic write"
	deadLetters  = "enableAudit expiration maxAuditDepth maxProducersToAudit processExpired processNonPersistent"
)

// Amazon MQ Developer Guide, "Elements permitted in Amazon MQ configurations" and the
// sections after it, on attributes, collections and children.
var beans = map[string]bean{
	"abortSlowAckConsumerStrategy": {"abortConnection checkPeriod ignoreIdleConsumers ignoreNetworkConsumers maxSlowCount maxSlowDuration maxTimeSinceLastAck name", nil},
	"abortSlowConsumerStrategy":    {"abortConnection checkPeriod ignoreNetworkConsumers maxSlowCount maxSlowDuration name", nil},
	"authorizationEntry":           {authorized, nil},
	"authorizationMap": {"", map[string]string{
		"authorizationEntries":              "authorizationEntry tempDestinationAuthorizationEntry",
		"defaultEntry":                      "authorizationEntry tempDestinationAuthorizationEntry",
		"tempDestinationAuthorizationEntry": "tempDestinationAuthorizationEntry",
	}},
	"authorizationPlugin": {"", map[string]string{"map": "authorizationMap cachedLDAPAuthorizationMap"}},
	"broker": {"advisorySupport allowTempAutoCreationOnSend cacheTempDestinations consumerSystemUsagePortion dedicatedTaskRunner deleteAllMessagesOnStartup " +
		"keepDurableSubsActive enableMessageExpirationOnActiveDurableSubs maxPurgedDestinationsPerSweep maxSchedulerRepeatAllowed monitorConnectionSplits " +
		"networkConnectorStartAsync offlineDurableSubscriberTaskSchedule offlineDurableSubscriberTimeout persistenceThreadPriority persistent populateJMSXUserID " +
		"producerSystemUsagePortion rejectDurableConsumers rollbackOnlyOnAsyncException schedulePeriodForDestinationPurge schedulerSupport " +
		"splitSystemUsageForProducersConsumers taskRunnerPriority timeBeforePurgeTempDestinations useAuthenticatedPrincipalForJMSXUserID useMirroredQueues " +
		"useTempMirroredQueues useVirtualDestSubs useVirtualDestSubsOnCreation useVirtualTopics", map[string]string{
		"destinationInterceptors": "mirroredQueue virtualDestinationInterceptor",
		"destinationPolicy":       "policyMap",
		"destinations":            destinations,
		"networkConnectors":       "networkConnector",
		"persistenceAdapter":      "kahaDB",
		"plugins":                 "authorizationPlugin discardingDLQBrokerPlugin forcePersistencyModeBrokerPlugin redeliveryPlugin statisticsBrokerPlugin timeStampingBrokerPlugin",
		"systemUsage":             "systemUsage",
		"transportConnectors":     "transportConnector",
	}},
	"cachedLDAPAuthorizationMap":                      {"queueSearchBase topicSearchBase tempSearchBase refreshInterval legacyGroupMapping", nil},
	"cachedMessageGroupMapFactory":                    {"cacheSize", nil},
	"clientIdFilterDispatchPolicy":                    {},
	"compositeQueue":                                  {"concurrentSend copyMessage forwardOnly name sendWhenNotMatched", map[string]string{"forwardTo": destinations + " filteredDestination"}},
	"compositeTopic":                                  {"concurrentSend copyMessage forwardOnly name", map[string]string{"forwardTo": destinations + " filteredDestination"}},
	"conditionalNetworkBridgeFilterFactory":           {"rateDuration rateLimit replayDelay replayWhenNoConsumers selectorAware", nil},
	"constantPendingMessageLimitStrategy":             {"limit", nil},
	"discarding":                                      {"deadLetterQueue " + deadLetters, nil},
	"discardingDLQBrokerPlugin":                       {"dropAll dropOnly dropTemporaryQueues dropTemporaryTopics reportInterval", nil},
	"fileCursor":                                      {},
	"fileDurableSubscriberCursor":                     {},
	"fileQueueCursor":                                 {},
	"filteredDestination":                             {"queue selector topic", nil},
	"fixedCountSubscriptionRecoveryPolicy":            {"maximumSize", nil},
	"fixedSizedSubscriptionRecoveryPolicy":            {"maximumSize useSharedBuffer", nil},
	"forcePersistencyModeBrokerPlugin":                {"persistenceFlag", nil},
	"individualDeadLetterStrategy":                    {"destinationPerDurableSubscriber queuePrefix queueSuffix topicPrefix topicSuffix useQueueForQueueMessages useQueueForTopicMessages " + deadLetters, nil},
	"kahaDB":                                          {"concurrentStoreAndDispatchQueues cleanupOnStop journalDiskSyncInterval journalDiskSyncStrategy preallocationStrategy", nil},
	"lastImageSubscriptionRecoveryPolicy":             {},
	"memoryUsage":                                     {"percentOfJvmHeap", nil},
	"messageGroupHashBucketFactory":                   {"bucketCount cacheSize", nil},
	"mirroredQueue":                                   {"copyMessage postfix prefix", nil},
	"networkConnector":                                {"conduitSubscriptions duplex name uri userName", nil},
	"noSubscriptionRecoveryPolicy":                    {},
	"oldestMessageEvictionStrategy":                   {"evictExpiredMessagesHighWatermark", nil},
	"oldestMessageWithLowestPriorityEvictionStrategy": {"evictExpiredMessagesHighWatermark", nil},
	"policyEntry": {"advisoryForConsumed advisoryForDelivery advisoryForDiscardingMessages advisoryForFastProducers advisoryForSlowConsumers advisoryWhenFull " +
		"allConsumersExclusiveByDefault alwaysRetroactive blockedProducerWarningInterval consumersBeforeDispatchStarts cursorMemoryHighWaterMark " +
		"doOptimizeMessageStorage durableTopicPrefetch enableAudit expireMessagesPeriod gcInactiveDestinations gcWithNetworkConsumers " +
		"inactiveTimeoutBeforeGC inactiveTimoutBeforeGC includeBodyForAdvisory lazyDispatch maxAuditDepth maxBrowsePageSize maxDestinations maxExpirePageSize " +
		"maxPageSize maxProducersToAudit maxQueueAuditDepth memoryLimit messageGroupMapFactoryType minimumMessageSize optimizedDispatch " +
		"optimizeMessageStoreInFlightLimit persistJMSRedelivered prioritizedMessages producerFlowControl queue queueBrowserPrefetch queuePrefetch " +
		"reduceMemoryFootprint sendAdvisoryIfNoConsumers sendFailIfNoSpace sendFailIfNoSpaceAfterTimeout sendDuplicateFromStoreToDLQ storeUsageHighWaterMark " +
		"strictOrderDispatch tempQueue tempTopic timeBeforeDispatchStarts topic topicPrefetch useCache useConsumerPriority usePrefetchExtension", map[string]string{
		"deadLetterStrategy":             "discarding individualDeadLetterStrategy sharedDeadLetterStrategy",
		"destination":                    destinations,
		"dispatchPolicy":                 "priorityDispatchPolicy priorityNetworkDispatchPolicy roundRobinDispatchPolicy simpleDispatchPolicy strictOrderDispatchPolicy clientIdFilterDispatchPolicy",
		"messageEvictionStrategy":        "oldestMessageEvictionStrategy oldestMessageWithLowestPriorityEvictionStrategy uniquePropertyMessageEvictionStrategy",
		"messageGroupMapFactory":         "cachedMessageGroupMapFactory messageGroupHashBucketFactory simpleMessageGroupMapFactory",
		"pendingDurableSubscriberPolicy": "fileDurableSubscriberCursor storeDurableSubscriberCursor vmDurableCursor",
		"pendingMessageLimitStrategy":    "constantPendingMessageLimitStrategy prefetchRatePendingMessageLimitStrategy",
		"pendingQueuePolicy":             "fileQueueCursor storeCursor vmQueueCursor",
		"pendingSubscriberPolicy":        "fileCursor vmCursor",
		"slowConsumerStrategy":           "abortSlowAckConsumerStrategy abortSlowConsumerStrategy",
		"subscriptionRecoveryPolicy":     recoveries,
	}},
	"policyMap": {"", map[string]string{"defaultEntry": "policyEntry", "policyEntries": "policyEntry"}},
	"prefetchRatePendingMessageLimitStrategy":   {"multiplier", nil},
	"priorityDispatchPolicy":                    {},
	"priorityNetworkDispatchPolicy":             {},
	"queryBasedSubscriptionRecoveryPolicy":      {"query", nil},
	"queue":                                     {"DLQ physicalName", nil},
	"redeliveryPlugin":                          {"fallbackToDeadLetter sendToDlqIfMaxRetriesExceeded", map[string]string{"redeliveryPolicyMap": "redeliveryPolicyMap"}},
	"redeliveryPolicy":                          {"backOffMultiplier collisionAvoidancePercent initialRedeliveryDelay maximumRedeliveries maximumRedeliveryDelay preDispatchCheck queue redeliveryDelay tempQueue tempTopic topic useCollisionAvoidance useExponentialBackOff", nil},
	"redeliveryPolicyMap":                       {"", map[string]string{"defaultEntry": "redeliveryPolicy", "redeliveryPolicyEntries": "redeliveryPolicy"}},
	"retainedMessageSubscriptionRecoveryPolicy": {"", map[string]string{"wrapped": recoveries}},
	"roundRobinDispatchPolicy":                  {},
	"sharedDeadLetterStrategy":                  {deadLetters, map[string]string{"deadLetterQueue": destinations}},
	"simpleDispatchPolicy":                      {},
	"simpleMessageGroupMapFactory":              {},
	"statisticsBrokerPlugin":                    {},
	"storeCursor":                               {},
	"storeDurableSubscriberCursor":              {"immediatePriorityDispatch useCache", nil},
	"strictOrderDispatchPolicy":                 {},
	"systemUsage":                               {"sendFailIfNoSpace sendFailIfNoSpaceAfterTimeout", map[string]string{"memoryUsage": "memoryUsage"}},
	"tempDestinationAuthorizationEntry":         {authorized, nil},
	"tempQueue":                                 {"DLQ physicalName", nil},
	"tempTopic":                                 {"DLQ physicalName", nil},
	"timeStampingBrokerPlugin":                  {"futureOnly processNetworkMessages ttlCeiling zeroExpirationOverride", nil},
	"timedSubscriptionRecoveryPolicy":           {"recoverDuration", nil},
	"topic":                                     {"DLQ physicalName", nil},
	"transportConnector":                        {"name updateClusterClients rebalanceClusterClients updateClusterClientsOnRemove", nil},
	"uniquePropertyMessageEvictionStrategy":     {"evictExpiredMessagesHighWatermark propertyName", nil},
	"virtualDestinationInterceptor":             {"", map[string]string{"virtualDestinations": "compositeQueue compositeTopic virtualTopic"}},
	"virtualTopic":                              {"concurrentSend local dropOnResourceLimit name postfix prefix selectorAware setOriginalDestination transactedSend", nil},
	"vmCursor":                                  {},
	"vmDurableCursor":                           {},
	"vmQueueCursor":                             {},
}
