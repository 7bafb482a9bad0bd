package mq

import (
	"context"
	"regexp"

	"millrace/runtime/broker/catalog"
	"millrace/runtime/broker/config"
	api "millrace/services/internal/api/mq"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

var configurationName = form{1, 150, regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)}

// CreateConfiguration   restJson1
//
//   - makes revision 1 with the engine's default text; a version that is left out is the
//     engine's newest
//   - a name is 1 to 150 of A-Z a-z 0-9 - . _ ~, and free in the account and region
//   - authenticationStrategy LDAP lets a text of ActiveMQ have a cachedLDAPAuthorizationMap;
//     how RabbitMQ knows its users is said by the text, and the strategy stays simple
func (s *Service) CreateConfiguration(ctx context.Context, in *api.CreateConfigurationInput) (*api.CreateConfigurationOutput, error) {
	if err := required(text("name", in.Name), text("engineType", in.EngineType)); err != nil {
		return nil, err
	}
	if !configurationName.fits(*in.Name) {
		return nil, bad("name", "Configuration name must be 1-150 characters of letters, digits, dashes, periods, underscores and tildes.")
	}
	k, err := kindOf(in)
	if err != nil {
		return nil, failure(err)
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	c, first := newConfiguration(*in.Name, k)
	caller := identity.From(ctx)
	c.Account, c.Region, c.Tags = caller.Account, caller.Region, in.Tags
	if c, err = s.configs.Create(ctx, c, first, false); err != nil {
		return nil, failure(err)
	}
	return &api.CreateConfigurationOutput{
		Id: &c.ID, Arn: new(c.ARN().String()), Name: &c.Name, Created: &c.Created,
		AuthenticationStrategy: strategy(c.Strategy), LatestRevision: revisionOf(c.Latest),
	}, nil
}

// kindOf reads what a configuration is for.
func kindOf(in *api.CreateConfigurationInput) (k config.Kind, err error) {
	if k.Engine, err = member("engineType", in.EngineType, catalog.ParseEngine); err != nil {
		return k, err
	}
	if k.Strategy, err = strategyOf(k.Engine, in.AuthenticationStrategy); err != nil {
		return k, err
	}
	if k.Strategy != catalog.LDAP {
		k.Strategy = catalog.Simple
	}
	if k.Version = kit.Value(in.EngineVersion); k.Version == "" {
		k.Version = catalog.Versions(k.Engine)[0].Name
	}
	return k, catalog.HasVersion(k.Engine, k.Version)
}
