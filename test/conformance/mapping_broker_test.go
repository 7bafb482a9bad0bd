package conformance

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/mq"
	mqtypes "github.com/aws/aws-sdk-go-v2/service/mq/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"millrace/cmd/runtime/app"
	"millrace/test/testenv"
)

const (
	noBroker = "arn:aws:mq:us-east-1:000000000000:broker:orders:b-1234a5b6-78cd-901e-2fab-3c45d6e78f90"
	noSecret = "arn:aws:secretsmanager:us-east-1:000000000000:secret:login-AbCdEf"
)

func metadataOnly(c *app.Config) { c.MQ.Driver = "metadata" }

// brokerMapping is a request that is taken though nothing of it is there but the function.
func brokerMapping() *lambda.CreateEventSourceMappingInput {
	return &lambda.CreateEventSourceMappingInput{
		EventSourceArn: aws.String(noBroker), FunctionName: aws.String("orders"), Queues: []string{"jobs"},
		SourceAccessConfigurations: []types.SourceAccessConfiguration{{Type: "BASIC_AUTH", URI: aws.String(noSecret)}},
	}
}

// The answers for a broker's mapping. That there is no MaximumBatchingWindowInSeconds, and
// LastProcessingResult is, AWS's guide shows ("Using Lambda with Amazon MQ").
func TestMappingOfABroker(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		env.Handle("orders", func() {})
		client := lambda.NewFromConfig(env.AWS)
		in := brokerMapping()
		in.SourceAccessConfigurations = append(in.SourceAccessConfigurations, types.SourceAccessConfiguration{Type: "VIRTUAL_HOST", URI: aws.String("prod")})
		made, err := client.CreateEventSourceMapping(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		want := &lambda.CreateEventSourceMappingOutput{
			UUID: made.UUID, LastModified: made.LastModified, EventSourceMappingArn: made.EventSourceMappingArn,
			EventSourceArn: in.EventSourceArn, FunctionArn: aws.String("arn:aws:lambda:us-east-1:000000000000:function:orders"),
			BatchSize: aws.Int32(100), Queues: in.Queues, SourceAccessConfigurations: in.SourceAccessConfigurations,
			State: aws.String("Creating"), StateTransitionReason: aws.String("USER_INITIATED"), LastProcessingResult: aws.String("No records processed"),
		}
		ignored := []cmp.Option{cmpopts.IgnoreTypes(made.ResultMetadata), cmpopts.IgnoreUnexported(*made, lambda.UpdateEventSourceMappingOutput{}, types.SourceAccessConfiguration{})}
		if d := cmp.Diff(want, made, ignored...); d != "" {
			t.Errorf("created:\n%s", d)
		}

		updated, err := client.UpdateEventSourceMapping(t.Context(), &lambda.UpdateEventSourceMappingInput{
			UUID: made.UUID, BatchSize: aws.Int32(10_000), MaximumBatchingWindowInSeconds: aws.Int32(0),
			SourceAccessConfigurations: []types.SourceAccessConfiguration{{Type: "BASIC_AUTH", URI: aws.String(noSecret + "2")}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if aws.ToInt32(updated.MaximumBatchingWindowInSeconds) != 0 || updated.MaximumBatchingWindowInSeconds == nil || *updated.BatchSize != 10_000 {
			t.Errorf("updated: window %v, batches of %d", updated.MaximumBatchingWindowInSeconds, *updated.BatchSize)
		}
		access := []types.SourceAccessConfiguration{{Type: "BASIC_AUTH", URI: aws.String(noSecret + "2")}, {Type: "VIRTUAL_HOST", URI: aws.String("prod")}}
		if d := cmp.Diff(access, updated.SourceAccessConfigurations, ignored...); d != "" {
			t.Errorf("updated:\n%s", d)
		}
		time.Sleep(time.Second) // it has looked for the broker
		now, err := client.GetEventSourceMapping(t.Context(), &lambda.GetEventSourceMappingInput{UUID: made.UUID})
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "state of a mapping without its broker", *now.State+" "+*now.StateTransitionReason+" "+*now.LastProcessingResult,
			"Enabled ESM_CONFIG_NOT_VALID PROBLEM: The broker does not exist.")
	}, metadataOnly)
}

func TestRefusedMappingsOfABroker(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		env.Handle("orders", func() {})
		client := lambda.NewFromConfig(env.AWS)
		active, err := mq.NewFromConfig(env.AWS).CreateBroker(t.Context(), &mq.CreateBrokerInput{
			BrokerName: aws.String("active"), EngineType: mqtypes.EngineTypeActivemq, EngineVersion: aws.String("5.18"),
			DeploymentMode: mqtypes.DeploymentModeSingleInstance, HostInstanceType: aws.String("mq.m5.large"), PubliclyAccessible: aws.Bool(true),
			AutoMinorVersionUpgrade: aws.Bool(true), Users: []mqtypes.User{{Username: aws.String("admin"), Password: aws.String("millstones-grind")}},
		})
		if err != nil {
			t.Fatal(err)
		}
		first, err := client.CreateEventSourceMapping(t.Context(), brokerMapping())
		if err != nil {
			t.Fatal(err)
		}
		const param = "InvalidParameterValueException"
		unsupported := func(name string) string {
			return "Unsupported " + name + " parameter for given event source mapping type."
		}
		login := types.SourceAccessConfiguration{Type: "BASIC_AUTH", URI: aws.String(noSecret)}
		for rule, c := range map[string]struct {
			change     func(*lambda.CreateEventSourceMappingInput)
			code, text string
		}{
			"the same again": {func(in *lambda.CreateEventSourceMappingInput) {}, "ResourceConflictException",
				`The event source arn (" ` + noBroker + ` ") and function (" orders ") provided mapping already exists. Please update or delete the existing mapping with UUID ` + *first.UUID},
			"another account's broker": {func(in *lambda.CreateEventSourceMappingInput) {
				in.EventSourceArn = aws.String("arn:aws:mq:us-east-1:111122223333:broker:orders:b-1234a5b6-78cd-901e-2fab-3c45d6e78f90")
			}, param, "Event source mappings of Amazon MQ brokers in another account are not supported."},
			"another region's broker": {func(in *lambda.CreateEventSourceMappingInput) {
				in.EventSourceArn = aws.String("arn:aws:mq:eu-west-1:000000000000:broker:orders:b-1234a5b6-78cd-901e-2fab-3c45d6e78f90")
			}, param, "Event source region must match Lambda region us-east-1"},
			"ActiveMQ": {func(in *lambda.CreateEventSourceMappingInput) { in.EventSourceArn = active.BrokerArn }, param,
				"Event source mappings of ActiveMQ brokers are not supported by Millrace."},
			"no broker": {func(in *lambda.CreateEventSourceMappingInput) {
				in.EventSourceArn = aws.String("arn:aws:mq:us-east-1:000000000000:configuration:c-1")
			}, param, "Unrecognized event source."},
			"no queue":  {func(in *lambda.CreateEventSourceMappingInput) { in.Queues = nil }, param, "Required 'queues' parameter is missing."},
			"no access": {func(in *lambda.CreateEventSourceMappingInput) { in.SourceAccessConfigurations = nil }, param, "Required 'sourceAccessConfigurations' parameter is missing."},
			"no login": {func(in *lambda.CreateEventSourceMappingInput) { in.SourceAccessConfigurations[0].Type = "VIRTUAL_HOST" }, param,
				"A source access configuration of type BASIC_AUTH is required for given event source mapping type."},
			"two logins": {func(in *lambda.CreateEventSourceMappingInput) {
				in.SourceAccessConfigurations = append(in.SourceAccessConfigurations, login)
			}, param, "There must be no more than one source access configuration of type BASIC_AUTH."},
			"Kafka's login": {func(in *lambda.CreateEventSourceMappingInput) {
				in.SourceAccessConfigurations = append(in.SourceAccessConfigurations, types.SourceAccessConfiguration{Type: "SASL_SCRAM_512_AUTH", URI: aws.String(noSecret)})
			}, param, "Unsupported source access configuration type SASL_SCRAM_512_AUTH for given event source mapping type."},
			"a login that is no secret": {func(in *lambda.CreateEventSourceMappingInput) {
				in.SourceAccessConfigurations[0].URI = aws.String("login")
			}, param, "The URI of BASIC_AUTH must be the ARN of a secret in Secrets Manager."},
			"no function": {func(in *lambda.CreateEventSourceMappingInput) { in.FunctionName = aws.String("none") }, param, "Function does not exist"},
			"scaling": {func(in *lambda.CreateEventSourceMappingInput) {
				in.ScalingConfig = &types.ScalingConfig{MaximumConcurrency: aws.Int32(2)}
			}, param, unsupported("ScalingConfig")},
			"partial batches": {func(in *lambda.CreateEventSourceMappingInput) {
				in.FunctionResponseTypes = []types.FunctionResponseType{"ReportBatchItemFailures"}
			}, param, unsupported("FunctionResponseTypes")},
			"metrics": {func(in *lambda.CreateEventSourceMappingInput) {
				in.MetricsConfig = &types.EventSourceMappingMetricsConfig{Metrics: []types.EventSourceMappingMetric{"EventCount"}}
			}, param, unsupported("MetricsConfig")},
			"pollers": {func(in *lambda.CreateEventSourceMappingInput) {
				in.ProvisionedPollerConfig = &types.ProvisionedPollerConfig{MinimumPollers: aws.Int32(2)}
			}, param, unsupported("ProvisionedPollerConfig")},
			"a destination": {func(in *lambda.CreateEventSourceMappingInput) { in.DestinationConfig = &types.DestinationConfig{} }, param, unsupported("DestinationConfig")},
			"a start":       {func(in *lambda.CreateEventSourceMappingInput) { in.StartingPosition = "LATEST" }, param, unsupported("StartingPosition")},
			"bad filter": {func(in *lambda.CreateEventSourceMappingInput) {
				in.Queues = []string{"others"}
				in.FilterCriteria = &types.FilterCriteria{Filters: []types.Filter{{Pattern: aws.String("[]")}}}
			}, param, "Invalid filter pattern definition."},
		} {
			in := brokerMapping()
			c.change(in)
			_, err := client.CreateEventSourceMapping(t.Context(), in)
			wantError(t, rule, err, c.code, c.text)
		}

		_, err = client.UpdateEventSourceMapping(t.Context(), &lambda.UpdateEventSourceMappingInput{UUID: first.UUID, SourceAccessConfigurations: []types.SourceAccessConfiguration{
			login, {Type: "VIRTUAL_HOST", URI: aws.String("prod")},
		}})
		wantError(t, "another virtual host", err, param, "VIRTUAL_HOST cannot be specified when updating an event source mapping.")

		for rule, change := range map[string]func(*lambda.CreateEventSourceMappingInput){
			"two queues":        func(in *lambda.CreateEventSourceMappingInput) { in.Queues = []string{"a", "b"} },
			"a batch too large": func(in *lambda.CreateEventSourceMappingInput) { in.BatchSize = aws.Int32(10_001) },
			"a window too long": func(in *lambda.CreateEventSourceMappingInput) { in.MaximumBatchingWindowInSeconds = aws.Int32(301) },
		} {
			in := brokerMapping()
			change(in)
			if _, err := client.CreateEventSourceMapping(t.Context(), in); err == nil {
				t.Errorf("%s was taken", rule)
			}
		}
	}, metadataOnly)
}
