package broker

import (
	"slices"
	"strings"
	"time"

	"millrace/runtime/broker/catalog"
	"millrace/runtime/fault"
)

// A Fault is a trouble that somebody has asked a broker to have, so that clients and
// alarms can be tried. It is stored: a broker that starts anew has its faults again.
type Fault struct {
	Code  string
	Mode  FaultMode
	Since time.Time
	Until time.Time // when it ends; zero for one that lasts until it is cleared
}

// A FaultMode is what a fault reaches.
type FaultMode string

const (
	// RealFault has the broker itself fall short: publishers are blocked.
	RealFault FaultMode = "real"

	// StateFault shows in the state and the actions required of the broker alone.
	StateFault FaultMode = "state"
)

// ConnectionClosed is the code of a fault that is over at once: all connections of
// clients are closed, with the reason CONNECTION_FORCED.
const ConnectionClosed = "CONNECTION_CLOSED"

// A faultKind is a trouble that Amazon MQ can report of an engine (Amazon MQ Developer
// Guide, "Troubleshooting").
type faultKind struct {
	engine catalog.Engine
	code   string
	modes  []FaultMode // the first is that of who asks for none
	info   string      // of the action required
	real   string      // how to have it for real where modes lack that; "" for not at all
}

var faultKinds = []faultKind{
	{catalog.RabbitMQ, MemoryAlarm, []FaultMode{RealFault, StateFault}, "The broker uses more memory than it may, and blocks publishers until messages are consumed or deleted.", ""},
	{catalog.RabbitMQ, DiskAlarm, []FaultMode{RealFault, StateFault}, "The disk has less free space than the broker needs, and it blocks publishers until there is more.", ""},
	{catalog.RabbitMQ, ConnectionClosed, []FaultMode{RealFault}, "", ""},
	{catalog.RabbitMQ, invalidKey, []FaultMode{StateFault}, "The KMS key of the broker cannot be used: enable it.", "disable the broker's KMS key"},
	{catalog.RabbitMQ, "RABBITMQ_QUORUM_QUEUES_NOT_SUPPORTED_ON_CURRENT_VERSION", []FaultMode{StateFault}, "The version of the broker does not support its quorum queues: delete them, or upgrade it.", ""},
	{catalog.RabbitMQ, "RABBITMQ_CLUSTER_DISK_USAGE_TOO_HIGH_FOR_INSTANCE_CHANGE", []FaultMode{StateFault}, "The broker stores more than the disks of the requested instance type hold: consume or delete messages.", ""},
	{catalog.RabbitMQ, "RABBITMQ_BROKER_NOT_UPGRADEABLE_TO_V4", []FaultMode{StateFault}, "The broker has classic queues, or the feature flag of Khepri, and stays at its version: migrate the queues, or set the version back.", ""},
	{catalog.RabbitMQ, "RABBITMQ_INVALID_ASSUMEROLE", []FaultMode{StateFault}, "The role of the broker's configuration cannot be assumed: correct it, and reboot the broker.", ""},
	{catalog.RabbitMQ, "RABBITMQ_INVALID_ARN", []FaultMode{StateFault}, "An ARN of the broker's configuration cannot be read: correct it, and reboot the broker.", ""},
	{catalog.RabbitMQ, "RABBITMQ_INVALID_ARN_LDAP", []FaultMode{StateFault}, "The ARN of the LDAP password cannot be read: correct it, and reboot the broker.", ""},
	{catalog.RabbitMQ, "RABBITMQ_INVALID_ARN_HTTP", []FaultMode{StateFault}, "An ARN of the HTTP authentication's TLS files cannot be read: correct it, and reboot the broker.", ""},
	{catalog.RabbitMQ, "RABBITMQ_INVALID_ARN_SSL", []FaultMode{StateFault}, "The ARN of the authority of client certificates cannot be read: correct it, and reboot the broker.", ""},
	{catalog.ActiveMQ, "BROKER_ENI_DELETED", []FaultMode{StateFault}, "The network interface of the broker was deleted: delete the broker.", ""},
	{catalog.ActiveMQ, "BROKER_OOM", []FaultMode{StateFault}, "The broker starts over and over for want of memory: change its instance type.", ""},
}

