package lambda

import (
	"context"
	"slices"

	"millrace/esm"
	"millrace/esm/source"
	api "millrace/services/internal/api/lambda"
	"millrace/services/internal/kit"
)

// UpdateEventSourceMapping   restJson1
//
//   - members that are absent leave what is there; an empty FilterCriteria,
//     ScalingConfig or FunctionResponseTypes removes it
//   - batches that run end as they began
//   - of a broker, SourceAccessConfigurations may not name a VIRTUAL_HOST; the one
//     of the mapping stays
//   - answers State Updating, Enabling or Disabling; ResourceInUseException while
//     the one before is under way
//
// Not supported: what CreateEventSourceMapping does not support.
func (s *Service) UpdateEventSourceMapping(ctx context.Context, in *api.UpdateEventSourceMappingInput) (*api.UpdateEventSourceMappingOutput, error) {
	old, err := s.mapped(ctx, in.UUID)
	if err != nil {
		return nil, err
	}
	kind := kindOf(old.EventSource)
	err = kind.check([]member{
		{"BisectBatchOnFunctionError", in.BisectBatchOnFunctionError != nil, false},
		{"DestinationConfig", in.DestinationConfig != nil, false},
		{"FunctionResponseTypes", len(in.FunctionResponseTypes) > 0, false},
		{"KMSKeyArn", kit.Value(in.KMSKeyArn) != "", true},
		{"LoggingConfig", in.LoggingConfig != nil, true},
		{"MaximumRecordAgeInSeconds", in.MaximumRecordAgeInSeconds != nil, false},
		{"MaximumRetryAttempts", in.MaximumRetryAttempts != nil, false},
		{"MetricsConfig", in.MetricsConfig != nil && len(in.MetricsConfig.Metrics) > 0, true},
		{"ParallelizationFactor", in.ParallelizationFactor != nil, false},
		{"ProvisionedPollerConfig", in.ProvisionedPollerConfig != nil, true},
		{"ScalingConfig", in.ScalingConfig != nil, false},
		{"SourceAccessConfigurations", in.SourceAccessConfigurations != nil, false},
		{"TumblingWindowInSeconds", in.TumblingWindowInSeconds != nil, false},
	})
	if err != nil {
		return nil, err
	}
	var login []source.Access
	if kind == ofBroker && in.SourceAccessConfigurations != nil {
		if login, err = access(in.SourceAccessConfigurations, false); err != nil {
			return nil, err
		}
	}
	function := ""
	if in.FunctionName != nil {
		r, err := named(ctx, "UpdateEventSourceMapping", in.FunctionName, nil)
		if err != nil {
			return nil, err
		}
		function = r.String()
	}
	change := mappingSettings{
		BatchSize: in.BatchSize, Window: in.MaximumBatchingWindowInSeconds, Enabled: in.Enabled,
		ResponseTypes: in.FunctionResponseTypes, Filters: in.FilterCriteria, Scaling: in.ScalingConfig,
	}
	m, err := s.mappings.Update(ctx, *in.UUID, func(m *esm.Mapping) error {
		if function != "" {
			m.FunctionARN = function
		}
		if login != nil { // the virtual host stays
			m.Access = append(login, slices.DeleteFunc(slices.Clone(m.Access), func(a source.Access) bool { return a.Type != source.VirtualHost })...)
		}
		change.apply(m)
		return nil
	})
	if err != nil {
		return nil, fromMappings(err, "update")
	}
	return (*api.UpdateEventSourceMappingOutput)(shown(m)), nil
}
