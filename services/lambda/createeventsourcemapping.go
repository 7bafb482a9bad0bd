package lambda

import (
	"context"

	"millrace/esm"
	"millrace/runtime/arn"
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
//   - a RabbitMQ broker of Amazon MQ needs one name in Queues, and a BASIC_AUTH in
//     SourceAccessConfigurations: the ARN of a secret with username and password.
//     VIRTUAL_HOST is "/" by default. BatchSize is 1 to 10000, 100 by default; without
//     MaximumBatchingWindowInSeconds batches are collected for 500 ms. Neither broker,
//     virtual host, queue nor secret have to be there: StateTransitionReason and
//     LastProcessingResult say what is missing, and messages flow when it is there
//
// Not supported: sources other than SQS queues and RabbitMQ brokers,
// ProvisionedPollerConfig, MetricsConfig, LoggingConfig and KMSKeyArn.
func (s *Service) CreateEventSourceMapping(ctx context.Context, in *api.CreateEventSourceMappingInput) (*api.CreateEventSourceMappingOutput, error) {
	r, err := named(ctx, "CreateEventSourceMapping", in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	if in.SelfManagedEventSource != nil && len(in.SourceAccessConfigurations) == 0 {
		return nil, invalidValue("Required 'sourceAccessConfigurations' parameter is missing.")
	}
	kind := kindOf(kit.Value(in.EventSourceArn))
	if kind == nil {
		return nil, invalidValue("Unrecognized event source.")
	}
	err = kind.check([]member{
		{"BisectBatchOnFunctionError", in.BisectBatchOnFunctionError != nil, false},
		{"DestinationConfig", in.DestinationConfig != nil, false},
		{"FunctionResponseTypes", len(in.FunctionResponseTypes) > 0, false},
		{"KMSKeyArn", in.KMSKeyArn != nil, true},
		{"LoggingConfig", in.LoggingConfig != nil, true},
		{"MaximumRecordAgeInSeconds", in.MaximumRecordAgeInSeconds != nil, false},
		{"MaximumRetryAttempts", in.MaximumRetryAttempts != nil, false},
		{"MetricsConfig", in.MetricsConfig != nil && len(in.MetricsConfig.Metrics) > 0, true},
		{"ParallelizationFactor", in.ParallelizationFactor != nil, false},
		{"ProvisionedPollerConfig", in.ProvisionedPollerConfig != nil, true},
		{"Queues", in.Queues != nil, false},
		{"ScalingConfig", in.ScalingConfig != nil, false},
		{"SourceAccessConfigurations", in.SourceAccessConfigurations != nil, false},
		{"StartingPosition", in.StartingPosition != nil, false},
		{"StartingPositionTimestamp", in.StartingPositionTimestamp != nil, false},
		{"Topics", in.Topics != nil, false},
		{"TumblingWindowInSeconds", in.TumblingWindowInSeconds != nil, false},
	})
	if err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	c := identity.From(ctx)
	m := esm.Mapping{
		Account: c.Account, Region: c.Region, EventSource: kit.Value(in.EventSourceArn), FunctionARN: r.String(),
		Window: esm.OwnWindow, Enabled: true, Tags: in.Tags,
	}
	if kind == ofBroker {
		if err := consume(&m, in); err != nil {
			return nil, err
		}
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

// consume sets what a mapping has for a broker's queue.
func consume(m *esm.Mapping, in *api.CreateEventSourceMappingInput) (err error) {
	switch a, _ := arn.Parse(m.EventSource); {
	case a.Account != m.Account:
		return invalidValue("Event source mappings of Amazon MQ brokers in another account are not supported.")
	case len(in.Queues) == 0:
		return invalidValue("Required 'queues' parameter is missing.")
	case len(in.SourceAccessConfigurations) == 0:
		return invalidValue("Required 'sourceAccessConfigurations' parameter is missing.")
	}
	m.Queue = in.Queues[0]
	m.Access, err = access(in.SourceAccessConfigurations, true)
	return err
}
