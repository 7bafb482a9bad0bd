package lambda

import (
	"context"

	api "millrace/services/internal/api/lambda"
	"millrace/services/internal/identity"
)

// GetFunction   restJson1
//
//   - FunctionArn is qualified when the request was
//   - Code.Location is a URL of the runtime itself, good for as long as the
//     function is
//   - Tags and Concurrency are there only when there are any
func (s *Service) GetFunction(ctx context.Context, in *api.GetFunctionInput) (*api.GetFunctionOutput, error) {
	f, r, err := s.find(ctx, "GetFunction", in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	out := &api.GetFunctionOutput{Configuration: configuration(f, r.Qualifier)}
	if !f.InProcess {
		out.Code = &api.FunctionCodeLocation{RepositoryType: new("S3"), Location: new(codeURL(identity.From(ctx).Host, r.ID))}
	}
	if len(f.Tags) > 0 {
		out.Tags = f.Tags
	}
	if f.Reserved != nil {
		out.Concurrency = &api.Concurrency{ReservedConcurrentExecutions: new(int32(*f.Reserved))}
	}
	return out, nil
}

// GetFunctionConfiguration   restJson1
//
//   - FunctionArn is qualified when the request was
func (s *Service) GetFunctionConfiguration(ctx context.Context, in *api.GetFunctionConfigurationInput) (*api.GetFunctionConfigurationOutput, error) {
	f, r, err := s.find(ctx, "GetFunctionConfiguration", in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	return (*api.GetFunctionConfigurationOutput)(configuration(f, r.Qualifier)), nil
}
