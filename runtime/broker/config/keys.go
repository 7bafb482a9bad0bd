package config

import "strings"

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

// find looks a key up, with "*" in place of each of its words where that helps.
func (t table) find(name string) (key, bool) {
	if k, ok := t[name]; ok {
		return k, true
	}
	words := strings.Split(name, ".")
	if len(words) > 8 {
		return key{}, false
	}
	return t.match(words, 0)
}

func (t table) match(words []string, from int) (key, bool) {
	for i := from; i < len(words); i++ {
		word := words[i]
		words[i] = "*"
		if k, ok := t[strings.Join(words, ".")]; ok {
			return k, true
		}
		if k, ok := t.match(words, i+1); ok {
			return k, true
		}
		words[i] = word
	}
	return key{}, false
}

// lookup finds a key of any table.
func lookup(name string) (key, bool) {
	for _, t := range []table{keys, oauthKeys, ldapKeys, httpKeys, tlsKeys, arnKeys} {
		if k, ok := t.find(name); ok {
			return k, true
		}
	}
	return key{}, false
}
