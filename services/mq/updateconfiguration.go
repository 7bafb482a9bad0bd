package mq

import (
	"context"
	"encoding/base64"

	"millrace/runtime/broker"
	"millrace/runtime/broker/catalog"
	"millrace/runtime/broker/config"
	api "millrace/services/internal/api/mq"
	"millrace/services/internal/kit"
)

// mostWarnings is how many warnings are answered.
const mostWarnings = 20

// UpdateConfiguration   restJson1
//
//   - appends a revision, the 300th is the last; no broker changes by that
//   - of ActiveMQ, what is not allowed is taken out of the text, and the first 20
//     warnings tell of it; of RabbitMQ, a key that is not allowed is refused by name
//   - limits above the maximum of an instance type are refused by CreateBroker and
//     UpdateBroker: a configuration has no instance type
func (s *Service) UpdateConfiguration(ctx context.Context, in *api.UpdateConfigurationInput) (*api.UpdateConfigurationOutput, error) {
	c, err := s.configuration(ctx, in.ConfigurationId)
	if err != nil {
		return nil, err
	}
	if err := required(text("data", in.Data)); err != nil {
		return nil, err
	}
	data, err := base64.StdEncoding.DecodeString(*in.Data)
	if err != nil {
		return nil, bad("data", "The configuration data is not base64-encoded.")
	}
	if len(kit.Value(in.Description)) > 1000 {
		return nil, bad("description", "A description can have at most 1000 characters.")
	}
	stored, warnings, err := config.Check(config.Kind{Engine: c.Engine, Version: c.Version, Strategy: c.Strategy}, data)
	if err != nil {
		return nil, refused("data", err)
	}
	c, err = s.configs.Append(ctx, c, broker.Revision{Description: kit.Value(in.Description), Data: stored}, s.quota(catalog.MaxRevisions))
	if err != nil {
		return nil, failure(err)
	}
	return &api.UpdateConfigurationOutput{
		Id: &c.ID, Arn: new(c.ARN().String()), Name: &c.Name, Created: &c.Created,
		LatestRevision: revisionOf(c.Latest), Warnings: sanitized(warnings),
	}, nil
}

func sanitized(warnings []config.Warning) []*api.SanitizationWarning {
	all := []*api.SanitizationWarning{}
	for _, w := range warnings[:min(len(warnings), mostWarnings)] {
		all = append(all, &api.SanitizationWarning{
			Reason: new(string(w.Reason)), ElementName: kit.Optional(w.Element), AttributeName: kit.Optional(w.Attribute),
		})
	}
	return all
}
