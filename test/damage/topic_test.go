package damage

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"millrace/runtime/store/loss"
	"millrace/test/patience"
)

const (
	topicARN  = "arn:aws:sns:us-east-1:000000000000:archive.fifo"
	published = 30
)

// prepareTopic publishes to a FIFO topic whose archive keeps it all.
func (r *runtime) prepareTopic(t *testing.T) {
	t.Helper()
	if _, err := r.sns.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("archive.fifo"), Attributes: map[string]string{
		"FifoTopic": "true", "ArchivePolicy": `{"MessageRetentionPeriod":"1"}`,
	}}); err != nil {
		t.Fatal(err)
	}
	for n := range published {
		r.publish(t, fmt.Sprintf("published-%d", n))
	}
}

func (r *runtime) publish(t *testing.T, body string) {
	t.Helper()
	if _, err := r.sns.Publish(t.Context(), &sns.PublishInput{
		TopicArn: aws.String(topicARN), Message: &body, MessageGroupId: aws.String("g"), MessageDeduplicationId: &body,
	}); err != nil {
		t.Fatalf("publishing: %v", err)
	}
}

// examineTopic has the topic replay its archive, and publishes once more: all that was
// published comes in its order, and once, but for what is named as lost, and but for a log that has lost all of it.
//
// A log is looked at when somebody reads it, so losses are asked for afterwards.
func (r *runtime) examineTopic(t *testing.T) {
	t.Helper()
	attributes, err := r.sns.GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: aws.String(topicARN)})
	if err != nil {
		t.Errorf("the topic is gone: %v", err)
		return
	}
	if _, err := r.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("replayed.fifo"), Attributes: map[string]string{
		"FifoQueue": "true",
		"Policy":    `{"Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*"}]}`,
	}}); err != nil {
		t.Error(err)
		return
	}
	if _, err := r.sns.Subscribe(t.Context(), &sns.SubscribeInput{
		TopicArn: aws.String(topicARN), Protocol: aws.String("sqs"), Endpoint: aws.String("arn:aws:sqs:us-east-1:000000000000:replayed.fifo"),
		Attributes: map[string]string{
			"RawMessageDelivery": "true",
			"ReplayPolicy":       fmt.Sprintf(`{"PointType":"Timestamp","StartingPoint":%q}`, attributes.Attributes["BeginningArchiveTime"]),
		},
	}); err != nil {
		t.Errorf("replaying: %v", err)
		return
	}
	const last = "published-later"
	r.publish(t, last)
	came, next := 0, 0
	for done := false; !done; {
		var got *sqs.ReceiveMessageOutput
		patience.Until(t, "the end of the replay", func() bool {
			got, err = r.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: url(r, "replayed.fifo"), MaxNumberOfMessages: 10})
			return err != nil || len(got.Messages) > 0
		}, nil)
		if err != nil {
			t.Errorf("receiving: %v", err)
			return
		}
		for _, m := range got.Messages {
			if done = *m.Body == last; !done {
				n := -1
				fmt.Sscanf(*m.Body, "published-%d", &n)
				if n < next || n >= published {
					t.Errorf("%q came when published-%d was due", *m.Body, next)
				}
				came, next = came+1, n+1
			}
			if _, err := r.sqs.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: url(r, "replayed.fifo"), ReceiptHandle: m.ReceiptHandle}); err != nil {
				t.Error(err)
			}
		}
	}
	status, err := r.Status(t.Context())
	if err != nil {
		t.Error(err)
	}
	// A log without any entry that knows its last number looks as one that was trimmed: no
	// reader waits for what is gone.
	if came > 0 && came < published && !namesTopic(status.Losses) {
		t.Errorf("%d of %d messages of the topic are here, and nothing is said: %v", came, published, status.Losses)
	}
}

// namesTopic reports whether the log of a topic, or a file of it, is among losses.
func namesTopic(all []loss.Loss) bool {
	for _, l := range all {
		if l.Kind == loss.Topic || l.Kind == loss.File && strings.Contains(l.Name, "jetstream/") {
			return true
		}
	}
	return false
}
