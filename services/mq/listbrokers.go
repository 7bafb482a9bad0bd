package mq

import (
	"context"

	"millrace/runtime/broker"
	api "millrace/services/internal/api/mq"
	"millrace/services/internal/identity"
)

// ListBrokers   restJson1
//
//   - ordered by name; brokers that come and go between two pages neither repeat nor
//     hide others
func (s *Service) ListBrokers(ctx context.Context, in *api.ListBrokersInput) (*api.ListBrokersOutput, error) {
	c := identity.From(ctx)
	p, err := page(s.brokers.List(c.Account, c.Region), func(b broker.Broker) string { return b.Name }, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &api.ListBrokersOutput{BrokerSummaries: []*api.BrokerSummary{}, NextToken: p.next}
	for _, b := range p.items {
		out.BrokerSummaries = append(out.BrokerSummaries, &api.BrokerSummary{
			BrokerArn: new(b.ARN().String()), BrokerId: new(b.ID), BrokerName: new(b.Name), BrokerState: new(string(b.State)), Created: new(b.Created),
			DeploymentMode: new(string(b.Mode)), EngineType: new(b.Engine.Title()), HostInstanceType: new(b.Settings.Instance),
		})
	}
	return out, nil
}
