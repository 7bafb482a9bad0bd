package conformance

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"millrace/test/testenv"
)

// attempt receives up to ten messages under an attempt id.
func (q queue) attempt(id string) ([]types.Message, error) {
	out, err := q.sdk.ReceiveMessage(q.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: q.url, MaxNumberOfMessages: 10, ReceiveRequestAttemptId: &id})
	if err != nil {
		return nil, err
	}
	return out.Messages, nil
}

func TestSQSFIFOReceiveAttempts(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		q := create(t, env, "q.fifo", map[string]string{"FifoQueue": "true"})
		q.sendFIFO("m1", "g", "1")
		q.sendFIFO("m2", "g", "2")
		first, err := q.attempt("a")
		q.must(err)
		time.Sleep(20 * time.Second)
		again, err := q.attempt("a")
		q.must(err)
		if len(again) != 2 || *again[0].MessageId != *first[0].MessageId || *again[1].ReceiptHandle != *first[1].ReceiptHandle {
			t.Errorf("tried again: got %v, want %v", again, first)
		}
		time.Sleep(20 * time.Second) // the first visibility is over, the second is not
		wantEqual(t, "hidden anew", q.counts(), "0/2/0")
		q.must(q.delete(first[0]))
		_, err = q.attempt("a")
		wantError(t, "after a delete", err, "InvalidParameterValue",
			"Value a for parameter ReceiveRequestAttemptId is invalid. Reason: The receiveRequestAttemptId is not valid anymore since the receive call is not retryable.")
		time.Sleep(5 * time.Minute)
		last, err := q.attempt("a")
		q.must(err)
		wantEqual(t, "after five minutes the id is free", len(last), 1)
	})
}

// What is a duplicate of what, by the queue's settings.
func TestSQSFIFODeduplication(t *testing.T) {
	const body, sameBody = "body", "body"
	for _, c := range []struct {
		rule                  string
		attributes            map[string]string
		body, group, dedup    string // of the first message
		body2, group2, dedup2 string
		duplicate             bool
	}{
		{"an id again", nil, "x", "g", "d", "y", "g", "d", true},
		{"another id", nil, "x", "g", "d", "x", "g", "e", false},
		{"an id in another group", nil, "x", "g", "d", "x", "h", "d", true},
		{"an id in another group, by group", map[string]string{"DeduplicationScope": "messageGroup"}, "x", "g", "d", "x", "h", "d", false},
		{"an id in the same group, by group", map[string]string{"DeduplicationScope": "messageGroup"}, "x", "g", "d", "x", "g", "d", true},
		{"a body again", map[string]string{"ContentBasedDeduplication": "true"}, body, "g", "", sameBody, "g", "", true},
		{"another body", map[string]string{"ContentBasedDeduplication": "true"}, "x", "g", "", "y", "g", "", false},
		{"an id wins over the body", map[string]string{"ContentBasedDeduplication": "true"}, "x", "g", "1", "x", "g", "2", false},
		{"a body and the id that it stands for", map[string]string{"ContentBasedDeduplication": "true"}, "x", "g", "", "y", "g", fmt.Sprintf("%x", sha256.Sum256([]byte("x"))), true},
	} {
		t.Run(c.rule, func(t *testing.T) {
			testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
				attributes := map[string]string{"FifoQueue": "true"}
				for name, value := range c.attributes {
					attributes[name] = value
				}
				q := create(t, env, "q.fifo", attributes)
				first, second := q.sendFIFO(c.body, c.group, c.dedup), q.sendFIFO(c.body2, c.group2, c.dedup2)
				wantEqual(t, "duplicate", *first.MessageId == *second.MessageId, c.duplicate)
				wantEqual(t, "same number", *first.SequenceNumber == *second.SequenceNumber, c.duplicate)
				if len(*second.SequenceNumber) != 20 || *second.SequenceNumber < *first.SequenceNumber {
					t.Errorf("sequence numbers %s, %s: want twenty digits, rising", *first.SequenceNumber, *second.SequenceNumber)
				}
				got := q.receive(1, 0)[0].Attributes
				want := c.dedup
				if want == "" {
					want = fmt.Sprintf("%x", sha256.Sum256([]byte(c.body)))
				}
				wantEqual(t, "deduplication id shown", got["MessageDeduplicationId"], want)
				wantEqual(t, "group shown", got["MessageGroupId"], c.group)
				wantEqual(t, "number shown", got["SequenceNumber"], *first.SequenceNumber)
			})
		})
	}
}

func TestSQSFIFOGroupLock(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		q := create(t, env, "q.fifo", map[string]string{"FifoQueue": "true"})
		for i, m := range []string{"a1", "a2", "a3", "b1"} {
			q.sendFIFO(m, m[:1], fmt.Sprint(i))
		}
		two := q.receive(2, 0)
		wantEqual(t, "two of a group at once", *two[0].Body+*two[1].Body, "a1a2")
		wantEqual(t, "the group is locked, others are not", q.bodies(), "b1")
		q.must(q.delete(two[0]))
		wantEqual(t, "one deleted does not free it", q.bodies(), "")
		began := time.Now()
		go func() { time.Sleep(4 * time.Second); q.delete(two[1]) }()
		got := q.receive(10, 20)
		wantEqual(t, "a waiting receive gets what the last delete frees", len(got), 1)
		wantEqual(t, "which is", *got[0].Body, "a3")
		wantEqual(t, "waited", time.Since(began), 4*time.Second)
	})
}

