package mq

import (
	"context"
	"encoding/base64"
	"strconv"

	api "millrace/services/internal/api/mq"
	"millrace/services/internal/kit"
)

// DescribeConfigurationRevision   restJson1
//
//   - with the text as it is stored, in base64
func (s *Service) DescribeConfigurationRevision(ctx context.Context, in *api.DescribeConfigurationRevisionInput) (*api.DescribeConfigurationRevisionOutput, error) {
	c, err := s.configuration(ctx, in.ConfigurationId)
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(kit.Value(in.ConfigurationRevision))
	if err != nil {
		return nil, bad("configuration_revision", "Configuration revision [%.100s] is not a number.", kit.Value(in.ConfigurationRevision))
	}
	r, err := s.configs.Revision(ctx, c, n)
	if err != nil {
		return nil, failure(err)
	}
	return &api.DescribeConfigurationRevisionOutput{
		ConfigurationId: &c.ID, Created: &r.Created, Description: &r.Description, Data: new(base64.StdEncoding.EncodeToString(r.Data)),
	}, nil
}
