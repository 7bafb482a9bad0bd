package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"millrace/test/testenv"
)

// A topic is a topic of one test, with the calls that tests make most.
type topic struct {
	t   *testing.T
	env *testenv.Env
	sdk *sns.Client
	arn string
}

func createTopic(t *testing.T, env *testenv.Env, name string, attributes map[string]string) topic {
	t.Helper()
	sdk := sns.NewFromConfig(env.AWS)
	out, err := sdk.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: &name, Attributes: attributes})
	if err != nil {
		t.Fatalf("CreateTopic %s: %v", name, err)
	}
	return topic{t, env, sdk, *out.TopicArn}
}

// fifoTopic are the attributes of a FIFO topic that deduplicates by content.
var fifoTopic = map[string]string{"FifoTopic": "true", "ContentBasedDeduplication": "true"}

// as is the topic as another account calls it.
func (p topic) as(account string) topic {
	cfg := p.env.AWS.Copy()
	cfg.Credentials = credentialsOf(account)
	p.sdk = sns.NewFromConfig(cfg)
	return p
}

func credentialsOf(account string) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: account, SecretAccessKey: "secret"}, nil
	})
}

// subscribe subscribes an endpoint and returns the subscription's ARN. Names and values
// of attributes come in turn.
func (p topic) subscribe(protocol, endpoint string, attributes ...string) string {
	p.t.Helper()
	in := &sns.SubscribeInput{TopicArn: &p.arn, Protocol: &protocol, Endpoint: &endpoint, ReturnSubscriptionArn: true, Attributes: map[string]string{}}
	for i := 0; i < len(attributes); i += 2 {
		in.Attributes[attributes[i]] = attributes[i+1]
	}
	out, err := p.sdk.Subscribe(p.t.Context(), in)
	if err != nil {
		p.t.Fatalf("Subscribe %s: %v", endpoint, err)
	}
	return *out.SubscriptionArn
}

// feed makes a queue of a name, lets the topic send to it and subscribes it.
func (p topic) feed(name string, attributes ...string) (q queue, subscription string) {
	p.t.Helper()
	var settings map[string]string
	if len(name) > 5 && name[len(name)-5:] == ".fifo" {
		settings = map[string]string{"FifoQueue": "true"}
	}
	q = create(p.t, p.env, name, settings)
	q.set("Policy", fromTopic(queueARNs+name, p.arn))
	return q, p.subscribe("sqs", queueARNs+name, attributes...)
}

// fromTopic is a policy by which a queue takes what a topic sends.
func fromTopic(queueARN, topicARN string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"` +
		queueARN + `","Condition":{"ArnEquals":{"aws:SourceArn":"` + topicARN + `"}}}]}`
}

// publish publishes a body, and what edits make of the rest.
func (p topic) publish(body string, edits ...func(*sns.PublishInput)) *sns.PublishOutput {
	p.t.Helper()
	in := &sns.PublishInput{TopicArn: &p.arn, Message: &body}
	for _, edit := range edits {
		edit(in)
	}
	out, err := p.sdk.Publish(p.t.Context(), in)
	if err != nil {
		p.t.Fatalf("Publish %s: %v", body, err)
	}
	return out
}

func withGroup(group, dedup string) func(*sns.PublishInput) {
	return func(in *sns.PublishInput) {
		in.MessageGroupId = &group
		if dedup != "" {
			in.MessageDeduplicationId = &dedup
		}
	}
}

func withSubject(subject string) func(*sns.PublishInput) {
	return func(in *sns.PublishInput) { in.Subject = &subject }
}

// withText adds an attribute of a type that is a text, withBinary one that is not.
func withText(name, dataType, value string) func(*sns.PublishInput) {
	return withAttribute(name, types.MessageAttributeValue{DataType: &dataType, StringValue: &value})
}

func withBinary(name string, value []byte) func(*sns.PublishInput) {
	return withAttribute(name, types.MessageAttributeValue{DataType: aws.String("Binary"), BinaryValue: value})
}

func withAttribute(name string, v types.MessageAttributeValue) func(*sns.PublishInput) {
	return func(in *sns.PublishInput) {
		if in.MessageAttributes == nil {
			in.MessageAttributes = map[string]types.MessageAttributeValue{}
		}
		in.MessageAttributes[name] = v
	}
}

// withTexts adds n attributes.
func withTexts(n int) func(*sns.PublishInput) {
	return func(in *sns.PublishInput) {
		for i := range n {
			withText(fmt.Sprintf("a%02d", i), "String", "v")(in)
		}
	}
}

func withStructure(in *sns.PublishInput) { in.MessageStructure = aws.String("json") }

func (p topic) set(name, value string) {
	p.t.Helper()
	_, err := p.sdk.SetTopicAttributes(p.t.Context(), &sns.SetTopicAttributesInput{TopicArn: &p.arn, AttributeName: &name, AttributeValue: &value})
	if err != nil {
		p.t.Fatalf("setting %s: %v", name, err)
	}
}

func (p topic) setSubscription(arn, name, value string) {
	p.t.Helper()
	_, err := p.sdk.SetSubscriptionAttributes(p.t.Context(), &sns.SetSubscriptionAttributesInput{SubscriptionArn: &arn, AttributeName: &name, AttributeValue: &value})
	if err != nil {
		p.t.Fatalf("setting %s: %v", name, err)
	}
}

// A notification is what a subscriber gets that is no function.
type notification struct {
	Type, MessageId, SequenceNumber, TopicArn, Subject, Message, Timestamp           string
	SignatureVersion, Signature, SigningCertURL, UnsubscribeURL, SubscribeURL, Token string
	MessageAttributes                                                                map[string]struct{ Type, Value string }
}

func readNotification(t *testing.T, body string) (n notification) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &n); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return n
}

// messages receives and deletes up to ten notifications, and returns their messages in
// order.
func (q queue) messages() string {
	q.t.Helper()
	return q.taken(func(body string) string { return readNotification(q.t, body).Message })
}

// raws is messages for raw delivery.
func (q queue) raws() string {
	q.t.Helper()
	return q.taken(func(body string) string { return body })
}

func (q queue) taken(read func(body string) string) string {
	q.t.Helper()
	var all []string
	for _, m := range q.receive(10, 0) {
		all = append(all, read(*m.Body))
		if err := q.delete(m); err != nil {
			q.t.Fatal(err)
		}
	}
	return strings.Join(all, " ")
}
