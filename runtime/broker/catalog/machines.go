package catalog

// A Machine is the hardware of an instance type.
type Machine struct {
	CPUs   int
	Memory int64 // bytes
}

const (
	// GiB counts memory and RabbitMQ's disk_free_limit.
	GiB = int64(1) << 30
	// GB counts disks.
	GB = int64(1e9)
)

// MachineOf is the hardware of an instance type; false for an unknown one.
func MachineOf(instance string) (Machine, bool) {
	s, ok := specs[instance]
	return Machine{CPUs: s.cpus, Memory: int64(s.gib) * GiB}, ok
}

// MemoryWatermark is how many bytes a RabbitMQ node may use before it blocks
// publishers. On mq.m5 and mq.t3 it is RabbitMQ's own default, 0.4 of the memory.
func MemoryWatermark(instance string) int64 {
	s := specs[instance]
	if s.watermark == 0 {
		return int64(s.gib) * GiB * 4 / 10
	}
	return int64(s.watermark) * GiB / 10
}

// DiskFreeLimit is how many bytes must be free on the disk of a RabbitMQ node that
// takes messages. Nobody can change it.
func DiskFreeLimit(instance string, mode Mode) int64 {
	if mode == Cluster && isM7g(instance) {
		return 2 * GiB
	}
	return int64(specs[instance].free) * GiB
}

// A Disk is how many GB of storage a node has.
type Disk struct {
	Default, Max int // equal when nobody can choose
	Step         int // between the sizes to choose from
}

// DiskOf is the storage of each node. Amazon MQ Developer Guide, "Quotas" and
// "Configurable storage": it can be chosen for clusters of RabbitMQ 4.
func DiskOf(choice Choice) Disk {
	s := specs[choice.Instance]
	d := Disk{Default: s.disk, Max: s.disk}
	if choice.Mode == Cluster && isM7g(choice.Instance) {
		d = Disk{Default: s.clusterDisk, Max: s.clusterDisk}
		if Series(choice.Version) != "3" {
			d.Max, d.Step = s.clusterMax, 5
		}
	}
	return d
}

// Sized returns why a broker cannot have that many GB a node, a [Refusal]; nil when
// it can.
func Sized(choice Choice, gb int) error {
	d := DiskOf(choice)
	switch {
	case d.Step == 0:
		return refuse("storageSize", "Storage size can be set only for RabbitMQ 4 brokers with deployment mode [CLUSTER_MULTI_AZ] on mq.m7g.")
	case gb < d.Default || gb > d.Max || gb%d.Step != 0:
		return refuse("storageSize", "Storage size [%d] is invalid for host instance type [%s]: it must be a multiple of %d between %d and %d.",
			gb, choice.Instance, d.Step, d.Default, d.Max)
	}
	return nil
}

type spec struct {
	cpus, gib               int
	disk                    int // GB of a single instance, and of all but mq.m7g clusters
	clusterDisk, clusterMax int // GB a node
	watermark               int // tenths of GiB; 0 for RabbitMQ's own
	free                    int // GiB
}

// Amazon MQ Developer Guide, "Instance types" of both engines, "Quotas", and the
// memory and disk thresholds of RabbitMQ. Of mq.t3.micro it gives no free limit: 5 is
// where mq.m5's lead, 4 GiB more than the memory.
var specs = map[string]spec{
	micro:             {2, 1, 20, 0, 0, 0, 5},
	"mq.m5.large":     {2, 8, 200, 0, 0, 0, 12},
	"mq.m5.xlarge":    {4, 16, 200, 0, 0, 0, 20},
	"mq.m5.2xlarge":   {8, 32, 200, 0, 0, 0, 36},
	"mq.m5.4xlarge":   {16, 64, 200, 0, 0, 0, 69},
	"mq.m7g.medium":   {1, 4, 200, 5, 25, 18, 10},
	"mq.m7g.large":    {2, 8, 200, 15, 75, 43, 10},
	"mq.m7g.xlarge":   {4, 16, 200, 25, 125, 93, 10},
	"mq.m7g.2xlarge":  {8, 32, 200, 45, 180, 193, 10},
	"mq.m7g.4xlarge":  {16, 64, 200, 90, 250, 394, 10},
	"mq.m7g.8xlarge":  {32, 128, 200, 175, 400, 797, 10},
	"mq.m7g.12xlarge": {48, 192, 200, 260, 500, 1198, 10},
	"mq.m7g.16xlarge": {64, 256, 200, 345, 500, 1601, 10},
}
