package lambda

import (
	"context"

	"millrace/esm"
	api "millrace/services/internal/api/lambda"
	"millrace/services/internal/kit"
)

// UpdateEventSourceMapping   restJson1
//
//   - members that are absent leave what is there; an empty FilterCriteria,
//     ScalingConfig or FunctionResponseTypes removes it
//   - batches that run end as they began
//   - answers State Updating, Enabling or Disabling; ResourceInUseException while
//     the one before is under way
//
// Not supported: what CreateEventSourceMapping does not support.
func (s *Service) UpdateEventSourceMapping(ctx context.Context, in *api.UpdateEventSourceMappingInput) (*api.UpdateEventSourceMappingOutput, error) {
	if _, err := s.mapped(ctx, in.UUID); err != nil {
		return nil, err
	}
	err := rejected{
		unsupported: []member{
			{"BisectBatchOnFunctionError", in.BisectBatchOnFunctionError != nil},
			{"DestinationConfig", in.DestinationConfig != nil},
			{"MaximumRecordAgeInSeconds", in.MaximumRecordAgeInSeconds != nil},
			{"MaximumRetryAttempts", in.MaximumRetryAttempts != nil},
			{"ParallelizationFactor", in.ParallelizationFactor != nil},
			{"SourceAccessConfigurations", in.SourceAccessConfigurations != nil},
			{"TumblingWindowInSeconds", in.TumblingWindowInSeconds != nil},
		},
		missing: []member{
			{"KMSKeyArn", kit.Value(in.KMSKeyArn) != ""},
			{"LoggingConfig", in.LoggingConfig != nil},
			{"MetricsConfig", in.MetricsConfig != nil && len(in.MetricsConfig.Metrics) > 0},
			{"ProvisionedPollerConfig", in.ProvisionedPollerConfig != nil},
		},
	}.check()
	if err != nil {
		return nil, err
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
		change.apply(m)
		return nil
	})
	if err != nil {
		return nil, fromMappings(err, "update")
	}
	return (*api.UpdateEventSourceMappingOutput)(shown(m)), nil
}
