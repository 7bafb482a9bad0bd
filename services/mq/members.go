package mq

import (
	"context"
	"fmt"
	"hash/fnv"
	"regexp"
	"strings"

	"millrace/runtime/broker"
	"millrace/runtime/broker/catalog"
	api "millrace/services/internal/api/mq"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// checkAutoMinor refuses false, which no version that can be created still allows.
func checkAutoMinor(b *broker.Broker, auto *bool) error {
	if kit.ValueOr(auto, true) {
		return nil
	}
	return bad("autoMinorVersionUpgrade", "Brokers on [%s] version [%s] must have [autoMinorVersionUpgrade] set to [true].", b.Engine.Title(), b.Settings.Version)
}

// checkReplication refuses pairs of brokers in two regions.
func checkReplication(mode, primary *string) error {
	parsed, err := member("dataReplicationMode", mode, func(s string) (string, bool) {
		up := strings.ToUpper(s)
		return up, up == "NONE" || up == "CRDR"
	})
	switch {
	case err != nil:
		return err
	case parsed == "CRDR" && kit.Value(primary) == "":
		return bad("dataReplicationPrimaryBrokerArn", "[dataReplicationPrimaryBrokerArn] is required when [dataReplicationMode] is [CRDR].")
	case parsed == "CRDR":
		return bad("dataReplicationMode", "Data replication mode [CRDR] is not supported by Millrace.")
	case kit.Value(primary) != "":
		return bad("dataReplicationPrimaryBrokerArn", "[dataReplicationPrimaryBrokerArn] needs [dataReplicationMode] [CRDR].")
	}
	return nil
}

// logs are the logs that a request asks for; absent ones stay what they were.
func logs(e catalog.Engine, in *api.Logs, before broker.Logs) (broker.Logs, error) {
	if in == nil {
		return before, nil
	}
	if e == catalog.RabbitMQ && in.Audit != nil {
		return before, bad("logs.audit", "Audit logging is not supported for RabbitMQ brokers.")
	}
	return broker.Logs{General: kit.ValueOr(in.General, before.General), Audit: kit.ValueOr(in.Audit, before.Audit)}, nil
}

var (
	subnetID = regexp.MustCompile(`^subnet-[0-9a-z]{1,40}$`)
	groupID  = regexp.MustCompile(`^sg-[0-9a-z]{1,40}$`)
)

// setNetwork sets subnets and security groups. A RabbitMQ broker that is public has no
// groups, and only the subnets that are named.
func setNetwork(ctx context.Context, b *broker.Broker, in *api.CreateBrokerInput) error {
	for i, id := range in.SubnetIds {
		if !subnetID.MatchString(id) {
			return bad("subnetIds", "Invalid subnet id [%.100s].", id)
		}
		for _, other := range in.SubnetIds[:i] {
			if other == id {
				return bad("subnetIds", "Subnet [%s] is given twice: each must be in another availability zone.", id)
			}
		}
	}
	if err := checkGroups(in.SecurityGroups); err != nil {
		return err
	}
	if b.Engine == catalog.RabbitMQ && b.Public {
		if len(in.SecurityGroups) > 0 {
			return bad("securityGroups", "Broker with [publiclyAccessible] set to true does not support specifying [securityGroups]")
		}
		if len(in.SubnetIds) > 1 && b.Mode == catalog.SingleInstance {
			return wrongSubnets(b, 1)
		}
		b.Subnets = in.SubnetIds
		return nil
	}
	b.Subnets, b.Settings.SecurityGroups = in.SubnetIds, in.SecurityGroups
	want := map[catalog.Mode]int{catalog.SingleInstance: 1, catalog.ActiveStandby: 2}[b.Mode]
	if n := len(in.SubnetIds); n > 0 && want > 0 && n != want {
		return wrongSubnets(b, want)
	}
	c := identity.From(ctx)
	if len(b.Subnets) == 0 {
		for i := range max(want, 1) {
			b.Subnets = append(b.Subnets, madeUp("subnet-", c.Account, c.Region, i))
		}
	}
	if len(b.Settings.SecurityGroups) == 0 {
		b.Settings.SecurityGroups = []string{madeUp("sg-", c.Account, c.Region, 0)}
	}
	return nil
}

func wrongSubnets(b *broker.Broker, n int) error {
	return bad("subnetIds", "Specify exactly [%d] subnets for deployment mode [%s].", n, b.Mode)
}

func checkGroups(groups []string) error {
	if len(groups) > catalog.MaxSecurityGroups {
		return bad("securityGroups", "Specify at most [%d] security groups.", catalog.MaxSecurityGroups)
	}
	for _, id := range groups {
		if !groupID.MatchString(id) {
			return bad("securityGroups", "Invalid security group id [%.100s].", id)
		}
	}
	return nil
}

// madeUp is the id of a part of the default network, the same whenever it is asked for.
func madeUp(prefix, account, region string, n int) string {
	h := fnv.New64a()
	fmt.Fprint(h, prefix, account, region, n)
	return fmt.Sprintf("%s0%016x", prefix, h.Sum64())
}

func setEncryption(b *broker.Broker, in *api.EncryptionOptions) error {
	b.Encryption.Owned = true
	if in == nil {
		return nil
	}
	if in.UseAwsOwnedKey == nil {
		return bad("encryptionOptions.useAwsOwnedKey", "The parameter [useAwsOwnedKey] is required.")
	}
	if *in.UseAwsOwnedKey && in.KmsKeyId != nil {
		return bad("encryptionOptions.kmsKeyId", "[kmsKeyId] cannot be set when [useAwsOwnedKey] is [true].")
	}
	b.Encryption = broker.Encryption{Owned: *in.UseAwsOwnedKey, KeyID: kit.Value(in.KmsKeyId)}
	return nil
}

// windowOf reads a maintenance window; the zero one is none.
func windowOf(in *api.WeeklyStartTime) (w broker.Window, err error) {
	if in == nil {
		return w, nil
	}
	if err := required(text("maintenanceWindowStartTime.dayOfWeek", in.DayOfWeek), text("maintenanceWindowStartTime.timeOfDay", in.TimeOfDay)); err != nil {
		return w, err
	}
	w = broker.Window{Day: strings.ToUpper(*in.DayOfWeek), Time: *in.TimeOfDay, Zone: kit.ValueOr(in.TimeZone, "UTC")}
	if err := w.Check(); err != nil {
		return w, bad("maintenanceWindowStartTime", "Invalid maintenance window: %.300s.", err)
	}
	return w, nil
}
