package conformance

import (
	"context"
	"fmt"
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

// A network that is asked for is shown, or tools would make the broker again and again;
// what is left out is the default network's, which a public RabbitMQ broker has no part in.
func TestNetworkOfABroker(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		for i, c := range []struct {
			change          func(*mq.CreateBrokerInput)
			subnets, groups int
		}{
			{func(in *mq.CreateBrokerInput) {}, 0, 0},
			{func(in *mq.CreateBrokerInput) { in.SubnetIds = []string{"subnet-1"} }, 1, 0},
			{func(in *mq.CreateBrokerInput) { in.PubliclyAccessible = aws.Bool(false) }, 1, 1},
			{func(in *mq.CreateBrokerInput) {
				in.PubliclyAccessible, in.SubnetIds, in.SecurityGroups = aws.Bool(false), []string{"subnet-1"}, []string{"sg-1", "sg-2"}
			}, 1, 2},
			{func(in *mq.CreateBrokerInput) {
				in.EngineType, in.EngineVersion, in.HostInstanceType = types.EngineTypeActivemq, nil, aws.String("mq.m5.large")
				in.DeploymentMode = types.DeploymentModeActiveStandbyMultiAz
			}, 2, 1},
		} {
			in := rabbitInput(fmt.Sprint("mill-", i))
			c.change(in)
			out := createBroker(t, env, in).describe()
			if len(out.SubnetIds) != c.subnets || len(out.SecurityGroups) != c.groups {
				t.Errorf("broker %d: subnets %v, groups %v", i, out.SubnetIds, out.SecurityGroups)
			}
			if in.SubnetIds != nil && out.SubnetIds[0] != "subnet-1" || in.SecurityGroups != nil && out.SecurityGroups[1] != "sg-2" {
				t.Errorf("broker %d was given others: %v, %v", i, out.SubnetIds, out.SecurityGroups)
			}
		}
	}, withMetadata)
}
