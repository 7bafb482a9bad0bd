package mq

import (
	"context"

	"millrace/runtime/broker"
	"millrace/runtime/broker/catalog"
	api "millrace/services/internal/api/mq"
)

// DescribeBroker   restJson1
//
//   - what waits for a reboot shows in the pending… members, in configurations.pending,
//     logs.pending and users[].pendingChange
//   - engineVersion has AWS's patch number; what really runs is the tag millrace:engine
//   - users of RabbitMQ are never listed: they live in the broker
func (s *Service) DescribeBroker(ctx context.Context, in *api.DescribeBrokerInput) (*api.DescribeBrokerOutput, error) {
	b, err := s.broker(ctx, in.BrokerId)
	if err != nil {
		return nil, err
	}
	out := &api.DescribeBrokerOutput{
		BrokerId: &b.ID, BrokerArn: new(b.ARN().String()), BrokerName: &b.Name, BrokerState: new(string(b.State)), Created: &b.Created,
		EngineType: new(b.Engine.Title()), DeploymentMode: new(string(b.Mode)), StorageType: lower(b.Storage),
		EngineVersion: new(catalog.Full(b.Engine, b.Settings.Version)), HostInstanceType: &b.Settings.Instance,
		PubliclyAccessible: &b.Public, SubnetIds: names(b.Subnets), SecurityGroups: names(b.Settings.SecurityGroups),
		AutoMinorVersionUpgrade: &b.AutoMinor, MaintenanceWindowStartTime: window(b.Window), EncryptionOptions: encryption(b.Encryption),
		AuthenticationStrategy: strategy(b.Settings.Strategy), LdapServerMetadata: directory(b.Settings.LDAP), DataReplicationMode: new("NONE"),
		Logs: logsSummary(&b), Configurations: configurations(&b), Users: userSummaries(&b), Tags: brokerTags(&b),
		ActionsRequired: actions(&b), BrokerInstances: instances(&b), StorageSize: storageSize(&b, b.Settings.StorageSize),
	}
	setPending(out, &b)
	return out, nil
}

func setPending(out *api.DescribeBrokerOutput, b *broker.Broker) {
	p := b.Pending
	if p.Version != nil {
		out.PendingEngineVersion = new(catalog.Full(b.Engine, *p.Version))
	}
	out.PendingHostInstanceType = p.Instance
	if p.SecurityGroups != nil {
		out.PendingSecurityGroups = *p.SecurityGroups
	}
	if p.StorageSize != nil {
		out.PendingStorageSize = new(int32(*p.StorageSize))
	}
	if p.Strategy != nil {
		out.PendingAuthenticationStrategy = strategy(*p.Strategy)
	}
	out.PendingLdapServerMetadata = directory(p.LDAP)
}

// storageSize is the size of each node's disk where one can be chosen.
func storageSize(b *broker.Broker, gb int) *int32 {
	disk := catalog.DiskOf(catalog.Choice{Engine: b.Engine, Version: b.Settings.Version, Instance: b.Settings.Instance, Mode: b.Mode, Storage: b.Storage})
	switch {
	case disk.Step == 0:
		return nil
	case gb == 0:
		gb = disk.Default
	}
	return new(int32(gb))
}

func encryption(e broker.Encryption) *api.EncryptionOptions {
	out := &api.EncryptionOptions{UseAwsOwnedKey: &e.Owned}
	if e.KeyID != "" {
		out.KmsKeyId = &e.KeyID
	}
	return out
}

// logsSummary names the log groups also while nothing is published to them, as AWS does.
func logsSummary(b *broker.Broker) *api.LogsSummary {
	group := "/aws/amazonmq/broker/" + b.ID
	out := &api.LogsSummary{General: &b.Settings.Logs.General, GeneralLogGroup: new(group + "/general")}
	p := b.Pending.Logs
	if p != nil {
		out.Pending = &api.PendingLogs{General: &p.General}
	}
	if b.Engine == catalog.ActiveMQ {
		out.Audit, out.AuditLogGroup = &b.Settings.Logs.Audit, new(group+"/audit")
		if p != nil {
			out.Pending.Audit = &p.Audit
		}
	}
	return out
}

func configurations(b *broker.Broker) *api.Configurations {
	out := &api.Configurations{Current: revised(&b.Settings.Configuration), Pending: revised(b.Pending.Configuration), History: []*api.ConfigurationId{}}
	for _, r := range b.History {
		out.History = append(out.History, revised(&r))
	}
	return out
}

func userSummaries(b *broker.Broker) []*api.UserSummary {
	all := []*api.UserSummary{}
	if b.Engine == catalog.RabbitMQ {
		return all
	}
	for _, u := range b.Users {
		all = append(all, userSummary(u))
	}
	return all
}

func userSummary(u broker.StoredUser) *api.UserSummary {
	s := &api.UserSummary{Username: new(u.Name)}
	if u.Pending != nil {
		s.PendingChange = new(string(u.Pending.Change))
	}
	return s
}

func actions(b *broker.Broker) []*api.ActionRequired {
	all := []*api.ActionRequired{}
	for _, a := range b.Actions() {
		all = append(all, &api.ActionRequired{ActionRequiredCode: new(a.Code), ActionRequiredInfo: new(a.Info)})
	}
	return all
}

func instances(b *broker.Broker) []*api.BrokerInstance {
	all := []*api.BrokerInstance{}
	for _, i := range b.Instances {
		one := &api.BrokerInstance{ConsoleURL: new(i.ConsoleURL), Endpoints: names(i.Endpoints)}
		if i.IPAddress != "" {
			one.IpAddress = new(i.IPAddress)
		}
		all = append(all, one)
	}
	return all
}
