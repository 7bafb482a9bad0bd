package config

import (
	"regexp"
	"strconv"
	"strings"
)

// valid reports whether an attribute can have a value. Values are static: they name no
// variable, no expression and no other part of the broker ("#name").
func valid(attribute, value string) bool {
	if strings.Contains(value, "${") || strings.Contains(value, "#{") || strings.HasPrefix(strings.TrimSpace(value), "#") {
		return false
	}
	check := attributeForms[attribute]
	return check == nil || check(value)
}

// attributeForms are of those attributes that are not just text. An attribute means
// the same in all elements that have it.
var attributeForms = forms(map[string]func(string) bool{
	boolean: func(v string) bool { return v == "true" || v == "false" },
	integer: regexp.MustCompile(`^-?[0-9]{1,18}$`).MatchString,
	// With the units that ActiveMQ reads: "64mb", "1 gb".
	"memoryLimit maximumSize minimumMessageSize": regexp.MustCompile(`(?i)^-?[0-9]{1,18} ?([kmg]b?|b)?$`).MatchString,
	"backOffMultiplier multiplier":               regexp.MustCompile(`^[0-9]{1,9}(\.[0-9]{1,9})?$`).MatchString,
	"percentOfJvmHeap":                           isHeapPercent,
	"journalDiskSyncStrategy":                    oneOf("always", "periodic", "never").check,
	"preallocationStrategy":                      oneOf("sparse_file", "os_kernel_copy", "zeros", "chunked_zeros").check,
	"uri":                                        isPeer,
})

const boolean = "abortConnection ignoreIdleConsumers ignoreNetworkConsumers advisorySupport allowTempAutoCreationOnSend cacheTempDestinations " +
	"dedicatedTaskRunner deleteAllMessagesOnStartup keepDurableSubsActive enableMessageExpirationOnActiveDurableSubs monitorConnectionSplits " +
	"networkConnectorStartAsync persistent populateJMSXUserID rejectDurableConsumers rollbackOnlyOnAsyncException schedulerSupport " +
	"splitSystemUsageForProducersConsumers useAuthenticatedPrincipalForJMSXUserID useMirroredQueues useTempMirroredQueues useVirtualDestSubs " +
	"useVirtualDestSubsOnCreation useVirtualTopics concurrentSend copyMessage forwardOnly sendWhenNotMatched replayWhenNoConsumers selectorAware " +
	"enableAudit processExpired processNonPersistent dropAll dropTemporaryQueues dropTemporaryTopics useSharedBuffer persistenceFlag " +
	"destinationPerDurableSubscriber useQueueForQueueMessages useQueueForTopicMessages concurrentStoreAndDispatchQueues cleanupOnStop " +
	"conduitSubscriptions duplex advisoryForConsumed advisoryForDelivery advisoryForDiscardingMessages advisoryForFastProducers " +
	"advisoryForSlowConsumers advisoryWhenFull allConsumersExclusiveByDefault alwaysRetroactive doOptimizeMessageStorage gcInactiveDestinations " +
	"gcWithNetworkConsumers includeBodyForAdvisory lazyDispatch optimizedDispatch persistJMSRedelivered prioritizedMessages producerFlowControl " +
	"reduceMemoryFootprint sendAdvisoryIfNoConsumers sendFailIfNoSpace sendDuplicateFromStoreToDLQ strictOrderDispatch useCache " +
	"useConsumerPriority usePrefetchExtension fallbackToDeadLetter sendToDlqIfMaxRetriesExceeded preDispatchCheck useCollisionAvoidance " +
	"useExponentialBackOff immediatePriorityDispatch futureOnly processNetworkMessages updateClusterClients rebalanceClusterClients " +
	"updateClusterClientsOnRemove local dropOnResourceLimit setOriginalDestination transactedSend legacyGroupMapping DLQ"

const integer = "checkPeriod maxSlowCount maxSlowDuration maxTimeSinceLastAck consumerSystemUsagePortion producerSystemUsagePortion " +
	"maxPurgedDestinationsPerSweep maxSchedulerRepeatAllowed offlineDurableSubscriberTaskSchedule offlineDurableSubscriberTimeout " +
	"persistenceThreadPriority schedulePeriodForDestinationPurge taskRunnerPriority timeBeforePurgeTempDestinations cacheSize rateDuration " +
	"rateLimit replayDelay limit expiration maxAuditDepth maxProducersToAudit reportInterval bucketCount journalDiskSyncInterval " +
	"evictExpiredMessagesHighWatermark blockedProducerWarningInterval consumersBeforeDispatchStarts cursorMemoryHighWaterMark " +
	"durableTopicPrefetch expireMessagesPeriod inactiveTimeoutBeforeGC inactiveTimoutBeforeGC maxBrowsePageSize maxDestinations " +
	"maxExpirePageSize maxPageSize maxQueueAuditDepth optimizeMessageStoreInFlightLimit queueBrowserPrefetch queuePrefetch " +
	"sendFailIfNoSpaceAfterTimeout storeUsageHighWaterMark timeBeforeDispatchStarts topicPrefetch collisionAvoidancePercent " +
	"initialRedeliveryDelay maximumRedeliveries maximumRedeliveryDelay redeliveryDelay recoverDuration ttlCeiling zeroExpirationOverride " +
	"refreshInterval"

func forms(groups map[string]func(string) bool) map[string]func(string) bool {
	all := map[string]func(string) bool{}
	for names, check := range groups {
		for name := range strings.FieldsSeq(names) {
			all[name] = check
		}
	}
	return all
}

// isHeapPercent: Amazon MQ Developer Guide, "systemUsage": 0 to 70.
func isHeapPercent(v string) bool {
	n, err := strconv.Atoi(v)
	return err == nil && strconv.Itoa(n) == v && 0 <= n && n <= 70
}

// isPeer reports whether v names another broker, as networks of brokers do: static or
// masterslave, over TLS, without discovery. Amazon MQ Developer Guide,
// "networkConnector": without blanks. ActiveMQ would take other transports too, of
// which some start a broker, or read a file.
var isPeer = func() func(string) bool {
	const (
		options = `(\?[A-Za-z0-9.&=_-]*)?`
		broker  = `ssl://[A-Za-z0-9.-]+:[0-9]{1,5}` + options
		several = broker + `(,` + broker + `)*`
		either  = `failover:\(` + several + `\)` + options
	)
	return regexp.MustCompile(`^(static|masterslave):(` + broker + `|\((` + several + `|` + either + `)\)` + options + `)$`).MatchString
}()
