package mq

import (
	"context"

	"millrace/runtime/broker"
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
func (s *Service) setConfiguration(ctx context.Context, b *broker.Broker, in *api.ConfigurationId) (err error) {
	if in == nil {
		return nil
	}
	b.Settings.Configuration, err = s.revision(ctx, b, in)
	return err
}

// revision finds the revision that a broker is to have: the latest if none is named.
func (s *Service) revision(ctx context.Context, b *broker.Broker, in *api.ConfigurationId) (r broker.Revised, err error) {
	if err := required(text("configuration.id", in.Id)); err != nil {
		return r, err
	}
	f, err := s.configuration(ctx, in.Id)
	if err != nil {
		return r, err
	}
	if f.Engine != b.Engine {
		return r, bad("configuration", "Configuration [%s] is for engine type [%s].", f.ID, f.Engine)
	}
	n := int(kit.ValueOr(in.Revision, int32(f.Latest.Number)))
	if _, err := s.configs.Revision(ctx, f, n); err != nil {
		return r, failure(err)
	}
	return broker.Revised{ID: f.ID, Revision: n}, nil
}

// ownConfiguration makes the configuration of a broker for which none was named.
func (s *Service) ownConfiguration(b broker.Broker) func(context.Context) (broker.Revised, error) {
	return nil
}
