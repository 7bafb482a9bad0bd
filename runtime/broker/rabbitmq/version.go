package rabbitmq

import (
	"strconv"
	"strings"

	"millrace/runtime/fault"
)

// A version is one of the software that runs: major, minor, patch.
type version [3]int

func parseVersion(s string) (version, error) {
	var v version
	parts := strings.SplitN(s, ".", 3)
	for i, p := range parts {
		digits := strings.IndexFunc(p, func(r rune) bool { return r < '0' || r > '9' })
		if digits >= 0 {
			p = p[:digits] // "0-rc.1"
		}
		n, err := strconv.Atoi(p)
		if err != nil {
			return v, fault.New(fault.Invalid, "%.40q is not a version of RabbitMQ.", s)
		}
		v[i] = n
	}
	if v.before(version{3, 10}) {
		return v, fault.New(fault.Invalid, "RabbitMQ %s is too old: 3.10 or newer is needed.", s)
	}
	return v, nil
}

func (v version) before(o version) bool {
	for i := range v {
		if v[i] != o[i] {
			return v[i] < o[i]
		}
	}
	return false
}

// since maps keys of rabbitmq.conf, and what else not every version has, to the first
// version of the software that knows them. RabbitMQ does not boot with a key that it
// does not know. From its release notes and schemas.
var since = map[string]version{
	"connection_max":                   {3, 10},
	"max_message_size":                 {3, 10},
	"channel_max_per_node":             {3, 13},
	"vhost_max":                        {3, 13},
	"consumer_max_per_channel":         {3, 13, 1},
	"cluster_queue_limit":              {3, 13, 3},
	"runtime_parameters.limits.shovel": {4},
	"cluster_exchange_limit":           {4, 1},
	"management.restrictions.operator_policy_changes.disabled":          {3, 12},
	"quorum_queue.property_equivalence.relaxed_checks_on_redeclaration": {3, 13},
	"default_queue_type":   {4},
	"anonymous_login_user": {4},

	typedPolicies: {3, 12},
}

// typedPolicies stands for policies that apply to queues of one type, and for the keys
// of classic queues in operator policies.
const typedPolicies = "typed policies"

// mirroring ended with this version.
var mirroringEnded = version{4}

func (v version) knows(key string) bool {
	first, ok := since[key]
	return ok && !v.before(first)
}

func (v version) mirrors() bool { return v.before(mirroringEnded) }
