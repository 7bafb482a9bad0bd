package lambda

import (
	"context"

	"millrace/esm"
	"millrace/runtime/queue"
	api "millrace/services/internal/api/lambda"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// CreateEventSourceMapping   restJson1
//
//   - answers 202 and State Creating, Enabled a moment later; with Enabled=false
//     Disabled at once
//   - BatchSize is 1 to 10 for a FIFO queue, else 1 to 10000, 10 by default;
//     above 10 only with a window
//   - function and queue must exist in one region, and the queue's visibility
//     timeout be no less than the function's time-out
//   - the policy of another account's queue must let the function's role receive
//     and delete messages, and get attributes
//   - one mapping for a queue and a function: the second is refused with
//     ResourceConflictException, which names the first
//
// Not supported: sources other than SQS queues, ProvisionedPollerConfig,
// MetricsConfig, LoggingConfig and KMSKeyArn.
func (s *Service) CreateEventSourceMapping(ctx context.Context, in *api.CreateEventSourceMappingInput) (*api.CreateEventSourceMappingOutput, error) {
	r, err := named(ctx, "CreateEventSourceMapping", in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	if in.SelfManagedEventSource != nil && len(in.SourceAccessConfigurations) == 0 {
		return nil, invalidValue("Required 'sourceAccessConfigurations' parameter is missing.")
	}
	if _, ok := queue.IDFromARN(kit.Value(in.EventSourceArn)); !ok {
		return nil, invalidValue("Unrecognized event source.")
	}
	err = rejected{
		unsupported: []member{
			{"BisectBatchOnFunctionError", in.BisectBatchOnFunctionError != nil},
			{"DestinationConfig", in.DestinationConfig != nil},
			{"MaximumRecordAgeInSeconds", in.MaximumRecordAgeInSeconds != nil},
			{"MaximumRetryAttempts", in.MaximumRetryAttempts != nil},
			{"ParallelizationFactor", in.ParallelizationFactor != nil},
			{"Queues", in.Queues != nil},
			{"SourceAccessConfigurations", in.SourceAccessConfigurations != nil},
			{"StartingPosition", in.StartingPosition != nil},
			{"StartingPositionTimestamp", in.StartingPositionTimestamp != nil},
			{"Topics", in.Topics != nil},
			{"TumblingWindowInSeconds", in.TumblingWindowInSeconds != nil},
		},
		missing: []member{
			{"KMSKeyArn", in.KMSKeyArn != nil},
			{"LoggingConfig", in.LoggingConfig != nil},
			{"MetricsConfig", in.MetricsConfig != nil && len(in.MetricsConfig.Metrics) > 0},
			{"ProvisionedPollerConfig", in.ProvisionedPollerConfig != nil},
		},
	}.check()
	if err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	c := identity.From(ctx)
	m := esm.Mapping{
		Account: c.Account, Region: c.Region, EventSource: kit.Value(in.EventSourceArn), FunctionARN: r.String(), Enabled: true, Tags: in.Tags,
	}
	mappingSettings{
		BatchSize: in.BatchSize, Window: in.MaximumBatchingWindowInSeconds, Enabled: in.Enabled,
		ResponseTypes: in.FunctionResponseTypes, Filters: in.FilterCriteria, Scaling: in.ScalingConfig,
	}.apply(&m)
	if m, err = s.mappings.Create(ctx, m); err != nil {
		return nil, fromMappings(err, "create")
	}
	return (*api.CreateEventSourceMappingOutput)(shown(m)), nil
}
