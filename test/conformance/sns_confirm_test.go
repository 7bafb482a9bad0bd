package conformance

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"millrace/test/testenv"
)

// Who subscribes a queue of another account must wait until somebody who reads the queue
// has confirmed it, by the link or with the token of the message that comes there.
func TestSubscribeQueueOfAnotherAccount(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		ctx := t.Context()
		theirs := env.AWS.Copy()
		theirs.Credentials = credentials.NewStaticCredentialsProvider(stranger, "secret", "")
		q := create(t, &testenv.Env{AWS: theirs}, "q", nil)
		const arn = "arn:aws:sqs:us-east-1:" + stranger + ":q"
		client := sns.NewFromConfig(env.AWS)
		topic, err := client.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("t")})
		if err != nil {
			t.Fatal(err)
		}
		q.set("Policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"`+arn+`",`+
			`"Condition":{"ArnEquals":{"aws:SourceArn":"`+*topic.TopicArn+`"}}}]}`)
		subscribe := func() string {
			out, err := client.Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: aws.String(arn)})
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			return *out.SubscriptionArn
		}
		for range 2 { // the second time the message comes again
			wantEqual(t, "the subscription", subscribe(), "pending confirmation")
		}
		var m struct{ Type, Token, TopicArn, SubscribeURL string }
		for range 2 {
			got := q.receive(1, 0)
			if len(got) != 1 {
				t.Fatal("the queue was not asked")
			}
			if err := json.Unmarshal([]byte(*got[0].Body), &m); err != nil {
				t.Fatal(err)
			}
		}
		wantEqual(t, "the message", m.Type+" of "+m.TopicArn, "SubscriptionConfirmation of "+*topic.TopicArn)
		link, err := url.Parse(m.SubscribeURL)
		if err != nil {
			t.Fatal(err)
		}
		if a := (raw{t, env}).do("GET", "/?"+link.RawQuery, "", "Authorization", ""); a.status != 200 || !strings.Contains(a.body, *topic.TopicArn+":") {
			t.Errorf("the link: %d %s", a.status, a.body)
		}
		confirmed, err := sns.NewFromConfig(theirs).ConfirmSubscription(ctx, &sns.ConfirmSubscriptionInput{TopicArn: topic.TopicArn, Token: &m.Token})
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "subscribed again", subscribe(), *confirmed.SubscriptionArn)
		if _, err := client.Publish(ctx, &sns.PublishInput{TopicArn: topic.TopicArn, Message: aws.String("grain")}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := q.receive(10, 0); len(got) != 1 || !strings.Contains(*got[0].Body, `"Message" : "grain"`) {
			t.Errorf("the queue got %d messages", len(got))
		}
	})
}
