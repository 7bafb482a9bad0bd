package crash

import (
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"millrace/test/crash/ledger"
)

// A client asks things of queues and keeps the books. Its methods return false
// once a request was cut off: the server is gone.
type client struct {
	t      *testing.T
	sdk    *sqs.Client
	books  *ledger.Ledger
	urls   map[string]*string // by queue name
	killed *atomic.Bool       // the kill is on its way: requests may be cut off
}

// served sorts out an error: an error that the server answered is refused, one
// that it did not answer means that it is gone.
func (c *client) served(op string, err error) (refused error, ok bool) {
	var answer smithy.APIError
	switch {
	case err == nil:
		return nil, true
	case errors.As(err, &answer):
		return err, true
	case !c.killed.Load():
		c.t.Errorf("%s was cut off by a server that runs: %v", op, err)
	}
	return nil, false
}

// must is served for what may not be refused.
func (c *client) must(op string, err error) bool {
	refused, ok := c.served(op, err)
	if refused != nil {
		c.t.Errorf("%s was refused: %v", op, refused)
	}
	return ok && refused == nil
}

func (c *client) send(m ledger.Message) bool {
	s := c.books.Sending(m, time.Now())
	out, err := c.sdk.SendMessage(c.t.Context(), &sqs.SendMessageInput{
		QueueUrl: c.urls[m.Queue], MessageBody: &m.Body, DelaySeconds: seconds(m.Delay),
		MessageGroupId: optional(m.Group), MessageDeduplicationId: optional(m.Dedup),
	})
	if !c.must("SendMessage", err) {
		return false
	}
	s.Done(*out.MessageId, aws.ToString(out.SequenceNumber))
	return true
}

// sendAll sends up to ten messages of one queue together.
func (c *client) sendAll(ms []ledger.Message) bool {
	sends := make([]*ledger.Send, len(ms))
	entries := make([]types.SendMessageBatchRequestEntry, len(ms))
	for i, m := range ms {
		sends[i] = c.books.Sending(m, time.Now())
		entries[i] = types.SendMessageBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), MessageBody: &m.Body, DelaySeconds: seconds(m.Delay),
			MessageGroupId: optional(m.Group), MessageDeduplicationId: optional(m.Dedup),
		}
	}
	out, err := c.sdk.SendMessageBatch(c.t.Context(), &sqs.SendMessageBatchInput{QueueUrl: c.urls[ms[0].Queue], Entries: entries})
	if !c.must("SendMessageBatch", err) {
		return false
	}
	for _, e := range out.Failed {
		c.t.Errorf("SendMessageBatch refused an entry: %s %s", *e.Code, aws.ToString(e.Message))
	}
	for _, e := range out.Successful {
		sends[index(e.Id)].Done(*e.MessageId, aws.ToString(e.SequenceNumber))
	}
	return true
}

func (c *client) receive(queue string, max int, hide, wait time.Duration) ([]ledger.Delivery, bool) {
	r := c.books.Receiving(queue, max, hide, time.Now())
	out, err := c.sdk.ReceiveMessage(c.t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: c.urls[queue], MaxNumberOfMessages: int32(max), VisibilityTimeout: seconds(hide), WaitTimeSeconds: seconds(wait),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if !c.must("ReceiveMessage", err) {
		return nil, false
	}
	got := make([]ledger.Delivery, len(out.Messages))
	for i, m := range out.Messages {
		receives, _ := strconv.Atoi(m.Attributes["ApproximateReceiveCount"])
		got[i] = ledger.Delivery{
			Queue: queue, ID: *m.MessageId, Body: *m.Body, Handle: *m.ReceiptHandle, Receives: receives,
			Group: m.Attributes["MessageGroupId"], Sequence: m.Attributes["SequenceNumber"],
		}
	}
	r.Done(time.Now(), got...)
	return got, true
}

func (c *client) delete(d ledger.Delivery) bool {
	del := c.books.Deleting(d)
	_, err := c.sdk.DeleteMessage(c.t.Context(), &sqs.DeleteMessageInput{QueueUrl: c.urls[d.Queue], ReceiptHandle: &d.Handle})
	refused, ok := c.served("DeleteMessage", err)
	switch {
	case refused != nil:
		del.Refused(time.Now(), refused)
	case ok:
		del.Done(time.Now())
	}
	return ok
}

// deleteAll deletes up to ten deliveries of one queue together.
func (c *client) deleteAll(ds []ledger.Delivery) bool {
	deletes := make([]*ledger.Delete, len(ds))
	entries := make([]types.DeleteMessageBatchRequestEntry, len(ds))
	for i, d := range ds {
		deletes[i] = c.books.Deleting(d)
		entries[i] = types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: &d.Handle}
	}
	out, err := c.sdk.DeleteMessageBatch(c.t.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: c.urls[ds[0].Queue], Entries: entries})
	if !c.must("DeleteMessageBatch", err) {
		return false
	}
	for _, e := range out.Failed {
		deletes[index(e.Id)].Refused(time.Now(), errors.New(aws.ToString(e.Message)))
	}
	for _, e := range out.Successful {
		deletes[index(e.Id)].Done(time.Now())
	}
	return true
}

func (c *client) hide(d ledger.Delivery, long time.Duration) bool {
	h := c.books.Hiding(d, long, time.Now())
	_, err := c.sdk.ChangeMessageVisibility(c.t.Context(), &sqs.ChangeMessageVisibilityInput{
		QueueUrl: c.urls[d.Queue], ReceiptHandle: &d.Handle, VisibilityTimeout: seconds(long),
	})
	refused, ok := c.served("ChangeMessageVisibility", err)
	switch {
	case refused != nil:
		h.Refused(time.Now(), refused)
	case ok:
		h.Done(time.Now())
	}
	return ok
}

// counts adds up what some queues say they hold.
func (c *client) counts(queues ...string) (n ledger.Counts) {
	for _, q := range queues {
		out, err := c.sdk.GetQueueAttributes(c.t.Context(), &sqs.GetQueueAttributesInput{
			QueueUrl: c.urls[q], AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
		})
		if err != nil {
			c.t.Errorf("GetQueueAttributes of %s: %v", q, err)
			continue
		}
		for name, to := range map[types.QueueAttributeName]*int{
			types.QueueAttributeNameApproximateNumberOfMessages:           &n.Visible,
			types.QueueAttributeNameApproximateNumberOfMessagesNotVisible: &n.InFlight,
			types.QueueAttributeNameApproximateNumberOfMessagesDelayed:    &n.Delayed,
		} {
			count, err := strconv.Atoi(out.Attributes[string(name)])
			if err != nil {
				c.t.Errorf("%s of %s: %v", name, q, err)
			}
			*to += count
		}
	}
	return n
}

func seconds(d time.Duration) int32 { return int32(d / time.Second) }

// index reads the id of a batch's entry.
func index(id *string) int {
	i, _ := strconv.Atoi(*id)
	return i
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