func TestSQSFIFOTerminatedFirst(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		q := create(t, env, "q.fifo", map[string]string{"FifoQueue": "true"})
		q.sendFIFO("m1", "g", "1")
		q.sendFIFO("m2", "g", "2")
		q.must(q.hide(q.receive(10, 0)[0], 0))
		wantEqual(t, "only the first", q.bodies(), "m1")
	})
}

func TestSQSFIFOHandles(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		q := create(t, env, "q.fifo", map[string]string{"FifoQueue": "true", "VisibilityTimeout": "1"})
		q.sendFIFO("m", "g", "d")
		m := q.one()
		q.must(q.hide(m, 30))
		time.Sleep(20 * time.Second)
		q.must(q.delete(m)) // extended, so it has not expired
		q.must(q.delete(m))
		wantEqual(t, "deleted", q.counts(), "0/0/0")
	})
}

func TestSQSFIFODeadLetters(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		dead := create(t, env, "dead.fifo", map[string]string{"FifoQueue": "true"})
		q := create(t, env, "q.fifo", map[string]string{"FifoQueue": "true", "VisibilityTimeout": "10", "RedrivePolicy": redriveTo("dead.fifo", 1)})
		sent := q.sendFIFO("poison", "g", "d")
		q.sendFIFO("good", "g", "e")
		wantEqual(t, "first", *q.one().Body, "poison")
		time.Sleep(10 * time.Second)
		got := q.receive(1, 5)
		wantEqual(t, "what leaves frees the group", len(got), 1)
		wantEqual(t, "next", *got[0].Body, "good")
		moved := dead.receive(1, 5)[0]
		wantEqual(t, "message id", *moved.MessageId, *sent.MessageId)
		wantEqual(t, "deduplication id", moved.Attributes["MessageDeduplicationId"], *sent.MessageId)
		wantEqual(t, "group", moved.Attributes["MessageGroupId"], "g")
		wantEqual(t, "receive count", moved.Attributes["ApproximateReceiveCount"], "2")
	})
}

// A queue's dead letters may be another's messages, and have dead letters too.
func TestSQSDeadLetterChain(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		last := create(t, env, "last", map[string]string{"MessageRetentionPeriod": "120"})
		middle := create(t, env, "middle", map[string]string{"VisibilityTimeout": "10", "RedrivePolicy": redriveTo("last", 1)})
		q := create(t, env, "q", map[string]string{"VisibilityTimeout": "10", "RedrivePolicy": redriveTo("middle", 1)})
		_, err := q.sdk.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: q.url, MessageBody: aws.String("poison"),
			MessageAttributes:       map[string]types.MessageAttributeValue{"k": {DataType: aws.String("Number"), StringValue: aws.String("1")}},
			MessageSystemAttributes: map[string]types.MessageSystemAttributeValue{"AWSTraceHeader": {DataType: aws.String("String"), StringValue: aws.String("Root=1")}}})
		q.must(err)
		sent := time.Now()
		for _, at := range []queue{q, middle} {
			wantEqual(t, "received", *at.receive(1, 5)[0].Body, "poison")
			time.Sleep(10 * time.Second)
			wantEqual(t, "spent", at.bodies(), "")
		}
		got := last.receive(1, 5)[0]
		wantEqual(t, "attribute", *got.MessageAttributes["k"].StringValue, "1")
		wantEqual(t, "trace", got.Attributes["AWSTraceHeader"], "Root=1")
		wantEqual(t, "sent", got.Attributes["SentTimestamp"], fmt.Sprint(sent.UnixMilli()))
		wantEqual(t, "receive count", got.Attributes["ApproximateReceiveCount"], "3")
		wantEqual(t, "source", got.Attributes["DeadLetterQueueSourceArn"], "arn:aws:sqs:us-east-1:000000000000:middle")
		q.must(last.hide(got, 0))
		time.Sleep(time.Until(sent.Add(120 * time.Second)))
		wantEqual(t, "retention counts from the send", last.bodies(), "")
	})
}

func TestSQSDeadLetterQueueDeleted(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		dead := create(t, env, "dead", nil)
		q := create(t, env, "q", map[string]string{"VisibilityTimeout": "10", "RedrivePolicy": redriveTo("dead", 1)})
		_, err := dead.sdk.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: dead.url})
		q.must(err)
		q.send("poison")
		wantEqual(t, "received", q.bodies(), "poison")
		time.Sleep(10 * time.Second)
		q.bodies()
		time.Sleep(10 * time.Second)
		counts := q.counts()
		if !strings.HasPrefix(counts, "1/") && !strings.HasPrefix(counts, "0/1") {
			t.Errorf("the message went with its dead-letter queue: %s left", counts)
		}
	})
}

func TestSQSRedriveToItself(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		q := create(t, env, "q", map[string]string{"VisibilityTimeout": "10"})
		q.set("RedrivePolicy", redriveTo("q", 1))
		q.send("round")
		for range 3 {
			wantEqual(t, "received", *q.receive(1, 5)[0].Body, "round")
			time.Sleep(10 * time.Second)
			q.bodies()
		}
	})
}
