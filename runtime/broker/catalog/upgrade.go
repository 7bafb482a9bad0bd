package catalog

import "strings"

// Upgrade returns why a broker on an instance type cannot go from one version to
// another, a [Refusal]; nil when it can, or has it already. Amazon MQ Developer Guide,
// "Upgrading an Amazon MQ broker engine version": never back, no version is skipped,
// and RabbitMQ 4 is for mq.m7g brokers, which they have to be before.
func Upgrade(e Engine, from, to, instance string) error {
	if err := HasVersion(e, to); err != nil {
		return err
	}
	switch steps := age(e, from) - age(e, to); {
	case from == to:
		return nil
	case age(e, from) < 0: // older than any that can be chosen now
		return refuse("engineVersion", "Upgrading %s from [%s] to [%s] is not supported.", e.Title(), from, to)
	case steps < 0:
		return refuse("engineVersion", "Downgrading %s from [%s] to [%s] is not supported.", e.Title(), from, to)
	case steps > 1:
		return refuse("engineVersion", "Upgrading %s from [%s] to [%s] is not supported: upgrade to [%s] first.",
			e.Title(), from, to, versions[e][age(e, from)-1].Name)
	case e == RabbitMQ && Series(to) != "3" && !isM7g(instance):
		return refuse("engineVersion", "Upgrading %s from [%s] to [%s] is not supported on host instance type [%s]: change it to one of mq.m7g first.",
			e.Title(), from, to, instance)
	}
	return nil
}

// Resize returns why a broker cannot change to another instance type, a [Refusal];
// nil when it can, or is of that type already. choice is the broker as it is, with
// the version that it will have.
func (c Catalog) Resize(choice Choice, to string) error {
	from := choice.Instance
	if from == to {
		return nil
	}
	if to == micro {
		return refuse("hostInstanceType",
			"Downgrading from current instance type [%s] to requested instance type [%s] is not supported for %s brokers.",
			from, to, choice.Engine.Title())
	}
	choice.Instance = to
	return c.Offers(choice)
}

func isM7g(instance string) bool { return strings.HasPrefix(instance, "mq.m7g.") }
