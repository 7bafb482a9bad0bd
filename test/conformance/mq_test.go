package conformance

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/mq"
	"github.com/aws/aws-sdk-go-v2/service/mq/types"

	"millrace/cmd/runtime/app"
	"millrace/test/testenv"
)

// withMetadata has brokers of both engines go through their life with nothing behind them.
func withMetadata(c *app.Config) { c.MQ.Driver = "metadata" }

// A brokerClient asks one broker.
type brokerClient struct {
	*mq.Client
	t  *testing.T
	id *string
}

func rabbitInput(name string) *mq.CreateBrokerInput {
	return &mq.CreateBrokerInput{
		BrokerName: &name, EngineType: types.EngineTypeRabbitmq, EngineVersion: aws.String("3.13"), HostInstanceType: aws.String("mq.m7g.large"),
		DeploymentMode: types.DeploymentModeSingleInstance, PubliclyAccessible: aws.Bool(true),
		Users: []types.User{{Username: aws.String("miller"), Password: aws.String("grind-the-grain-1")}},
	}
}

func activeInput(name string) *mq.CreateBrokerInput {
	in := rabbitInput(name)
	in.EngineType, in.EngineVersion, in.HostInstanceType = types.EngineTypeActivemq, aws.String("5.18"), aws.String("mq.m5.large")
	return in
}

func createBroker(t *testing.T, env *testenv.Env, in *mq.CreateBrokerInput) brokerClient {
	t.Helper()
	client := mq.NewFromConfig(env.AWS)
	out, err := client.CreateBroker(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return brokerClient{client, t, out.BrokerId}
}

func (b brokerClient) describe() *mq.DescribeBrokerOutput {
	b.t.Helper()
	out, err := b.DescribeBroker(b.t.Context(), &mq.DescribeBrokerInput{BrokerId: b.id})
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

// await polls, as tools do, until the broker is in a state.
func (b brokerClient) await(state types.BrokerState) *mq.DescribeBrokerOutput {
	b.t.Helper()
	for {
		if out := b.describe(); out.BrokerState == state {
			return out
		}
		select {
		case <-time.After(time.Second):
		case <-b.t.Context().Done():
			b.t.Fatalf("never %s", state)
		}
	}
}

func (b brokerClient) awaitGone() {
	b.t.Helper()
	for {
		_, err := b.DescribeBroker(context.WithoutCancel(b.t.Context()), &mq.DescribeBrokerInput{BrokerId: b.id})
		if err != nil {
			refusal[*types.NotFoundException](b.t, "describing a deleted broker", err, "Can't find requested broker ["+*b.id+"]. Make sure your broker exists.")
			return
		}
		time.Sleep(time.Second)
	}
}

func TestLifeOfABroker(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		b := createBroker(t, env, rabbitInput("mill"))
		out := b.await(types.BrokerStateRunning)
		if *out.EngineVersion != "3.13.7" || out.EngineType != "RabbitMQ" || out.AuthenticationStrategy != "simple" || out.StorageType != "ebs" || len(out.BrokerInstances) != 0 {
			t.Errorf("%+v", out)
		}
		if len(out.ActionsRequired) != 1 || *out.ActionsRequired[0].ActionRequiredCode != "METADATA_ONLY" {
			t.Errorf("actions: %v", out.ActionsRequired)
		}
		list, err := b.ListBrokers(t.Context(), &mq.ListBrokersInput{})
		if err != nil || len(list.BrokerSummaries) != 1 || *list.BrokerSummaries[0].BrokerArn != *out.BrokerArn {
			t.Errorf("%+v, %v", list, err)
		}
		if _, err := b.DeleteBroker(t.Context(), &mq.DeleteBrokerInput{BrokerId: b.id}); err != nil {
			t.Fatal(err)
		}
		b.awaitGone()
		createBroker(t, env, rabbitInput("mill")).await(types.BrokerStateRunning)
	}, withMetadata)
}
