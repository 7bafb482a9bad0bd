package catalog

import (
	"errors"
	"slices"
	"testing"

	"millrace/runtime/fault"
)

func TestOffers(t *testing.T) {
	for _, c := range []struct {
		choice Choice
		strict bool
		member string // that is refused; "" for none
	}{
		{choice: Choice{RabbitMQ, "4.3", "mq.m7g.medium", SingleInstance, EBS}},
		{choice: Choice{RabbitMQ, "4.2", "mq.m7g.large", Cluster, EBS}},
		{choice: Choice{RabbitMQ, "3.13", "mq.m7g.16xlarge", Cluster, EBS}},
		{choice: Choice{RabbitMQ, "3.13", "mq.m5.4xlarge", Cluster, EBS}},
		{choice: Choice{RabbitMQ, "3.13", "mq.t3.micro", SingleInstance, EBS}},
		{choice: Choice{RabbitMQ, "3.13", "mq.t3.micro", SingleInstance, EBS}, strict: true, member: "hostInstanceType"},
		{choice: Choice{RabbitMQ, "3.13", "mq.t3.micro", Cluster, EBS}, member: "deploymentMode"},
		{choice: Choice{RabbitMQ, "4.2", "mq.t3.micro", SingleInstance, EBS}, member: "hostInstanceType"},
		{choice: Choice{RabbitMQ, "4.2", "mq.m5.large", SingleInstance, EBS}, member: "hostInstanceType"},
		{choice: Choice{RabbitMQ, "3.13", "mq.m4.large", SingleInstance, EBS}, member: "hostInstanceType"},
		{choice: Choice{RabbitMQ, "3.13", "", SingleInstance, EBS}, member: "hostInstanceType"},
		{choice: Choice{RabbitMQ, "3.13.7", "mq.m5.large", SingleInstance, EBS}, member: "engineVersion"},
		{choice: Choice{RabbitMQ, "3.12", "mq.m5.large", SingleInstance, EBS}, member: "engineVersion"},
		{choice: Choice{RabbitMQ, "5.19", "mq.m5.large", SingleInstance, EBS}, member: "engineVersion"},
		{choice: Choice{RabbitMQ, "3.13", "mq.m5.large", SingleInstance, EFS}, member: "storageType"},
		{choice: Choice{RabbitMQ, "3.13", "mq.m5.large", ActiveStandby, EBS}, member: "deploymentMode"},
		{choice: Choice{ActiveMQ, "5.19", "mq.m5.large", ActiveStandby, EFS}},
		{choice: Choice{ActiveMQ, "5.18", "mq.t3.micro", SingleInstance, EFS}, strict: true},
		{choice: Choice{ActiveMQ, "5.18", "mq.m5.large", SingleInstance, EBS}},
		{choice: Choice{ActiveMQ, "5.18", "mq.m5.large", ActiveStandby, EBS}, member: "storageType"},
		{choice: Choice{ActiveMQ, "5.18", "mq.t3.micro", SingleInstance, EBS}, member: "storageType"},
		{choice: Choice{ActiveMQ, "5.18", "mq.m7g.large", SingleInstance, EFS}, member: "hostInstanceType"},
		{choice: Choice{ActiveMQ, "5.18", "mq.m5.large", Cluster, EFS}, member: "deploymentMode"},
		{choice: Choice{"KAFKA", "5.18", "mq.m5.large", Cluster, EFS}, member: "engineType"},
	} {
		refused(t, Catalog{c.strict}.Offers(c.choice), c.member, c.choice)
	}
}

func TestNewest(t *testing.T) {
	for _, c := range []struct {
		engine   Engine
		instance string
		mode     Mode
		want     string
	}{
		{RabbitMQ, "mq.m7g.large", Cluster, "4.3"},
		{RabbitMQ, "mq.m5.large", "", "3.13"},
		{RabbitMQ, "mq.t3.micro", SingleInstance, "3.13"},
		{RabbitMQ, "mq.t3.micro", Cluster, ""},
		{ActiveMQ, "mq.m5.large", ActiveStandby, "5.19"},
		{ActiveMQ, "mq.m7g.large", "", ""},
	} {
		if got, ok := (Catalog{}).Newest(c.engine, c.instance, c.mode); got != c.want || ok != (c.want != "") {
			t.Errorf("newest of %v = %q, %v", c, got, ok)
		}
	}
}

