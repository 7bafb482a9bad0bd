package lambda

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"millrace/runtime/arn"
	"millrace/runtime/function"
	"millrace/runtime/queue"
	"millrace/runtime/topic"
	api "millrace/services/internal/api/lambda"
	"millrace/services/internal/kit"
	"millrace/services/internal/wire"
)

// PutFunctionEventInvokeConfig   restJson1
//
//   - replaces the configuration of the function's asynchronous invocations: what is
//     absent is Lambda's default again
//   - destinations are standard queues, standard topics and functions, and never the
//     function itself; a function has to be there, the others have not
//   - OnFailure may be a bucket too, which gets an object for each record:
//     aws/lambda/async/<function>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<UUID>
//   - an event keeps the configuration under which it was accepted
//
// Not supported: destinations that are event buses. Whether the function's role may put
// objects is not asked.
func (s *Service) PutFunctionEventInvokeConfig(ctx context.Context, in *api.PutFunctionEventInvokeConfigInput) (*api.PutFunctionEventInvokeConfigOutput, error) {
	c := asyncChange{in.MaximumRetryAttempts, in.MaximumEventAgeInSeconds, in.DestinationConfig}
	out, err := s.changeAsync(ctx, "PutFunctionEventInvokeConfig", in.FunctionName, in.Qualifier, c, func(f *function.Function) error {
		f.Async = &function.Async{}
		return nil
	})
	return (*api.PutFunctionEventInvokeConfigOutput)(out), err
}

// UpdateFunctionEventInvokeConfig   restJson1
//
//   - as PutFunctionEventInvokeConfig, but what is absent stays as it is; a
//     DestinationConfig replaces both destinations
//   - a function without a configuration is ResourceNotFoundException
func (s *Service) UpdateFunctionEventInvokeConfig(ctx context.Context, in *api.UpdateFunctionEventInvokeConfigInput) (*api.UpdateFunctionEventInvokeConfigOutput, error) {
	c := asyncChange{in.MaximumRetryAttempts, in.MaximumEventAgeInSeconds, in.DestinationConfig}
	out, err := s.changeAsync(ctx, "UpdateFunctionEventInvokeConfig", in.FunctionName, in.Qualifier, c, hasAsync)
	return (*api.UpdateFunctionEventInvokeConfigOutput)(out), err
}

// GetFunctionEventInvokeConfig   restJson1
//
//   - a function without a configuration is ResourceNotFoundException
func (s *Service) GetFunctionEventInvokeConfig(ctx context.Context, in *api.GetFunctionEventInvokeConfigInput) (*api.GetFunctionEventInvokeConfigOutput, error) {
	f, _, err := s.findAsync(ctx, "GetFunctionEventInvokeConfig", in.FunctionName, in.Qualifier)
	if err == nil {
		err = hasAsync(&f)
	}
	if err != nil {
		return nil, err
	}
	return (*api.GetFunctionEventInvokeConfigOutput)(eventInvokeConfig(f)), nil
}

