package config

import (
	"slices"
	"strings"
)

// A key is one that customers may set.
type key struct {
	form form
	from string // the first series that has it: "3" or "4"
}

// The limits that RabbitMQ 4 lets customers set. Amazon MQ Developer Guide,
// "Resource limit overrides": only these may stand in sections.
const (
	keyConnections = "connection_max"
	keyChannels    = "channel_max_per_node"
	keyConsumers   = "consumer_max_per_channel"
	keyQueues      = "cluster_queue_limit"
	keyExchanges   = "cluster_exchange_limit"
	keyHosts       = "vhost_max"
	keyShovels     = "runtime_parameters.limits.shovel"
	keyMessageSize = "max_message_size"
)

// Amazon MQ Developer Guide, "Configurable values for RabbitMQ". A "*" stands for one
// word of a key: a number in a list, or a name.
// A consumer_timeout of 0 is none. secure.management.http.headers.enabled is Amazon's
// own: RabbitMQ does not know it.
var keys = table{
	"consumer_timeout": {whole(0, maxInt32), "3"},
	"heartbeat":        {whole(60, 3600), "3"},
	"management.restrictions.operator_policy_changes.disabled":          {flag, "3"},
	"quorum_queue.property_equivalence.relaxed_checks_on_redeclaration": {flag, "3"},
	"secure.management.http.headers.enabled":                            {flag, "3"},

	keyConnections: {amount, "4"},
	keyChannels:    {amount, "4"},
	keyConsumers:   {amount, "4"},
	keyQueues:      {amount, "4"},
	keyExchanges:   {amount, "4"},
	keyHosts:       {amount, "4"},
	keyShovels:     {amount, "4"},
	keyMessageSize: {amount, "4"},

	"amqp_client.ssl_options.verify": {peer, "4"},
}

func isLimit(name string) bool {
	switch name {
	case keyConnections, keyChannels, keyConsumers, keyQueues, keyExchanges, keyHosts, keyShovels, keyMessageSize:
		return true
	}
	return false
}

type table map[string]key

// known are the keys of all tables. Those with a "*" are patterns, by how many words
// they have: a text can have thousands of lines, and each is looked up.
var known, patterns = index(keys, authKeys, oauthKeys, ldapKeys, httpKeys, tlsKeys, arnKeys)

func index(tables ...table) (table, map[int][]pattern) {
	all, patterns := table{}, map[int][]pattern{}
	for _, t := range tables {
		for name, k := range t {
			if words := strings.Split(name, "."); slices.Contains(words, "*") {
				patterns[len(words)] = append(patterns[len(words)], pattern{words, k})
			} else {
				all[name] = k
			}
		}
	}
	return all, patterns
}

type pattern struct {
	words []string
	key   key
}

func (p pattern) matches(words []string) bool {
	for i, word := range p.words {
		if word != "*" && word != words[i] {
			return false
		}
	}
	return true
}

// lookup finds a key of any table.
func lookup(name string) (key, bool) {
	if k, ok := known[name]; ok {
		return k, true
	}
	words := strings.Split(name, ".")
	for _, p := range patterns[len(words)] {
		if p.matches(words) {
			return p.key, true
		}
	}
	return key{}, false
}
