package lambda_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const recordsQueue = "arn:aws:sqs:us-east-1:000000000000:records"

func TestEventInvokeConfigLifecycle(t *testing.T) {
	w := serve(t)
	w.mustCreate("orders")
	w.mustCreate("other")
	ctx, name := t.Context(), aws.String("orders")
	want := func(rule string, arn, success, failure *string, retries, age *int32, c types.DestinationConfig, gotRetries, gotAge *int32) {
		t.Helper()
		if aws.ToString(arn) != arnOf+"orders:$LATEST" {
			t.Errorf("%s: ARN %s", rule, aws.ToString(arn))
		}
		destinations := types.DestinationConfig{OnSuccess: &types.OnSuccess{Destination: success}, OnFailure: &types.OnFailure{Destination: failure}}
		if d := cmp.Diff(destinations, c, cmpopts.IgnoreUnexported(types.DestinationConfig{}, types.OnSuccess{}, types.OnFailure{})); d != "" {
			t.Errorf("%s: destinations, -want +got:\n%s", rule, d)
		}
		if d := cmp.Diff([]*int32{retries, age}, []*int32{gotRetries, gotAge}); d != "" {
			t.Errorf("%s: retries and age, -want +got:\n%s", rule, d)
		}
	}
	put, err := w.PutFunctionEventInvokeConfig(ctx, &sdk.PutFunctionEventInvokeConfigInput{
		FunctionName: name, MaximumRetryAttempts: aws.Int32(1), DestinationConfig: &types.DestinationConfig{OnSuccess: &types.OnSuccess{Destination: aws.String(recordsQueue)}},
	})
	must(t, err)
	want("put", put.FunctionArn, aws.String(recordsQueue), nil, aws.Int32(1), nil, *put.DestinationConfig, put.MaximumRetryAttempts, put.MaximumEventAgeInSeconds)
	if put.LastModified == nil {
		t.Error("put: no LastModified")
	}

	updated, err := w.UpdateFunctionEventInvokeConfig(ctx, &sdk.UpdateFunctionEventInvokeConfigInput{FunctionName: aws.String(arnOf + "orders"), Qualifier: aws.String("$LATEST"), MaximumEventAgeInSeconds: aws.Int32(60)})
	must(t, err)
	want("update keeps what is absent", updated.FunctionArn, aws.String(recordsQueue), nil, aws.Int32(1), aws.Int32(60), *updated.DestinationConfig, updated.MaximumRetryAttempts, updated.MaximumEventAgeInSeconds)

	_, err = w.PutFunctionEventInvokeConfig(ctx, &sdk.PutFunctionEventInvokeConfigInput{
		FunctionName: name, DestinationConfig: &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String(arnOf + "other")}},
	})
	must(t, err)
	got, err := w.GetFunctionEventInvokeConfig(ctx, &sdk.GetFunctionEventInvokeConfigInput{FunctionName: name})
	must(t, err)
	want("put replaces all", got.FunctionArn, nil, aws.String(arnOf+"other"), nil, nil, *got.DestinationConfig, got.MaximumRetryAttempts, got.MaximumEventAgeInSeconds)

	list, err := w.ListFunctionEventInvokeConfigs(ctx, &sdk.ListFunctionEventInvokeConfigsInput{FunctionName: name})
	must(t, err)
	if len(list.FunctionEventInvokeConfigs) != 1 || list.NextMarker != nil {
		t.Errorf("list: %+v", list)
	}
	_, err = w.DeleteFunctionEventInvokeConfig(ctx, &sdk.DeleteFunctionEventInvokeConfigInput{FunctionName: name})
	must(t, err)
	list, err = w.ListFunctionEventInvokeConfigs(ctx, &sdk.ListFunctionEventInvokeConfigsInput{FunctionName: name})
	must(t, err)
	if len(list.FunctionEventInvokeConfigs) != 0 {
		t.Errorf("list after delete: %+v", list)
	}
}

