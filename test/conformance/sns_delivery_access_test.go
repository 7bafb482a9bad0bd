package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"millrace/cmd/runtime/app"
	"millrace/test/testenv"
)

// A queue whose policy does not let the topic send gets nothing, and the log says why. The
// call that published succeeds.
func TestQueueMayRefuseATopic(t *testing.T) {
	var log lockedBuffer
	withLog := func(c *app.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) }
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		p := createTopic(t, env, "orders", nil)
		q, subscription := p.feed("q")
		other := createTopic(t, env, "other", nil)
		other.subscribe("sqs", queueARNs+"q")
		other.publish("refused")
		p.publish("taken")
		time.Sleep(time.Hour)
		wantEqual(t, "with a policy for one of two topics", q.messages(), "taken")
		q.set("Policy", "")
		p.publish("refused")
		time.Sleep(time.Hour)
		wantEqual(t, "without a policy", q.messages(), "")
		for _, part := range []string{"to=" + subscription, "sqs:SendMessage"} {
			if !strings.Contains(log.String(), part) {
				t.Errorf("the log does not say %q:\n%s", part, log.String())
			}
		}
	}, withLog)
}

// Queues of other accounts are told to confirm, and get messages from then on. Other
// accounts publish if the topic's policy lets them.
func TestTopicsOfOtherAccounts(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		p := createTopic(t, env, "orders", nil)
		theirs := env.AWS.Copy()
		theirs.Credentials = credentialsOf(stranger)
		q := create(t, &testenv.Env{AWS: theirs}, "q", nil)
		const arn = "arn:aws:sqs:us-east-1:" + stranger + ":q"
		q.set("Policy", fromTopic(arn, p.arn))
		subscription := p.subscribe("sqs", arn)
		p.publish("early")
		synctest.Wait()

		m := q.one()
		n := readNotification(t, *m.Body)
		wantEqual(t, "type", n.Type, "SubscriptionConfirmation")
		wantEqual(t, "message", n.Message, "You have chosen to subscribe to the topic "+p.arn+".\nTo confirm the subscription, visit the SubscribeURL included in this message.")
		if err := q.delete(m); err != nil {
			t.Fatal(err)
		}
		out, err := p.as(stranger).sdk.ConfirmSubscription(t.Context(), &sns.ConfirmSubscriptionInput{TopicArn: &p.arn, Token: &n.Token})
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "subscription", *out.SubscriptionArn, subscription)
		p.publish("late")
		synctest.Wait()
		wantEqual(t, "messages", q.messages(), "late")

		_, err = p.as(stranger).sdk.Publish(t.Context(), &sns.PublishInput{TopicArn: &p.arn, Message: aws.String("x")})
		var refused interface{ ErrorCode() string }
		if !errors.As(err, &refused) || refused.ErrorCode() != "AuthorizationError" {
			t.Errorf("a stranger publishes: %v", err)
		}
		p.set("Policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"`+stranger+`"},"Action":"SNS:Publish","Resource":"`+p.arn+`"}]}`)
		p.as(stranger).publish("theirs")
		synctest.Wait()
		wantEqual(t, "a stranger's message", q.messages(), "theirs")
	})
}

// permit lets a topic invoke a function.
func permit(t *testing.T, env *testenv.Env, function string, p topic) {
	t.Helper()
	_, err := lambda.NewFromConfig(env.AWS).AddPermission(t.Context(), &lambda.AddPermissionInput{FunctionName: &function, StatementId: aws.String("topic"),
		Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("sns.amazonaws.com"), SourceArn: &p.arn})
	if err != nil {
		t.Fatalf("AddPermission: %v", err)
	}
}

// A function gets the event of one record, if it lets the topic invoke it.
func TestTopicToFunction(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		p := createTopic(t, env, "orders", nil)
		got := make(chan json.RawMessage, 1)
		deployAsync(t, env, "orders", func(payload json.RawMessage) (any, error) { got <- payload; return nil, nil })
		subscription := p.subscribe("lambda", functionARNs+"orders")
		p.publish("refused")
		time.Sleep(time.Hour)
		if len(got) > 0 {
			t.Fatal("a function without a permission was invoked")
		}
		permit(t, env, "orders", p)
		sent := p.publish("hello", withText("a", "String", "v"))
		payload := <-got
		var e events.SNSEvent
		if err := json.Unmarshal(payload, &e); err != nil || len(e.Records) != 1 {
			t.Fatalf("%v in %s", err, payload)
		}
		r := e.Records[0]
		wantEqual(t, "source", r.EventSource+" "+r.EventVersion+" "+r.EventSubscriptionArn, "aws:sns 1.0 "+subscription)
		wantEqual(t, "message", r.SNS.Type+" "+r.SNS.MessageID+" "+r.SNS.TopicArn+" "+r.SNS.Message, "Notification "+*sent.MessageId+" "+p.arn+" hello")
		wantEqual(t, "attribute", fmt.Sprint(r.SNS.MessageAttributes["a"]), "map[Type:String Value:v]")
		if len(r.SNS.Signature) != 344 || !strings.Contains(string(payload), `"Subject":null`) {
			t.Errorf("got %s", payload)
		}
		p.publish("plain", withSubject("s"))
		if payload := <-got; !strings.Contains(string(payload), `"MessageAttributes":{}`) || !strings.Contains(string(payload), `"Subject":"s"`) {
			t.Errorf("got %s", payload)
		}
	})
}

// Dead letters and records of functions go to topics.
func TestFunctionToTopic(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		dead, done := createTopic(t, env, "dead", nil), createTopic(t, env, "done", nil)
		deadQueue, _ := dead.feed("dead")
		doneQueue, _ := done.feed("done")
		f := deployAsync(t, env, "orders", func(payload json.RawMessage) (any, error) {
			if string(payload) == `"bad"` {
				return nil, errors.New("no stock")
			}
			return "shipped", nil
		})
		_, err := f.sdk.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: &f.name, DeadLetterConfig: &types.DeadLetterConfig{TargetArn: &dead.arn}})
		if err != nil {
			t.Fatal(err)
		}
		f.destinations(done.arn, "")
		f.invoke(`"good"`)
		id := f.invoke(`"bad"`)
		time.Sleep(time.Hour)

		n := readNotification(t, *deadQueue.one().Body)
		wantEqual(t, "dead letter", n.Message, `"bad"`)
		wantEqual(t, "its attributes", fmt.Sprint(n.MessageAttributes["RequestID"].Value, " ", n.MessageAttributes["ErrorCode"].Value, " ", n.MessageAttributes["ErrorMessage"].Value), id+" 200 no stock")
		if record := readNotification(t, *doneQueue.one().Body).Message; !strings.Contains(record, `"condition":"Success"`) || !strings.Contains(record, `"responsePayload":"shipped"`) {
			t.Errorf("record %s", record)
		}
	})
}
