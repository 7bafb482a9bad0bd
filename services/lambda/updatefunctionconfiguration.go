package lambda

import (
	"context"

	"millrace/runtime/function"
	api "millrace/services/internal/api/lambda"
	"millrace/services/internal/kit"
)

// UpdateFunctionConfiguration   restJson1
//
//   - members that are absent leave what is there; Environment replaces all
//     variables
//   - events from now on run in new environments; those that run come to their end
//   - a RevisionId that is past is refused with PreconditionFailedException
//   - answers LastUpdateStatus InProgress; Successful for the next request
//
// Not supported: what CreateFunction does not support.
func (s *Service) UpdateFunctionConfiguration(ctx context.Context, in *api.UpdateFunctionConfigurationInput) (*api.UpdateFunctionConfigurationOutput, error) {
	_, r, err := s.find(ctx, "UpdateFunctionConfiguration", in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	change := settings{
		Description: in.Description, Environment: in.Environment, EphemeralStorage: in.EphemeralStorage, Handler: in.Handler,
		KMSKeyArn: in.KMSKeyArn, Layers: in.Layers, LoggingConfig: in.LoggingConfig, MemorySize: in.MemorySize, Role: in.Role,
		Runtime: in.Runtime, SnapStart: in.SnapStart, Timeout: in.Timeout, TracingConfig: in.TracingConfig, VpcConfig: in.VpcConfig,
		DeadLetterConfig: in.DeadLetterConfig, FileSystems: len(in.FileSystemConfigs),
	}
	f, err := s.functions.Configure(ctx, r.ID, kit.Value(in.RevisionId), func(f *function.Function) error { return change.apply(f) })
	if err != nil {
		return nil, fromDomain(err)
	}
	return (*api.UpdateFunctionConfigurationOutput)(updated(f)), nil
}
