package mq

import (
	"context"

	"millrace/runtime/broker/catalog"
	api "millrace/services/internal/api/mq"
)

// DescribeBrokerEngineTypes   restJson1
//
//   - the engines, and the versions that brokers can be created with, newest first
func (s *Service) DescribeBrokerEngineTypes(_ context.Context, in *api.DescribeBrokerEngineTypesInput) (*api.DescribeBrokerEngineTypesOutput, error) {
	only, err := member("engineType", in.EngineType, catalog.ParseEngine)
	if err != nil {
		return nil, err
	}
	var engines []catalog.Engine
	for _, e := range []catalog.Engine{catalog.ActiveMQ, catalog.RabbitMQ} {
		if only == "" || e == only {
			engines = append(engines, e)
		}
	}
	p, err := page(engines, func(e catalog.Engine) string { return string(e) }, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &api.DescribeBrokerEngineTypesOutput{BrokerEngineTypes: []*api.BrokerEngineType{}, MaxResults: p.most, NextToken: p.next}
	for _, e := range p.items {
		t := &api.BrokerEngineType{EngineType: new(string(e))}
		for _, v := range catalog.Versions(e) {
			t.EngineVersions = append(t.EngineVersions, &api.EngineVersion{Name: new(v.Name)})
		}
		out.BrokerEngineTypes = append(out.BrokerEngineTypes, t)
	}
	return out, nil
}
