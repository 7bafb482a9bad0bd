package lambda_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const queueARN = "arn:aws:sqs:us-east-1:000000000000:inbox"

func (w *world) mustMap(source, function string) *sdk.CreateEventSourceMappingOutput {
	w.t.Helper()
	out, err := w.CreateEventSourceMapping(w.t.Context(), &sdk.CreateEventSourceMappingInput{EventSourceArn: &source, FunctionName: &function})
	must(w.t, err)
	return out
}

func TestMappingsAnswerAsAWSDoes(t *testing.T) {
	w := serve(t)
	w.mustCreate("orders")
	got, err := w.CreateEventSourceMapping(t.Context(), &sdk.CreateEventSourceMappingInput{
		EventSourceArn: aws.String(queueARN), FunctionName: aws.String("orders"), BatchSize: aws.Int32(5),
		FunctionResponseTypes: []types.FunctionResponseType{"ReportBatchItemFailures"},
		FilterCriteria:        &types.FilterCriteria{Filters: []types.Filter{{Pattern: aws.String(`{"body":{"a":[1]}}`)}}},
		ScalingConfig:         &types.ScalingConfig{MaximumConcurrency: aws.Int32(2)},
		Tags:                  map[string]string{"team": "a"},
	})
	must(t, err)
	want := &sdk.CreateEventSourceMappingOutput{
		UUID: got.UUID, LastModified: got.LastModified, State: aws.String("Creating"), StateTransitionReason: aws.String("USER_INITIATED"),
		EventSourceArn: aws.String(queueARN), EventSourceMappingArn: aws.String("arn:aws:lambda:us-east-1:000000000000:event-source-mapping:" + *got.UUID),
		FunctionArn: aws.String(arnOf + "orders"), BatchSize: aws.Int32(5), MaximumBatchingWindowInSeconds: aws.Int32(0),
		FunctionResponseTypes: []types.FunctionResponseType{"ReportBatchItemFailures"},
		FilterCriteria:        &types.FilterCriteria{Filters: []types.Filter{{Pattern: aws.String(`{"body":{"a":[1]}}`)}}},
		ScalingConfig:         &types.ScalingConfig{MaximumConcurrency: aws.Int32(2)},
	}
	if d := cmp.Diff(want, got, cmpopts.IgnoreTypes(got.ResultMetadata), cmpopts.IgnoreUnexported(*want, types.FilterCriteria{}, types.Filter{}, types.ScalingConfig{})); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}

	now, err := w.GetEventSourceMapping(t.Context(), &sdk.GetEventSourceMappingInput{UUID: got.UUID})
	must(t, err)
	if *now.State != "Enabled" {
		t.Errorf("then it is %s", *now.State)
	}
	tags, err := w.ListTags(t.Context(), &sdk.ListTagsInput{Resource: got.EventSourceMappingArn})
	must(t, err)
	if tags.Tags["team"] != "a" {
		t.Errorf("tags %v", tags.Tags)
	}

	updated, err := w.UpdateEventSourceMapping(t.Context(), &sdk.UpdateEventSourceMappingInput{
		UUID: got.UUID, BatchSize: aws.Int32(7), FilterCriteria: &types.FilterCriteria{}, ScalingConfig: &types.ScalingConfig{},
		FunctionResponseTypes: []types.FunctionResponseType{},
	})
	must(t, err)
	if *updated.State != "Updating" || *updated.BatchSize != 7 || updated.FilterCriteria != nil || updated.ScalingConfig != nil ||
		updated.FunctionResponseTypes == nil || len(updated.FunctionResponseTypes) != 0 {
		t.Errorf("updated: %+v", updated)
	}

	deleted, err := w.DeleteEventSourceMapping(t.Context(), &sdk.DeleteEventSourceMappingInput{UUID: got.UUID})
	must(t, err)
	if *deleted.State != "Deleting" {
		t.Errorf("deleted: %s", *deleted.State)
	}
}

