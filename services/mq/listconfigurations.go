package mq

import (
	"context"

	"millrace/runtime/broker"
	api "millrace/services/internal/api/mq"
	"millrace/services/internal/identity"
)

// ListConfigurations   restJson1
//
//   - ordered by name; configurations that come and go between two pages neither repeat
//     nor hide others
func (s *Service) ListConfigurations(ctx context.Context, in *api.ListConfigurationsInput) (*api.ListConfigurationsOutput, error) {
	c := identity.From(ctx)
	p, err := page(s.configs.List(c.Account, c.Region), broker.Configuration.SortKey, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &api.ListConfigurationsOutput{Configurations: []*api.Configuration{}, MaxResults: p.most, NextToken: p.next}
	for _, c := range p.items {
		out.Configurations = append(out.Configurations, described(c))
	}
	return out, nil
}