// FaultCodes lists the faults that brokers of an engine can be asked to have.
func FaultCodes(e catalog.Engine) (codes []string) {
	for _, k := range faultKinds {
		if k.engine == e {
			codes = append(codes, k.code)
		}
	}
	return codes
}

// Action is what the owner of a broker with the fault is told.
func (f Fault) Action() Action {
	i := slices.IndexFunc(faultKinds, func(k faultKind) bool { return k.code == f.Code })
	if i < 0 {
		return Action{Code: f.Code}
	}
	return Action{f.Code, faultKinds[i].info}
}

func (f Fault) over(now time.Time) bool { return !f.Until.IsZero() && !now.Before(f.Until) }

// newFault is a fault for a broker of an engine: mode "" for the kind's usual one, and
// lasting 0 for until it is cleared.
func newFault(e catalog.Engine, code string, mode FaultMode, lasting time.Duration, now time.Time) (Fault, error) {
	i := slices.IndexFunc(faultKinds, func(k faultKind) bool { return k.engine == e && k.code == code })
	if i < 0 {
		return Fault{}, refuse(fault.Invalid, "code", "%s brokers have no fault [%s]. Valid values: [%s].", e.Title(), code, strings.Join(FaultCodes(e), ", "))
	}
	k := faultKinds[i]
	if mode == "" {
		mode = k.modes[0]
	}
	switch {
	case mode != RealFault && mode != StateFault:
		return Fault{}, refuse(fault.Invalid, "mode", "There is no mode [%s]. Valid values: [real, state].", mode)
	case !slices.Contains(k.modes, mode) && k.real != "":
		return Fault{}, refuse(fault.Invalid, "mode", "The fault [%s] is of the mode state here. To have it for real, %s.", code, k.real)
	case !slices.Contains(k.modes, mode):
		return Fault{}, refuse(fault.Invalid, "mode", "The fault [%s] cannot be of the mode %s.", code, mode)
	case lasting < 0:
		return Fault{}, refuse(fault.Invalid, "ttl", "A fault cannot be over before it begins.")
	}
	f := Fault{Code: code, Mode: mode, Since: now.UTC()}
	if lasting > 0 {
		f.Until = f.Since.Add(lasting)
	}
	return f, nil
}

// The methods below are a part of the machine of life.go.

// inject gives the broker a fault, in place of one of the same code and mode.
func (b *Broker) inject(f Fault) error {
	if b.State != Up && b.State != Critical {
		return notWhile(b, "given a fault")
	}
	b.Faults = append(b.withoutFault(f.Code, f.Mode), f)
	b.judge()
	return nil
}

// clear ends the faults of a code. A real one stays in the record, as one that is over,
// until it is over in the broker too.
func (b *Broker) clear(code string, now time.Time) error {
	b.Faults = slices.Clone(b.Faults)
	found := false
	for i, f := range b.Faults {
		if f.Code == code && !f.over(now) {
			b.Faults[i].Until, found = now.UTC(), true
		}
	}
	if !found {
		return refuse(fault.NotFound, "code", "Broker [%s] has no fault [%s].", b.Name, code)
	}
	b.Faults = b.withoutFault(code, StateFault)
	b.judge()
	return nil
}

// expire removes the faults that are over, but real ones only when the broker is rid of them.
func (b *Broker) expire(now time.Time, rid []string) {
	b.Faults = slices.DeleteFunc(slices.Clone(b.Faults), func(f Fault) bool {
		return f.over(now) && (f.Mode == StateFault || slices.Contains(rid, f.Code))
	})
	b.judge()
}

func (b *Broker) withoutFault(code string, mode FaultMode) []Fault {
	return slices.DeleteFunc(slices.Clone(b.Faults), func(f Fault) bool { return f.Code == code && f.Mode == mode })
}

// stated are the actions of faults of the mode state, but what is true besides.
func (b *Broker) stated() (all []Action) {
	for _, f := range b.Faults {
		if f.Mode == StateFault && !slices.ContainsFunc(b.Troubles, func(a Action) bool { return a.Code == f.Code }) {
			all = append(all, f.Action())
		}
	}
	return all
}

// judge says by what is wrong whether a broker that serves is well.
func (b *Broker) judge() {
	switch {
	case b.State != Up && b.State != Critical:
	case len(b.Troubles)+len(b.stated()) > 0:
		b.State = Critical
	default:
		b.State = Up
	}
}
