package mq

import (
	"context"
	"strings"

	"millrace/runtime/arn"
	"millrace/runtime/broker"
	"millrace/runtime/broker/catalog"
	api "millrace/services/internal/api/mq"
	"millrace/services/internal/identity"
	"millrace/services/internal/wire"
)

// UpdateBroker   restJson1
//
//   - all but the maintenance window and autoMinorVersionUpgrade is pending until the
//     next reboot or maintenance window; a newer value replaces a pending one, and the
//     current one clears it
//   - a broker that is not RUNNING or CRITICAL_ACTION_REQUIRED takes the maintenance
//     window, autoMinorVersionUpgrade and logs only
//   - versions go up one at a time, and RabbitMQ 4 needs mq.m7g; no instance type goes
//     down to mq.t3.micro
//   - the maintenance window may be moved four times before it next opens
//
// Not supported: dataReplicationMode CRDR. Resource shares, since there are none here to
// be found: a list of them is refused with their resourceShareErrors.
func (s *Service) UpdateBroker(ctx context.Context, in *api.UpdateBrokerInput) (*api.UpdateBrokerOutput, error) {
	b, err := s.broker(ctx, in.BrokerId)
	if err != nil {
		return nil, err
	}
	e, err := s.edit(ctx, &b, in)
	if err != nil {
		return nil, failure(err)
	}
	if b, err = s.brokers.Update(ctx, b, e); err != nil {
		return nil, failure(err)
	}
	after := b.Next()
	return &api.UpdateBrokerOutput{
		BrokerId: &b.ID, AutoMinorVersionUpgrade: &b.AutoMinor, MaintenanceWindowStartTime: window(b.Window),
		EngineVersion: &after.Version, HostInstanceType: &after.Instance, Configuration: revised(&after.Configuration),
		SecurityGroups: names(after.SecurityGroups), AuthenticationStrategy: strategy(after.Strategy), LdapServerMetadata: directory(after.LDAP),
		Logs: updatedLogs(&b, after.Logs), DataReplicationMode: new("NONE"), StorageSize: storageSize(&b, after.StorageSize), ResourceShareArns: in.ResourceShareArns,
	}, nil
}

func updatedLogs(b *broker.Broker, l broker.Logs) *api.Logs {
	out := &api.Logs{General: &l.General}
	if b.Engine == catalog.ActiveMQ {
		out.Audit = &l.Audit
	}
	return out
}

// edit checks a request, and is what it asks for.
func (s *Service) edit(ctx context.Context, b *broker.Broker, in *api.UpdateBrokerInput) (e broker.Edit, err error) {
	for _, step := range []func() error{
		func() error { return s.editCatalogue(b, in, &e) },
		func() error { return editGroups(b, in, &e) },
		func() error { return checkReplication(in.DataReplicationMode, nil) },
		func() error { return checkShares(ctx, b, in.ResourceShareArns) },
		func() error { return editLogs(b, in, &e) },
		func() error { return editTimes(b, in, &e) },
		func() error { return s.editConfiguration(ctx, b, in, &e) },
		func() error { return editStrategy(b, in, &e) },
	} {
		if err := step(); err != nil {
			return e, err
		}
	}
	return e, nil
}

// editCatalogue checks version, instance type and storage as they will be together.
func (s *Service) editCatalogue(b *broker.Broker, in *api.UpdateBrokerInput, e *broker.Edit) error {
	after := b.Next()
	if in.HostInstanceType != nil {
		e.Settings.Instance = in.HostInstanceType
		after.Instance = *in.HostInstanceType
	}
	if in.EngineVersion != nil {
		if err := catalog.Upgrade(b.Engine, b.Settings.Version, *in.EngineVersion, b.Settings.Instance); err != nil {
			return err
		}
		e.Settings.Version = in.EngineVersion
		after.Version = *in.EngineVersion
	}
	choice := catalog.Choice{Engine: b.Engine, Version: after.Version, Instance: b.Settings.Instance, Mode: b.Mode, Storage: b.Storage}
	if err := s.catalog().Resize(choice, after.Instance); err != nil {
		return err
	}
	choice.Instance = after.Instance
	if in.StorageSize != nil {
		e.Settings.StorageSize = new(int(*in.StorageSize))
		return catalog.Sized(choice, int(*in.StorageSize))
	}
	return nil
}