// ListFunctionEventInvokeConfigs   restJson1
//
//   - one configuration at most: $LATEST is the only version
func (s *Service) ListFunctionEventInvokeConfigs(ctx context.Context, in *api.ListFunctionEventInvokeConfigsInput) (*api.ListFunctionEventInvokeConfigsOutput, error) {
	f, _, err := s.findAsync(ctx, "ListFunctionEventInvokeConfigs", in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	out := &api.ListFunctionEventInvokeConfigsOutput{FunctionEventInvokeConfigs: []*api.FunctionEventInvokeConfig{}}
	if f.Async != nil {
		out.FunctionEventInvokeConfigs = append(out.FunctionEventInvokeConfigs, eventInvokeConfig(f))
	}
	return out, nil
}

// DeleteFunctionEventInvokeConfig   restJson1
//
//   - a function without a configuration is ResourceNotFoundException
func (s *Service) DeleteFunctionEventInvokeConfig(ctx context.Context, in *api.DeleteFunctionEventInvokeConfigInput) (*api.DeleteFunctionEventInvokeConfigOutput, error) {
	_, r, err := s.findAsync(ctx, "DeleteFunctionEventInvokeConfig", in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	_, err = s.functions.Update(ctx, r.ID, func(f *function.Function) error {
		if err := hasAsync(f); err != nil {
			return err
		}
		f.Async = nil
		return nil
	})
	return &api.DeleteFunctionEventInvokeConfigOutput{}, fromDomain(err)
}

// An asyncChange is what Put and Update have in common.
type asyncChange struct {
	retries, age *int32
	destinations *api.DestinationConfig
}

// changeAsync checks a change and makes it, after what begin makes of the function.
func (s *Service) changeAsync(ctx context.Context, action string, name, qualifier *string, c asyncChange, begin func(*function.Function) error) (*api.FunctionEventInvokeConfig, error) {
	if c.retries == nil && c.age == nil && c.destinations == nil {
		return nil, invalidValue("You must specify at least one of error handling or destination setting.")
	}
	_, r, err := s.findAsync(ctx, action, name, qualifier)
	if err != nil {
		return nil, err
	}
	success, failure := c.targets()
	if err := s.checkDestinations(r.ID, success, failure); err != nil {
		return nil, err
	}
	f, err := s.functions.Update(ctx, r.ID, func(f *function.Function) error {
		if err := begin(f); err != nil {
			return err
		}
		f.Async.Modified = time.Now().UTC()
		if c.retries != nil {
			f.Async.MaxRetries = new(int(*c.retries))
		}
		if c.age != nil {
			f.Async.MaxAge = new(int(*c.age))
		}
		if c.destinations != nil {
			f.Async.OnSuccess, f.Async.OnFailure = success, failure
		}
		return nil
	})
	if err != nil {
		return nil, fromDomain(err)
	}
	return eventInvokeConfig(f), nil
}

func (c asyncChange) targets() (success, failure string) {
	if d := c.destinations; d != nil {
		if d.OnSuccess != nil {
			success = kit.Value(d.OnSuccess.Destination)
		}
		if d.OnFailure != nil {
			failure = kit.Value(d.OnFailure.Destination)
		}
	}
	return success, failure
}

// checkDestinations refuses what a function's records cannot be sent to.
func (s *Service) checkDestinations(id function.ID, success, failure string) error {
	for _, name := range []string{failure, success} {
		if name == "" {
			continue
		}
		a, err := arn.Parse(name)
		if err != nil {
			return badDestinations(success, failure)
		}
		switch a.Service {
		case "lambda":
			other, _, ok := function.IDFromARN(name)
			if _, err := s.functions.Get(other); !ok || err != nil {
				return invalidValue("The destination ARN %s is invalid.", name)
			}
			if other == id {
				return invalidValue("You can't specify the function as a destination for itself.")
			}
		case "sqs":
			if q, ok := queue.IDFromARN(name); !ok || q.FIFO() {
				return invalidValue("The destination ARN %s is invalid.", name)
			}
		case "sns":
			if t, ok := topic.ParseARN(name); !ok || t.FIFO() {
				return invalidValue("The destination ARN %s is invalid.", name)
			}
		case "s3":
			if name == success || a.Region != "" || a.Account != "" || a.Resource == "" || strings.ContainsRune(a.Resource, '/') {
				return badDestinations(success, failure)
			}
		case "events":
			return invalidValue("The destination %s is not supported by Millrace, which sends to queues, topics, functions and buckets.", name)
		default:
			return badDestinations(success, failure)
		}
	}
	return nil
}

func badDestinations(success, failure string) error {
	text := func(kind, name string) string {
		if name == "" {
			return "null"
		}
		return fmt.Sprintf("%s(destination=%s)", kind, name)
	}
	return invalidValue("The provided destination config DestinationConfig(onSuccess=%s, onFailure=%s) is invalid.",
		text("OnSuccess", success), text("OnFailure", failure))
}

// findAsync is find, with the text that these operations have for a function that is
// not there.
func (s *Service) findAsync(ctx context.Context, action string, name, qualifier *string) (function.Function, ref, error) {
	f, r, err := s.find(ctx, action, name, qualifier)
	if e := (*wire.Error)(nil); errors.As(err, &e) && e.Code == "ResourceNotFoundException" && r.Name != "" {
		err = notFound("The function doesn't exist.")
	}
	return f, r, err
}

// hasAsync is ResourceNotFoundException for a function without a configuration.
func hasAsync(f *function.Function) error {
	if f.Async == nil {
		return notFound("The function %s doesn't have an EventInvokeConfig", ref{f.ID(), function.Latest})
	}
	return nil
}

func eventInvokeConfig(f function.Function) *api.FunctionEventInvokeConfig {
	c := &api.FunctionEventInvokeConfig{
		FunctionArn:  new(ref{f.ID(), function.Latest}.String()),
		LastModified: &f.Async.Modified,
		DestinationConfig: &api.DestinationConfig{
			OnSuccess: &api.OnSuccess{Destination: kit.Optional(f.Async.OnSuccess)},
			OnFailure: &api.OnFailure{Destination: kit.Optional(f.Async.OnFailure)},
		},
	}
	if n := f.Async.MaxRetries; n != nil {
		c.MaximumRetryAttempts = new(int32(*n))
	}
	if n := f.Async.MaxAge; n != nil {
		c.MaximumEventAgeInSeconds = new(int32(*n))
	}
	return c
}