// Whatever the catalogue lists can be created, and has all that a broker needs.
func TestOptionsAreComplete(t *testing.T) {
	for _, strict := range []bool{false, true} {
		c := Catalog{strict}
		for _, o := range c.Options() {
			if strict && o.Engine == RabbitMQ && o.Instance == micro {
				t.Errorf("a strict catalogue lists %v", o)
			}
			m, ok := MachineOf(o.Instance)
			if !ok || m.CPUs < 1 || m.Memory < GiB {
				t.Errorf("%s has no machine: %v", o.Instance, m)
			}
			for _, mode := range o.Modes {
				for _, version := range o.Versions {
					choice := Choice{o.Engine, version, o.Instance, mode, o.Storage}
					if err := c.Offers(choice); err != nil {
						t.Errorf("%v is listed and refused: %v", choice, err)
					}
					if d := DiskOf(choice); d.Default < 5 || d.Max < d.Default {
						t.Errorf("%v has a disk %v", choice, d)
					}
					if o.Engine == RabbitMQ {
						limited(t, choice)
					}
				}
			}
		}
	}
}

func limited(t *testing.T, c Choice) {
	t.Helper()
	most, ok := Maxima(c.Instance, c.Mode)
	got, ok2 := Defaults(c.Version, c.Instance, c.Mode)
	if !ok || !ok2 {
		t.Fatalf("%v has no limits", c)
	}
	for _, l := range [][2]int{
		{got.Connections, most.Connections},
		{got.Channels, most.Channels},
		{got.ConsumersPerChannel, most.ConsumersPerChannel},
		{got.Queues, most.Queues},
		{got.Exchanges, most.Exchanges},
		{got.VirtualHosts, most.VirtualHosts},
		{got.Shovels, most.Shovels},
		{got.MessageSize, most.MessageSize},
	} {
		if l[0] <= 0 || l[0] > l[1] {
			t.Errorf("%v: defaults %v, maxima %v", c, got, most)
		}
	}
	v, ok := VirtualHostOf(c.Version, c.Instance, c.Mode)
	if ok != (c.Version == "3.13") || ok && (v.MaxQueues <= 0 || v.MaxConnections <= 0) {
		t.Errorf("%v: virtual host limits %v, %v", c, v, ok)
	}
	if n, ok := MaxLength(c.Instance, c.Mode); ok != (c.Mode == Cluster || c.Instance == "mq.m7g.medium") || ok && n <= 0 {
		t.Errorf("%v: max-length %d, %v", c, n, ok)
	}
	if MemoryWatermark(c.Instance) <= 0 || DiskFreeLimit(c.Instance, c.Mode) < 2*GiB {
		t.Errorf("%v has no thresholds", c)
	}
}

func TestUpgrade(t *testing.T) {
	for _, c := range []struct {
		engine             Engine
		from, to, instance string
		ok                 bool
	}{
		{RabbitMQ, "3.13", "4.2", "mq.m7g.large", true},
		{RabbitMQ, "3.13", "4.2", "mq.m5.large", false},
		{RabbitMQ, "3.13", "4.3", "mq.m7g.large", false},
		{RabbitMQ, "4.2", "4.3", "mq.m7g.large", true},
		{RabbitMQ, "4.3", "4.2", "mq.m7g.large", false},
		{RabbitMQ, "4.2", "3.13", "mq.m7g.large", false},
		{RabbitMQ, "4.2", "4.2", "mq.m7g.large", true},
		{RabbitMQ, "4.2", "4.2.1", "mq.m7g.large", false},
		{ActiveMQ, "5.18", "5.19", "mq.m5.large", true},
		{ActiveMQ, "5.19", "5.18", "mq.m5.large", false},
	} {
		member := "engineVersion"
		if c.ok {
			member = ""
		}
		refused(t, Upgrade(c.engine, c.from, c.to, c.instance), member, c)
	}
}