func TestEventInvokeConfigRefuses(t *testing.T) {
	w := serve(t)
	w.mustCreate("orders")
	const param, missing = "InvalidParameterValueException", "ResourceNotFoundException"
	put := func(change func(*sdk.PutFunctionEventInvokeConfigInput)) func(context.Context) error {
		return func(ctx context.Context) error {
			in := &sdk.PutFunctionEventInvokeConfigInput{FunctionName: aws.String("orders")}
			change(in)
			_, err := w.PutFunctionEventInvokeConfig(ctx, in)
			return err
		}
	}
	to := func(success, failure string) func(*sdk.PutFunctionEventInvokeConfigInput) {
		return func(in *sdk.PutFunctionEventInvokeConfigInput) {
			in.DestinationConfig = &types.DestinationConfig{}
			if success != "" {
				in.DestinationConfig.OnSuccess = &types.OnSuccess{Destination: &success}
			}
			if failure != "" {
				in.DestinationConfig.OnFailure = &types.OnFailure{Destination: &failure}
			}
		}
	}
	for _, c := range []struct {
		rule   string
		call   func(context.Context) error
		status int
		code   string
		text   string
	}{
		{"nothing given", put(func(*sdk.PutFunctionEventInvokeConfigInput) {}), 400, param, "You must specify at least one of error handling or destination setting."},
		{"no such function", put(func(in *sdk.PutFunctionEventInvokeConfigInput) {
			in.FunctionName, in.MaximumRetryAttempts = aws.String("none"), aws.Int32(1)
		}), 404, missing, "The function doesn't exist."},
		{"no such version", put(func(in *sdk.PutFunctionEventInvokeConfigInput) {
			in.Qualifier, in.MaximumRetryAttempts = aws.String("7"), aws.Int32(1)
		}), 404, missing, "The function doesn't exist."},
		{"itself", put(to(arnOf+"orders", "")), 400, param, "You can't specify the function as a destination for itself."},
		{"no such destination function", put(to(arnOf+"none", "")), 400, param, "The destination ARN " + arnOf + "none is invalid."},
		{"a FIFO queue", put(to("", recordsQueue+".fifo")), 400, param, "The destination ARN " + recordsQueue + ".fifo is invalid."},
		{"a service that is no destination", put(to("arn:aws:iam::000000000000:role/r", recordsQueue)), 400, param,
			"The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=arn:aws:iam::000000000000:role/r), onFailure=OnFailure(destination=" + recordsQueue + ")) is invalid."},
		{"a FIFO topic", put(to("", "arn:aws:sns:us-east-1:000000000000:t.fifo")), 400, param,
			"The destination ARN arn:aws:sns:us-east-1:000000000000:t.fifo is invalid."},
		{"a bucket for successes", put(to("arn:aws:s3:::records", "")), 400, param,
			"The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=arn:aws:s3:::records), onFailure=null) is invalid."},
		{"an object", put(to("", "arn:aws:s3:::records/key")), 400, param,
			"The provided destination config DestinationConfig(onSuccess=null, onFailure=OnFailure(destination=arn:aws:s3:::records/key)) is invalid."},
		{"too many retries", put(func(in *sdk.PutFunctionEventInvokeConfigInput) { in.MaximumRetryAttempts = aws.Int32(3) }), 400, "ValidationException",
			"1 validation error detected: Value '3' at 'maximumRetryAttempts' failed to satisfy constraint: Member must have value less than or equal to 2"},
		{"too young", put(func(in *sdk.PutFunctionEventInvokeConfigInput) { in.MaximumEventAgeInSeconds = aws.Int32(59) }), 400, "ValidationException",
			"1 validation error detected: Value '59' at 'maximumEventAgeInSeconds' failed to satisfy constraint: Member must have value greater than or equal to 60"},
		{"an update of nothing", func(ctx context.Context) error {
			_, err := w.UpdateFunctionEventInvokeConfig(ctx, &sdk.UpdateFunctionEventInvokeConfigInput{FunctionName: aws.String("orders"), MaximumRetryAttempts: aws.Int32(1)})
			return err
		}, 404, missing, "The function " + arnOf + "orders:$LATEST doesn't have an EventInvokeConfig"},
		{"a get of nothing", func(ctx context.Context) error {
			_, err := w.GetFunctionEventInvokeConfig(ctx, &sdk.GetFunctionEventInvokeConfigInput{FunctionName: aws.String("orders")})
			return err
		}, 404, missing, "The function " + arnOf + "orders:$LATEST doesn't have an EventInvokeConfig"},
		{"a delete of nothing", func(ctx context.Context) error {
			_, err := w.DeleteFunctionEventInvokeConfig(ctx, &sdk.DeleteFunctionEventInvokeConfigInput{FunctionName: aws.String("orders")})
			return err
		}, 404, missing, "The function " + arnOf + "orders:$LATEST doesn't have an EventInvokeConfig"},
	} {
		t.Run(c.rule, func(t *testing.T) { wants(t, c.call(t.Context()), c.status, c.code, c.text) })
	}
}

func TestDeadLetterConfig(t *testing.T) {
	w := serve(t)
	in := w.input("orders")
	in.DeadLetterConfig = &types.DeadLetterConfig{TargetArn: aws.String(recordsQueue)}
	created, err := w.CreateFunction(t.Context(), in)
	must(t, err)
	if c := created.DeadLetterConfig; c == nil || aws.ToString(c.TargetArn) != recordsQueue {
		t.Errorf("created with %+v", c)
	}
	_, err = w.UpdateFunctionConfiguration(t.Context(), &sdk.UpdateFunctionConfigurationInput{FunctionName: in.FunctionName, Description: aws.String("new")})
	must(t, err)
	got, err := w.GetFunctionConfiguration(t.Context(), &sdk.GetFunctionConfigurationInput{FunctionName: in.FunctionName})
	must(t, err)
	if c := got.DeadLetterConfig; c == nil || aws.ToString(c.TargetArn) != recordsQueue {
		t.Errorf("an update of something else left %+v", c)
	}
	updated, err := w.UpdateFunctionConfiguration(t.Context(), &sdk.UpdateFunctionConfigurationInput{FunctionName: in.FunctionName, DeadLetterConfig: &types.DeadLetterConfig{TargetArn: aws.String("")}})
	must(t, err)
	if updated.DeadLetterConfig != nil {
		t.Errorf("taken away, yet %+v", updated.DeadLetterConfig)
	}
}
