package catalog

import "slices"

// A Catalog is what can be created. Amazon stopped making RabbitMQ brokers on
// mq.t3.micro, which many templates still name: a strict catalogue does not have
// them either.
type Catalog struct {
	Strict bool
}

// An Option is an instance type of an engine, and what goes with it. In which zones,
// the region says.
type Option struct {
	Engine   Engine
	Instance string // "mq.m7g.large"
	Storage  Storage
	Modes    []Mode
	Versions []string // newest first
}

var (
	sizesM5  = []string{"mq.m5.large", "mq.m5.xlarge", "mq.m5.2xlarge", "mq.m5.4xlarge"}
	sizesM7g = []string{
		"mq.m7g.medium", "mq.m7g.large", "mq.m7g.xlarge", "mq.m7g.2xlarge",
		"mq.m7g.4xlarge", "mq.m7g.8xlarge", "mq.m7g.12xlarge", "mq.m7g.16xlarge",
	}
)

const micro = "mq.t3.micro"

// families are rows of the Amazon MQ Developer Guide, "Instance types" of both engines.
var families = []struct {
	Option    // without its instance
	instances []string
	retired   bool // Amazon makes no new ones
}{
	{Option{ActiveMQ, "", EFS, []Mode{SingleInstance, ActiveStandby}, versionNames(ActiveMQ)}, []string{micro}, false},
	{Option{ActiveMQ, "", EBS, []Mode{SingleInstance}, versionNames(ActiveMQ)}, sizesM5, false},
	{Option{ActiveMQ, "", EFS, []Mode{SingleInstance, ActiveStandby}, versionNames(ActiveMQ)}, sizesM5, false},
	{Option{RabbitMQ, "", EBS, []Mode{SingleInstance}, []string{"3.13"}}, []string{micro}, true},
	{Option{RabbitMQ, "", EBS, []Mode{SingleInstance, Cluster}, []string{"3.13"}}, sizesM5, false},
	{Option{RabbitMQ, "", EBS, []Mode{SingleInstance, Cluster}, versionNames(RabbitMQ)}, sizesM7g, false},
}

// Options are the rows that DescribeBrokerInstanceOptions prints, always in the same
// order.
func (c Catalog) Options() []Option {
	var options []Option
	for _, f := range families {
		if f.retired && c.Strict {
			continue
		}
		for _, instance := range f.instances {
			o := f.Option
			o.Instance = instance
			o.Modes, o.Versions = slices.Clone(o.Modes), slices.Clone(o.Versions)
			options = append(options, o)
		}
	}
	return options
}

// Newest is the version of a broker whose request names none: the newest that its
// instance type allows in its mode. An empty mode is any. It reports false when
// there is none.
func (c Catalog) Newest(e Engine, instance string, mode Mode) (string, bool) {
	for _, o := range c.Options() {
		if o.Engine == e && o.Instance == instance && (mode == "" || slices.Contains(o.Modes, mode)) {
			return o.Versions[0], true
		}
	}
	return "", false
}
