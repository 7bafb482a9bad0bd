package catalog

import (
	"fmt"
	"slices"
	"strings"

	"millrace/runtime/fault"
)

// A Choice is what a broker is to be.
type Choice struct {
	Engine   Engine
	Version  string // "3.13"
	Instance string // "mq.m7g.large"
	Mode     Mode
	Storage  Storage
}

// A Refusal says what the catalogue does not have. It is a fault.Invalid.
type Refusal struct {
	Member string // of the request, as Amazon MQ spells it: "hostInstanceType"
	What   string // a sentence that a client may read
}

func (r *Refusal) Error() string { return r.What }

// Unwrap gives the refusal its code.
func (r *Refusal) Unwrap() error { return fault.Invalid }

func refuse(member, format string, args ...any) error {
	return &Refusal{Member: member, What: fmt.Sprintf(format, args...)}
}

// Offers reports whether a broker can be created so: nil, or the [Refusal] of the
// first member that does not fit those before it, in the order engine, version,
// instance type, mode, storage. All members must be filled in.
func (c Catalog) Offers(choice Choice) error {
	if len(versions[choice.Engine]) == 0 {
		return refuse("engineType", "Broker engine type [%s] is invalid. Valid values: [ACTIVEMQ, RABBITMQ]", choice.Engine)
	}
	if err := HasVersion(choice.Engine, choice.Version); err != nil {
		return err
	}
	rows, err := c.rows(choice)
	if err != nil {
		return err
	}
	rows = slices.DeleteFunc(rows, func(o Option) bool { return !slices.Contains(o.Modes, choice.Mode) })
	if len(rows) == 0 {
		return refuse("deploymentMode", "Deployment mode [%s] is not supported for %s brokers on host instance type [%s].",
			choice.Mode, choice.Engine.Title(), choice.Instance)
	}
	if !slices.ContainsFunc(rows, func(o Option) bool { return o.Storage == choice.Storage }) {
		return refuse("storageType", "Storage type [%s] is not supported for %s brokers on host instance type [%s] with deployment mode [%s].",
			choice.Storage, choice.Engine.Title(), choice.Instance, choice.Mode)
	}
	return nil
}

// HasVersion returns the [Refusal] of a version that an engine does not have: full
// versions ("3.13.7") are among those, although DescribeBroker shows them.
func HasVersion(e Engine, version string) error {
	if age(e, version) < 0 {
		return refuse("engineVersion", "Broker engine version [%s] is invalid for broker engine type [%s]. Valid values: [%s]",
			version, e, strings.Join(versionNames(e), ", "))
	}
	return nil
}

// rows are the options with the engine, instance type and version of a choice.
func (c Catalog) rows(choice Choice) ([]Option, error) {
	var rows []Option
	var known []string // versions that the instance type has
	for _, o := range c.Options() {
		if o.Engine != choice.Engine || o.Instance != choice.Instance {
			continue
		}
		known = o.Versions
		if slices.Contains(o.Versions, choice.Version) {
			rows = append(rows, o)
		}
	}
	switch {
	case known == nil:
		return nil, refuse("hostInstanceType", "Broker host instance type [%s] is invalid for broker engine type [%s]. Valid values: [%s]",
			choice.Instance, choice.Engine, strings.Join(c.instances(choice.Engine, choice.Version), ", "))
	case rows == nil:
		return nil, refuse("hostInstanceType", "Broker host instance type [%s] does not support %s %s, only: [%s]",
			choice.Instance, choice.Engine.Title(), choice.Version, strings.Join(known, ", "))
	}
	return rows, nil
}

func (c Catalog) instances(e Engine, version string) []string {
	var names []string
	for _, o := range c.Options() {
		if o.Engine == e && slices.Contains(o.Versions, version) && !slices.Contains(names, o.Instance) {
			names = append(names, o.Instance)
		}
	}
	return names
}
