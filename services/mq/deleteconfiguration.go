package mq

import (
	"context"

	api "millrace/services/internal/api/mq"
)

// DeleteConfiguration   restJson1
//
//   - with all its revisions; not while it is current or pending on a broker
func (s *Service) DeleteConfiguration(ctx context.Context, in *api.DeleteConfigurationInput) (*api.DeleteConfigurationOutput, error) {
	c, err := s.configuration(ctx, in.ConfigurationId)
	if err != nil {
		return nil, err
	}
	if err := s.configs.Delete(ctx, c); err != nil {
		return nil, failure(err)
	}
	return &api.DeleteConfigurationOutput{ConfigurationId: &c.ID}, nil
}