func editGroups(b *broker.Broker, in *api.UpdateBrokerInput, e *broker.Edit) error {
	switch {
	case in.SecurityGroups == nil:
		return nil
	case b.Engine == catalog.RabbitMQ:
		return bad("securityGroups", "Changing security groups is not supported for RabbitMQ brokers.")
	case len(in.SecurityGroups) == 0:
		return bad("securityGroups", "Specify at least one security group.")
	}
	e.Settings.SecurityGroups = &in.SecurityGroups
	return checkGroups(in.SecurityGroups)
}

// checkShares refuses resource shares: those that could never be used for what is wrong
// with them, and all others since they are not found.
func checkShares(ctx context.Context, b *broker.Broker, shares []string) error {
	switch {
	case len(shares) == 0:
		return nil
	case b.Engine != catalog.RabbitMQ:
		return bad("resourceShareArns", "Resource shares are not supported for %s brokers.", b.Engine.Title())
	case len(shares) > catalog.MaxResourceShares:
		return bad("resourceShareArns", "Specify at most [%d] resource shares.", catalog.MaxResourceShares)
	}
	c := identity.From(ctx)
	wrong := []any{}
	for _, share := range shares {
		a, err := arn.Parse(share)
		if err != nil || a.Service != "ram" || !strings.HasPrefix(a.Resource, "resource-share/") {
			return bad("resourceShareArns", "Invalid resource share ARN [%.200s].", share)
		}
		if a.Account != c.Account || a.Region != c.Region {
			return bad("resourceShareArns", "Resource share [%s] is of another account or region.", share)
		}
		wrong = append(wrong, map[string]any{"resourceShareArn": share, "errorCode": "SHARE_NOT_FOUND", "status": "ERROR"})
	}
	err := bad("resourceShareArns", "The resource shares are not found: there are none in Millrace.").(*wire.Error)
	err.Fields["resourceShareErrors"] = wrong
	return err
}

func editLogs(b *broker.Broker, in *api.UpdateBrokerInput, e *broker.Edit) error {
	if in.Logs == nil {
		return nil
	}
	l, err := logs(b.Engine, in.Logs, b.Next().Logs)
	e.Logs = &l
	return err
}

// editTimes sets what takes effect at once.
func editTimes(b *broker.Broker, in *api.UpdateBrokerInput, e *broker.Edit) error {
	if in.MaintenanceWindowStartTime != nil {
		w, err := windowOf(in.MaintenanceWindowStartTime)
		if err != nil {
			return err
		}
		e.Window = &w
	}
	e.AutoMinor = in.AutoMinorVersionUpgrade
	return checkAutoMinor(b, in.AutoMinorVersionUpgrade)
}

// editConfiguration sets the configuration, and checks that the one that the broker will
// have is for what it will be.
func (s *Service) editConfiguration(ctx context.Context, b *broker.Broker, in *api.UpdateBrokerInput, e *broker.Edit) error {
	if in.Configuration != nil {
		r, err := s.revised(ctx, b.Engine, in.Configuration)
		if err != nil {
			return err
		}
		e.Settings.Configuration = &r
	}
	if e.Settings.Configuration == nil && e.Settings.Version == nil && e.Settings.Instance == nil {
		return nil
	}
	configured, err := s.fits(ctx, b, b.Next().With(e.Settings))
	if err == nil && configured != "" {
		e.Settings.Strategy = &configured
	}
	return err
}

func editStrategy(b *broker.Broker, in *api.UpdateBrokerInput, e *broker.Edit) (err error) {
	asked, err := strategyOf(b.Engine, in.AuthenticationStrategy)
	if err != nil {
		return err
	}
	if e.Settings.LDAP, e.LDAPPassword, err = ldap(b.Engine, in.LdapServerMetadata); err != nil {
		return err
	}
	after := b.Next().With(e.Settings)
	if b.Engine == catalog.RabbitMQ {
		if asked != "" && asked != after.Strategy {
			return otherStrategy(asked, after.Strategy)
		}
		return nil
	}
	if asked != "" {
		e.Settings.Strategy, after.Strategy = &asked, asked
	}
	if asked == catalog.Simple && in.LdapServerMetadata == nil {
		return nil // the directory is kept for another change
	}
	return checkLDAP(after.Strategy, after.LDAP)
}
