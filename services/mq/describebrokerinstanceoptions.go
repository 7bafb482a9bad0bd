package mq

import (
	"context"
	"slices"
	"strings"

	"millrace/runtime/broker/catalog"
	api "millrace/services/internal/api/mq"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// DescribeBrokerInstanceOptions   restJson1
//
//   - the rows by which CreateBroker is checked; each region has three zones
func (s *Service) DescribeBrokerInstanceOptions(ctx context.Context, in *api.DescribeBrokerInstanceOptionsInput) (*api.DescribeBrokerInstanceOptionsOutput, error) {
	engine, err := member("engineType", in.EngineType, catalog.ParseEngine)
	if err != nil {
		return nil, err
	}
	storage, err := member("storageType", in.StorageType, catalog.ParseStorage)
	if err != nil {
		return nil, err
	}
	instance := kit.Value(in.HostInstanceType)
	options := slices.DeleteFunc(s.catalog().Options(), func(o catalog.Option) bool {
		return engine != "" && o.Engine != engine || storage != "" && o.Storage != storage || instance != "" && o.Instance != instance
	})
	slices.SortFunc(options, func(a, b catalog.Option) int { return strings.Compare(optionKey(a), optionKey(b)) })
	p, err := page(options, optionKey, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	region := identity.From(ctx).Region
	out := &api.DescribeBrokerInstanceOptionsOutput{BrokerInstanceOptions: []*api.BrokerInstanceOption{}, MaxResults: p.most, NextToken: p.next}
	for _, o := range p.items {
		row := &api.BrokerInstanceOption{
			EngineType: new(string(o.Engine)), HostInstanceType: new(o.Instance), StorageType: lower(o.Storage),
			SupportedDeploymentModes: names(o.Modes), SupportedEngineVersions: o.Versions,
		}
		for _, zone := range []string{"a", "b", "c"} {
			row.AvailabilityZones = append(row.AvailabilityZones, &api.AvailabilityZone{Name: new(region + zone)})
		}
		out.BrokerInstanceOptions = append(out.BrokerInstanceOptions, row)
	}
	return out, nil
}

// optionKey orders options.
func optionKey(o catalog.Option) string {
	return string(o.Engine) + "/" + o.Instance + "/" + string(o.Storage)
}
