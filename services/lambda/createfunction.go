package lambda

import (
	"context"

	"millrace/runtime/function"
	api "millrace/services/internal/api/lambda"
	"millrace/services/internal/kit"
)

// CreateFunction   restJson1
//
//   - a name is 1 to 64 of A-Z a-z 0-9 - _; a partial ARN or ARN of the caller's
//     region is right too
//   - code is a zip file of at most 52428800 bytes, unzipped below 262144000;
//     that it holds a bootstrap is checked by the first invocation, as at AWS
//   - code in S3 is read once, now, with the caller's permissions; its bucket is in the
//     function's region
//   - Runtime is provided.al2023 or provided.al2; go1.x is refused in AWS's words
//   - the variables of Environment take at most 4096 bytes and no reserved names
//   - answers State Pending; the function and its code are durable by then, and
//     Active for the next request
//
// Not supported: other runtimes, container images, layers, file systems, SnapStart, dead-letter topics and published versions (Publish has no
// effect). VpcConfig, KMSKeyArn, EphemeralStorage and TracingConfig are shown and
// have no effect. Of LoggingConfig, SystemLogLevel has none; LogFormat, LogGroup
// and ApplicationLogLevel only set the function's AWS_LAMBDA_LOG_FORMAT,
// AWS_LAMBDA_LOG_GROUP_NAME and AWS_LAMBDA_LOG_LEVEL: nothing is filtered, the log
// stays text, and there are no log groups. Roles are not looked up.
func (s *Service) CreateFunction(ctx context.Context, in *api.CreateFunctionInput) (*api.CreateFunctionOutput, error) {
	r, err := named(ctx, "CreateFunction", in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	if len(r.Name) > 64 {
		return nil, constraint(*in.FunctionName, "functionName", "Member must have length less than or equal to 64")
	}
	if kit.Value(in.PackageType) == "Image" {
		return nil, invalidValue("Container images are not supported by Millrace: deploy a zip file with PackageType Zip.")
	}
	zip, err := s.code(ctx, kit.Value(in.Code))
	if err != nil {
		return nil, err
	}
	if kit.Value(in.Runtime) == "" || kit.Value(in.Handler) == "" {
		return nil, invalidValue("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	f := function.Function{Account: r.Account, Region: r.Region, Name: r.Name, Architectures: in.Architectures, Tags: in.Tags}
	err = settings{
		Description: in.Description, Environment: in.Environment, EphemeralStorage: in.EphemeralStorage, Handler: in.Handler,
		KMSKeyArn: in.KMSKeyArn, Layers: in.Layers, LoggingConfig: in.LoggingConfig, MemorySize: in.MemorySize, Role: in.Role,
		Runtime: in.Runtime, SnapStart: in.SnapStart, Timeout: in.Timeout, TracingConfig: in.TracingConfig, VpcConfig: in.VpcConfig,
		DeadLetterConfig: in.DeadLetterConfig, FileSystems: len(in.FileSystemConfigs),
	}.apply(&f)
	if err != nil {
		return nil, err
	}
	if f, err = s.functions.Create(ctx, f, zip); err != nil {
		return nil, fromDomain(err)
	}
	return (*api.CreateFunctionOutput)(created(f)), nil
}
