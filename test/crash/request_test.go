package crash

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// What clients ask whose books are not a ledger. As with all methods of a
// client, false says that the request was cut off.

// create makes a queue whose messages are visible again at once, unless told
// otherwise: the SDK cannot ask a receive for a time-out of 0.
func (c *client) create(name string, attributes map[string]string) {
	all := map[string]string{"VisibilityTimeout": "0"}
	if fifo(name) {
		all["FifoQueue"] = "true"
	}
	maps.Copy(all, attributes)
	out, err := c.sdk.CreateQueue(c.t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: all})
	if err != nil {
		c.t.Fatalf("CreateQueue %s: %v", name, err)
	}
	c.urls[name] = out.QueueUrl
}

// redrive sends a queue's messages to dead when they are received once more.
func redrive(dead string, receives int) map[string]string {
	return map[string]string{"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, *arnOf(dead), receives)}
}

func arnOf(queue string) *string { return aws.String("arn:aws:sqs:us-east-1:000000000000:" + queue) }

// post sends up to ten messages; to FIFO queues in a group, the first word of
// each body being its deduplication id.
func (c *client) post(queue, group string, bodies ...string) bool {
	in := &sqs.SendMessageBatchInput{QueueUrl: c.urls[queue]}
	for i, body := range bodies {
		e := types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: &body}
		if fifo(queue) {
			name, _, _ := strings.Cut(body, " ")
			e.MessageGroupId, e.MessageDeduplicationId = &group, &name
		}
		in.Entries = append(in.Entries, e)
	}
	out, err := c.sdk.SendMessageBatch(c.t.Context(), in)
	if !c.must("SendMessageBatch", err) {
		return false
	}
	for _, e := range out.Failed {
		c.t.Errorf("SendMessageBatch refused an entry: %s %s", *e.Code, aws.ToString(e.Message))
	}
	return true
}

// take receives up to ten messages.
func (c *client) take(queue string, hide, wait time.Duration) ([]types.Message, bool) {
	out, err := c.sdk.ReceiveMessage(c.t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: c.urls[queue], MaxNumberOfMessages: 10, VisibilityTimeout: seconds(hide), WaitTimeSeconds: seconds(wait),
	})
	if !c.must("ReceiveMessage", err) {
		return nil, false
	}
	return out.Messages, true
}

// remove deletes a message, and reports whether that was done: a FIFO queue may
// refuse it when the message's time is over.
func (c *client) remove(queue string, m types.Message) (done, ok bool) {
	_, err := c.sdk.DeleteMessage(c.t.Context(), &sqs.DeleteMessageInput{QueueUrl: c.urls[queue], ReceiptHandle: m.ReceiptHandle})
	refused, ok := c.served("DeleteMessage", err)
	if refused != nil && !fifo(queue) {
		c.t.Errorf("DeleteMessage was refused: %v", refused)
	}
	return ok && refused == nil, ok
}

// release makes a message visible again. It may be refused when its time is over.
func (c *client) release(queue string, m types.Message) bool {
	_, err := c.sdk.ChangeMessageVisibility(c.t.Context(), &sqs.ChangeMessageVisibilityInput{
		QueueUrl: c.urls[queue], ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 0,
	})
	_, ok := c.served("ChangeMessageVisibility", err)
	return ok
}

// empty takes all visible messages out of a queue and tells their bodies.
func (c *client) empty(queue string, found func(body string)) {
	for {
		got, ok := c.take(queue, long, 0)
		if !ok || len(got) == 0 {
			return
		}
		in := &sqs.DeleteMessageBatchInput{QueueUrl: c.urls[queue]}
		for i, m := range got {
			found(*m.Body)
			in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle})
		}
		out, err := c.sdk.DeleteMessageBatch(c.t.Context(), in)
		if !c.must("DeleteMessageBatch", err) || len(out.Failed) > 0 {
			c.t.Errorf("%s cannot be emptied: %+v", queue, out)
			return
		}
	}
}
