package mq

import (
	"context"

	"millrace/runtime/broker"
	api "millrace/services/internal/api/mq"
)

// DescribeConfiguration   restJson1
//
//   - the description is that of the latest revision
func (s *Service) DescribeConfiguration(ctx context.Context, in *api.DescribeConfigurationInput) (*api.DescribeConfigurationOutput, error) {
	c, err := s.configuration(ctx, in.ConfigurationId)
	if err != nil {
		return nil, err
	}
	return new(api.DescribeConfigurationOutput(*described(c))), nil
}

func described(c broker.Configuration) *api.Configuration {
	tags := c.Tags
	if tags == nil {
		tags = map[string]string{}
	}
	return &api.Configuration{
		Id: &c.ID, Arn: new(c.ARN().String()), Name: &c.Name, Created: &c.Created, Description: new(c.Latest.Description),
		EngineType: new(c.Engine.Title()), EngineVersion: &c.Version, AuthenticationStrategy: strategy(c.Strategy),
		LatestRevision: revisionOf(c.Latest), Tags: tags,
	}
}