func TestResize(t *testing.T) {
	for _, c := range []struct {
		engine            Engine
		version, from, to string
		mode              Mode
		ok                bool
	}{
		{RabbitMQ, "3.13", "mq.m5.large", "mq.m7g.large", Cluster, true},
		{RabbitMQ, "3.13", "mq.m7g.large", "mq.m5.large", Cluster, true},
		{RabbitMQ, "4.2", "mq.m7g.large", "mq.m5.large", Cluster, false},
		{RabbitMQ, "3.13", "mq.m5.large", "mq.t3.micro", SingleInstance, false},
		{RabbitMQ, "3.13", "mq.t3.micro", "mq.t3.micro", SingleInstance, true},
		{RabbitMQ, "3.13", "mq.t3.micro", "mq.m7g.medium", SingleInstance, true},
		{RabbitMQ, "3.13", "mq.m5.large", "mq.m5.24xlarge", SingleInstance, false},
		{ActiveMQ, "5.18", "mq.t3.micro", "mq.m5.large", ActiveStandby, true},
		{ActiveMQ, "5.18", "mq.m5.large", "mq.t3.micro", SingleInstance, false},
		{ActiveMQ, "5.18", "mq.m5.large", "mq.m7g.large", SingleInstance, false},
	} {
		member := "hostInstanceType"
		if c.ok {
			member = ""
		}
		choice := Choice{c.engine, c.version, c.from, c.mode, DefaultStorage(c.engine)}
		refused(t, Catalog{}.Resize(choice, c.to), member, c)
	}
}

func TestSized(t *testing.T) {
	large := Choice{RabbitMQ, "4.2", "mq.m7g.large", Cluster, EBS}
	for gb, ok := range map[int]bool{15: true, 20: true, 75: true, 10: false, 17: false, 80: false, 0: false, -5: false} {
		if err := Sized(large, gb); (err == nil) != ok {
			t.Errorf("%d GB: %v", gb, err)
		}
	}
	for _, c := range []Choice{
		{RabbitMQ, "4.2", "mq.m7g.large", SingleInstance, EBS},
		{RabbitMQ, "3.13", "mq.m7g.large", Cluster, EBS},
		{RabbitMQ, "3.13", "mq.m5.large", Cluster, EBS},
		{ActiveMQ, "5.19", "mq.m5.large", SingleInstance, EBS},
	} {
		refused(t, Sized(c, DiskOf(c).Default), "storageSize", c)
	}
}

func TestNumbers(t *testing.T) {
	if l, _ := Defaults("4.2", "mq.m7g.large", Cluster); l != (Limits{500, 1500, 10, 1000, 1000, 50, 30, 524288}) {
		t.Errorf("a cluster of mq.m7g.large has %v", l)
	}
	if l, _ := Defaults("3.13", "mq.m7g.medium", Cluster); l != (Limits{300, 900, 1000, 500, 500, 10, 50, 134217728}) {
		t.Errorf("a cluster of mq.m7g.medium has %v", l)
	}
	if v, _ := VirtualHostOf("3.13", "mq.t3.micro", SingleInstance); v != (VirtualHost{500, 500}) {
		t.Errorf("mq.t3.micro has %v", v)
	}
	if got := MemoryWatermark("mq.m7g.medium"); got != 18*GiB/10 {
		t.Errorf("mq.m7g.medium may use %d bytes", got)
	}
	if Full(RabbitMQ, "3.13") != "3.13.7" || Full(RabbitMQ, "3.7") != "3.7" {
		t.Error("full versions")
	}
}

func TestWordsInAnyCase(t *testing.T) {
	if e, ok := ParseEngine("RabbitMQ"); !ok || e != RabbitMQ {
		t.Error("RabbitMQ")
	}
	if m, ok := ParseMode("cluster_multi_az"); !ok || m != Cluster {
		t.Error("cluster_multi_az")
	}
	if s, ok := ParseStrategy("simple"); !ok || s != Simple {
		t.Error("simple")
	}
	if s, ok := ParseStorage("ebs"); !ok || s != EBS {
		t.Error("ebs")
	}
	if _, ok := ParseEngine(""); ok {
		t.Error("the empty engine")
	}
}

// Callers may sort or cut what they get.
func TestTablesAreCopies(t *testing.T) {
	Versions(RabbitMQ)[0].Name = "x"
	o := Catalog{}.Options()
	slices.Reverse(o[len(o)-1].Versions)
	if Versions(RabbitMQ)[0].Name != "4.3" || (Catalog{}.Options()[len(o)-1].Versions[0]) != "4.3" {
		t.Error("a caller has changed the catalogue")
	}
}

func refused(t *testing.T, err error, member string, of any) {
	t.Helper()
	r, _ := errors.AsType[*Refusal](err)
	switch {
	case member == "" && err != nil:
		t.Errorf("%v: %v", of, err)
	case member != "" && (r == nil || r.Member != member || fault.Of(err) != fault.Invalid):
		t.Errorf("%v: %v, want a refusal of %s", of, err, member)
	}
}
