package mq

import (
	"context"
	"errors"

	"millrace/runtime/broker"
	"millrace/runtime/broker/catalog"
	"millrace/runtime/broker/config"
	api "millrace/services/internal/api/mq"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// configuration finds the configuration that a request names.
func (s *Service) configuration(ctx context.Context, id *string) (broker.Configuration, error) {
	c := identity.From(ctx)
	f, err := s.configs.Get(ctx, c.Account, c.Region, kit.Value(id))
	return f, failure(err)
}

// setConfiguration sets the revision that a new broker starts with.
func (s *Service) setConfiguration(ctx context.Context, b *broker.Broker, in *api.ConfigurationId) error {
	if in == nil {
		return nil
	}
	r, err := s.revised(ctx, b.Engine, in)
	if err != nil {
		return err
	}
	b.Settings.Configuration = r
	b.Settings.Strategy, err = s.fits(ctx, b, b.Settings)
	return err
}

// revised finds the revision that a request names for a broker: the latest if it names
// none.
func (s *Service) revised(ctx context.Context, e catalog.Engine, in *api.ConfigurationId) (r broker.Revised, err error) {
	if err := required(text("configuration.id", in.Id)); err != nil {
		return r, err
	}
	f, err := s.configuration(ctx, in.Id)
	if err != nil {
		return r, err
	}
	if f.Engine != e {
		return r, bad("configuration", "Configuration [%s] is for engine type [%s].", f.ID, f.Engine)
	}
	n := int(kit.ValueOr(in.Revision, int32(f.Latest.Number)))
	if _, err := s.configs.Revision(ctx, f, n); err != nil {
		return r, failure(err)
	}
	return broker.Revised{ID: f.ID, Revision: n}, nil
}

// fits refuses settings of a RabbitMQ broker whose configuration is not for the rest of
// them, and returns the strategy that the configuration makes; "" when it decides nothing.
func (s *Service) fits(ctx context.Context, b *broker.Broker, after broker.Settings) (catalog.Strategy, error) {
	r := after.Configuration
	if b.Engine != catalog.RabbitMQ || r.ID == "" {
		return "", nil
	}
	c := identity.From(ctx)
	f, err := s.configs.Get(ctx, c.Account, c.Region, r.ID)
	if err != nil {
		return "", failure(err)
	}
	text, err := s.configs.Revision(ctx, f, r.Revision)
	if err != nil {
		return "", failure(err)
	}
	if err := config.Fits(r.Revision, text.Data, after.Version, after.Instance, b.Mode); err != nil {
		return "", refused("configuration", err)
	}
	settings, err := config.Effective(text.Data, after.Version, after.Instance, b.Mode)
	if err != nil {
		return "", refused("configuration", err)
	}
	return settings.Strategy(), refused("configuration", settings.Within(c.Account, c.Region))
}

// refused translates the refusal of a configuration's text.
func refused(member string, err error) error {
	if e, ok := errors.AsType[*config.Refusal](err); ok {
		return bad(member, "%s", e.What)
	}
	return err
}

// newConfiguration is a configuration with the text that it begins with.
func newConfiguration(name string, k config.Kind) (broker.Configuration, broker.Revision) {
	return broker.Configuration{Name: name, Engine: k.Engine, Version: k.Version, Strategy: k.Strategy},
		broker.Revision{Description: config.Description(k, name), Data: config.Default(k)}
}

// ownConfiguration makes the configuration of a broker for which none was named.
func (s *Service) ownConfiguration(b broker.Broker) func(context.Context) (broker.Revised, error) {
	return func(ctx context.Context) (broker.Revised, error) {
		k := config.Kind{Engine: b.Engine, Version: b.Settings.Version, Strategy: catalog.Simple}
		if b.Settings.Strategy == catalog.LDAP {
			k.Strategy = catalog.LDAP
		}
		c, first := newConfiguration(b.Name+"-configuration", k)
		c.Account, c.Region = b.Account, b.Region
		c, err := s.configs.Create(ctx, c, first, true)
		return broker.Revised{ID: c.ID, Revision: 1}, err
	}
}

func revisionOf(r broker.Revision) *api.ConfigurationRevision {
	return &api.ConfigurationRevision{Created: new(r.Created), Description: new(r.Description), Revision: new(int32(r.Number))}
}
