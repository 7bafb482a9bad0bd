package conformance

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/mq"
	"github.com/aws/aws-sdk-go-v2/service/mq/types"
	"github.com/aws/smithy-go"

	"millrace/test/testenv"
)

// TestTextsOfAmazonMQ compares errors with those that users of Amazon MQ reported from
// 2021 to 2026, in the issues of terraform-provider-aws, cloudposse/terraform-aws-mq-broker
// and crossplane-contrib/provider-aws.
func TestTextsOfAmazonMQ(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		ctx, client := t.Context(), mq.NewFromConfig(env.AWS)
		in := rabbitInput("rabbit")
		in.HostInstanceType = aws.String("mq.m5.large")
		rabbit, active := createBroker(t, env, in), createBroker(t, env, activeInput("active"))
		rabbit.await(types.BrokerStateRunning)
		active.await(types.BrokerStateRunning)
		create := func(change func(*mq.CreateBrokerInput)) error {
			in := rabbitInput("other")
			change(in)
			return second(client.CreateBroker(ctx, in))
		}
		update := func(in mq.UpdateBrokerInput) error {
			in.BrokerId = rabbit.id
			return second(client.UpdateBroker(ctx, &in))
		}
		const elsewhere = "To manage broker users, please use the RabbitMQ web console, or the management API"
		none := aws.String("b-00000000-0000-0000-0000-000000000000")
		for _, c := range []struct {
			member, text string
			err          error
		}{
			{"broker-id", "Can't find requested broker [" + *none + "]. Make sure your broker exists.", second(client.DescribeBroker(ctx, &mq.DescribeBrokerInput{BrokerId: none}))},
			{"users", "Specify exactly one user for engine type [RABBITMQ].", create(func(in *mq.CreateBrokerInput) { in.Users = nil })},
			{"securityGroups", "Broker with [publiclyAccessible] set to true does not support specifying [securityGroups]", create(func(in *mq.CreateBrokerInput) { in.SecurityGroups = []string{"sg-1"} })},
			{"logs.audit", "Audit logging is not supported for RabbitMQ brokers.", update(mq.UpdateBrokerInput{Logs: &types.Logs{Audit: aws.Bool(true)}})},
			{"securityGroups", "Changing security groups is not supported for RabbitMQ brokers.", update(mq.UpdateBrokerInput{SecurityGroups: []string{"sg-1"}})},
			{"autoMinorVersionUpgrade", "Brokers on [RabbitMQ] version [3.13] must have [autoMinorVersionUpgrade] set to [true].", update(mq.UpdateBrokerInput{AutoMinorVersionUpgrade: aws.Bool(false)})},
			{"engineVersion", "Broker engine version [3.13.7] is invalid for broker engine type [RABBITMQ]", update(mq.UpdateBrokerInput{EngineVersion: aws.String("3.13.7")})},
			{"hostInstanceType", "Downgrading from current instance type [mq.m5.large] to requested instance type [mq.t3.micro] is not supported for RabbitMQ brokers.", update(mq.UpdateBrokerInput{HostInstanceType: aws.String("mq.t3.micro")})},
			{"", elsewhere, second(client.CreateUser(ctx, &mq.CreateUserInput{BrokerId: rabbit.id, Username: aws.String("ada"), Password: aws.String(goodPassword)}))},
			{"", elsewhere, second(client.UpdateUser(ctx, &mq.UpdateUserInput{BrokerId: rabbit.id, Username: aws.String("ada")}))},
			{"", elsewhere, second(client.DeleteUser(ctx, &mq.DeleteUserInput{BrokerId: rabbit.id, Username: aws.String("ada")}))},
			{"", elsewhere, second(client.DescribeUser(ctx, &mq.DescribeUserInput{BrokerId: rabbit.id, Username: aws.String("ada")}))},
			{"", elsewhere, second(client.ListUsers(ctx, &mq.ListUsersInput{BrokerId: rabbit.id}))},
			{"", "Replication user couldn't have console access. [replicationUser] and [consoleAccess] are mutually exclusive parameters.", second(client.CreateUser(ctx, &mq.CreateUserInput{
				BrokerId: active.id, Username: aws.String("ada"), Password: aws.String(goodPassword), ConsoleAccess: aws.Bool(true), ReplicationUser: aws.Bool(true),
			}))},
		} {
			var e smithy.APIError
			if !errors.As(c.err, &e) || !strings.HasPrefix(e.ErrorMessage(), c.text) || blamed(c.err)[len("400 "):] != c.member {
				t.Errorf("%v, want %q of %s", c.err, c.member, c.text)
			}
		}
	}, withMetadata)
}
