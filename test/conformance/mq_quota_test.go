package conformance

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/mq"
	"github.com/aws/aws-sdk-go-v2/service/mq/types"

	"millrace/cmd/runtime/app"
	"millrace/test/testenv"
)

// A region holds 200 brokers, and a broker of ActiveMQ 250 users, those that wait for a
// reboot included (Amazon MQ Developer Guide, "Quotas in Amazon MQ").
func TestQuotasOfAmazonMQ(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		ctx := t.Context()
		last := createBroker(t, env, rabbitInput("mill-1"))
		for n := 2; n <= 199; n++ {
			last = createBroker(t, env, rabbitInput(fmt.Sprint("mill-", n)))
		}
		in := activeInput("active")
		in.Users = nil
		for n := 1; n <= 251; n++ {
			in.Users = append(in.Users, user(fmt.Sprint("user-", n), goodPassword))
		}
		if _, err := last.CreateBroker(ctx, in); blamed(err) != "400 users" {
			t.Errorf("251 users: %v", err)
		}
		in.Users = in.Users[:249]
		active := createBroker(t, env, in)
		active.await(types.BrokerStateRunning)
		create := func(name string) error {
			return second(active.CreateUser(ctx, &mq.CreateUserInput{BrokerId: active.id, Username: &name, Password: aws.String(goodPassword)}))
		}
		if err := create("user-250"); err != nil {
			t.Errorf("the 250th user: %v", err)
		}
		if err := create("user-251"); blamed(err) != "400 username" {
			t.Errorf("the 251st user: %v", err)
		}
		if _, err := last.CreateBroker(ctx, rabbitInput("mill-201")); blamed(err) != "400 " {
			t.Errorf("the 201st broker: %v", err)
		}
		if _, err := last.DeleteBroker(ctx, &mq.DeleteBrokerInput{BrokerId: last.id}); err != nil {
			t.Fatal(err)
		}
		last.awaitGone()
		createBroker(t, env, rabbitInput("mill-201"))
	}, withMetadata)
}

// --mq-no-quotas lifts the limits that an account has at AWS.
func TestNoQuotasOfAmazonMQ(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		in := activeInput("active")
		for n := range 250 {
			in.Users = append(in.Users, user(fmt.Sprint("user-", n), goodPassword))
		}
		active := createBroker(t, env, in)
		active.await(types.BrokerStateRunning)
		if _, err := active.CreateUser(t.Context(), &mq.CreateUserInput{BrokerId: active.id, Username: aws.String("user-250"), Password: aws.String(goodPassword)}); err != nil {
			t.Error(err)
		}
	}, withMetadata, func(c *app.Config) { c.MQ.NoQuotas = true })
}