func TestMappingsRefuse(t *testing.T) {
	w := serve(t)
	w.mustCreate("orders")
	first := w.mustMap(queueARN, "orders")
	const param = "InvalidParameterValueException"
	for _, c := range []struct {
		rule   string
		in     sdk.CreateEventSourceMappingInput
		status int
		code   string
		text   string
	}{
		{"the same again", sdk.CreateEventSourceMappingInput{EventSourceArn: aws.String(queueARN)}, 409, "ResourceConflictException",
			`An event source mapping with SQS arn (" ` + queueARN + ` ") and function (" orders ") already exists. Please update or delete the existing mapping with UUID ` + *first.UUID},
		{"no source", sdk.CreateEventSourceMappingInput{}, 400, param, "Unrecognized event source."},
		{"a stream", sdk.CreateEventSourceMappingInput{
			EventSourceArn: aws.String("arn:aws:kinesis:us-east-1:000000000000:stream/s"), StartingPosition: "LATEST"}, 400, param, "Unrecognized event source."},
		{"no such function", sdk.CreateEventSourceMappingInput{EventSourceArn: aws.String(queueARN), FunctionName: aws.String("none")},
			400, param, "Function does not exist"},
		{"no such queue", sdk.CreateEventSourceMappingInput{EventSourceArn: aws.String("arn:aws:sqs:us-east-1:000000000000:gone")}, 400, param,
			"Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist."},
		{"a stream's setting", sdk.CreateEventSourceMappingInput{EventSourceArn: aws.String(queueARN), DestinationConfig: &types.DestinationConfig{}},
			400, param, "Unsupported DestinationConfig parameter for given event source mapping type."},
		{"a broker of one's own without credentials", sdk.CreateEventSourceMappingInput{SelfManagedEventSource: &types.SelfManagedEventSource{}},
			400, param, "Required 'sourceAccessConfigurations' parameter is missing."},
		{"provisioned pollers", sdk.CreateEventSourceMappingInput{EventSourceArn: aws.String(queueARN), ProvisionedPollerConfig: &types.ProvisionedPollerConfig{}},
			400, param, "ProvisionedPollerConfig is not supported by Millrace."},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if c.in.FunctionName == nil {
				c.in.FunctionName = aws.String("orders")
			}
			_, err := w.CreateEventSourceMapping(t.Context(), &c.in)
			wants(t, err, c.status, c.code, c.text)
		})
	}
	_, err := w.GetEventSourceMapping(t.Context(), &sdk.GetEventSourceMappingInput{UUID: aws.String("00000000-0000-0000-0000-000000000000")})
	wants(t, err, 404, "ResourceNotFoundException", "The resource you requested does not exist.")
}

func TestListEventSourceMappingsSelects(t *testing.T) {
	w := serve(t)
	w.mustCreate("orders")
	w.mustCreate("returns")
	w.mustMap(queueARN, "orders")
	w.mustMap(queueARN, "returns")
	w.mustMap(queueARN+"2", "orders")
	for _, c := range []struct {
		rule string
		in   sdk.ListEventSourceMappingsInput
		want int
	}{
		{"all", sdk.ListEventSourceMappingsInput{}, 3},
		{"of a source", sdk.ListEventSourceMappingsInput{EventSourceArn: aws.String(queueARN)}, 2},
		{"of a function", sdk.ListEventSourceMappingsInput{FunctionName: aws.String("orders")}, 2},
		{"of both", sdk.ListEventSourceMappingsInput{EventSourceArn: aws.String(queueARN), FunctionName: aws.String("orders")}, 1},
		{"a page at a time", sdk.ListEventSourceMappingsInput{MaxItems: aws.Int32(1)}, 3},
	} {
		t.Run(c.rule, func(t *testing.T) {
			n := 0
			for p := sdk.NewListEventSourceMappingsPaginator(w, &c.in); p.HasMorePages(); {
				got, err := p.NextPage(t.Context())
				must(t, err)
				n += len(got.EventSourceMappings)
			}
			if n != c.want {
				t.Errorf("got %d, want %d", n, c.want)
			}
		})
	}
}
