// Package conformance drives a whole runtime through the AWS SDK, as any program
// would, inside synctest bubbles: hours of visibility, delay and deduplication
// pass at once. What the answers must be comes from AWS's documentation and from
// answers recorded from AWS.
package conformance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"millrace/test/testenv"
)

// A queue is a queue of one test, with the calls that tests make most.
type queue struct {
	t   *testing.T
	sdk *sqs.Client
	url *string
}

func create(t *testing.T, env *testenv.Env, name string, attributes map[string]string) queue {
	t.Helper()
	sdk := sqs.NewFromConfig(env.AWS)
	out, err := sdk.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		t.Fatalf("CreateQueue %s: %v", name, err)
	}
	return queue{t, sdk, out.QueueUrl}
}

func (q queue) send(body string) *sqs.SendMessageOutput {
	q.t.Helper()
	out, err := q.sdk.SendMessage(q.t.Context(), &sqs.SendMessageInput{QueueUrl: q.url, MessageBody: &body})
	if err != nil {
		q.t.Fatalf("SendMessage %s: %v", body, err)
	}
	return out
}

func (q queue) sendFIFO(body, group, dedup string) *sqs.SendMessageOutput {
	q.t.Helper()
	in := &sqs.SendMessageInput{QueueUrl: q.url, MessageBody: &body, MessageGroupId: &group}
	if dedup != "" {
		in.MessageDeduplicationId = &dedup
	}
	out, err := q.sdk.SendMessage(q.t.Context(), in)
	if err != nil {
		q.t.Fatalf("SendMessage %s: %v", body, err)
	}
	return out
}

func (q queue) receive(max int32, wait int32) []types.Message {
	q.t.Helper()
	out, err := q.sdk.ReceiveMessage(q.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: q.url, MaxNumberOfMessages: max, WaitTimeSeconds: wait,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll}, MessageAttributeNames: []string{"All"}})
	if err != nil {
		q.t.Fatalf("ReceiveMessage: %v", err)
	}
	return out.Messages
}

// bodies receives up to ten at once and returns their bodies.
func (q queue) bodies() string {
	q.t.Helper()
	var all []string
	for _, m := range q.receive(10, 0) {
		all = append(all, *m.Body)
	}
	return strings.Join(all, " ")
}

func (q queue) delete(m types.Message) error {
	_, err := q.sdk.DeleteMessage(q.t.Context(), &sqs.DeleteMessageInput{QueueUrl: q.url, ReceiptHandle: m.ReceiptHandle})
	return err
}

func (q queue) hide(m types.Message, seconds int32) error {
	_, err := q.sdk.ChangeMessageVisibility(q.t.Context(), &sqs.ChangeMessageVisibilityInput{QueueUrl: q.url, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: seconds})
	return err
}

func (q queue) attributes() map[string]string {
	q.t.Helper()
	out, err := q.sdk.GetQueueAttributes(q.t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: q.url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
	if err != nil {
		q.t.Fatalf("GetQueueAttributes: %v", err)
	}
	return out.Attributes
}

// counts are visible, in flight and delayed.
func (q queue) counts() string {
	q.t.Helper()
	a := q.attributes()
	return a["ApproximateNumberOfMessages"] + "/" + a["ApproximateNumberOfMessagesNotVisible"] + "/" + a["ApproximateNumberOfMessagesDelayed"]
}

// wantError checks the code and the text of an SDK error. rule names what is
// checked.
func wantError(t *testing.T, rule string, err error, code, text string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) {
		t.Errorf("%s: got error %v, want %s", rule, err, code)
		return
	}
	wantEqual(t, rule+", code", api.ErrorCode(), code)
	wantEqual(t, rule+", text", api.ErrorMessage(), text)
}

func wantEqual[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestFreshQueueShowsAWSDefaults(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		got := create(t, env, "fresh", nil).attributes()
		wantEqual(t, "names", strings.Join(slices.Sorted(maps.Keys(got)), " "),
			"ApproximateNumberOfMessages ApproximateNumberOfMessagesDelayed ApproximateNumberOfMessagesNotVisible "+
				"CreatedTimestamp DelaySeconds LastModifiedTimestamp MaximumMessageSize MessageRetentionPeriod QueueArn "+
				"ReceiveMessageWaitTimeSeconds SqsManagedSseEnabled VisibilityTimeout")
		for name, want := range map[string]string{
			"DelaySeconds": "0", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600",
			"ReceiveMessageWaitTimeSeconds": "0", "VisibilityTimeout": "30", "SqsManagedSseEnabled": "true",
			"QueueArn": "arn:aws:sqs:us-east-1:000000000000:fresh",
		} {
			wantEqual(t, name, got[name], want)
		}
	})
}

func TestMessageReturnsWhenVisibilityLapses(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		q := create(t, env, "orders", nil)
		sent := q.send("hello")
		first := q.receive(1, 0)
		wantEqual(t, "first receive", len(first), 1)
		wantEqual(t, "message id", *first[0].MessageId, *sent.MessageId)
		wantEqual(t, "counts", q.counts(), "0/1/0")
		time.Sleep(30*time.Second - time.Millisecond)
		wantEqual(t, "just before", q.bodies(), "")
		time.Sleep(time.Millisecond)
		again := q.receive(1, 0)
		wantEqual(t, "after 30 s", len(again), 1)
		wantEqual(t, "receive count", again[0].Attributes["ApproximateReceiveCount"], "2")
		if *again[0].ReceiptHandle == *first[0].ReceiptHandle {
			t.Error("the second delivery has the receipt handle of the first")
		}
	})
}

func TestVisibilityIsCappedAtTwelveHours(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		q := create(t, env, "long", nil)
		q.send("hello")
		m := q.receive(1, 0)[0]
		for range 11 {
			if err := q.hide(m, 3600); err != nil {
				t.Fatal(err)
			}
			time.Sleep(3599 * time.Second)
		}
		wantError(t, "beyond the cap", q.hide(m, 7200), "InvalidParameterValue",
			"Value 7200 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds].")
		wantError(t, "out of range", q.hide(m, 43201), "InvalidParameterValue",
			"Value 43201 for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and 43200, if provided.")
		if err := q.hide(m, 3600); err != nil {
			t.Errorf("within the cap: %v", err)
		}
	})
}

func TestLongPollWakes(t *testing.T) {
	for _, c := range []struct {
		cause string
		setup func(q queue, later *sync.WaitGroup) // after which a message comes up 7 seconds from now
	}{
		{"a send", func(q queue, later *sync.WaitGroup) {
			later.Go(func() { time.Sleep(7 * time.Second); q.send("hello") })
		}},
		{"the end of a delay", func(q queue, _ *sync.WaitGroup) {
			if _, err := q.sdk.SendMessage(q.t.Context(), &sqs.SendMessageInput{QueueUrl: q.url, MessageBody: aws.String("hello"), DelaySeconds: 7}); err != nil {
				q.t.Fatal(err)
			}
		}},
		{"the end of a visibility", func(q queue, _ *sync.WaitGroup) {
			q.send("hello")
			if err := q.hide(q.receive(1, 0)[0], 7); err != nil {
				q.t.Fatal(err)
			}
		}},
		{"a visibility set to zero", func(q queue, later *sync.WaitGroup) {
			q.send("hello")
			m := q.receive(1, 0)[0]
			later.Go(func() { time.Sleep(7 * time.Second); q.hide(m, 0) })
		}},
	} {
		t.Run(c.cause, func(t *testing.T) {
			testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
				q := create(t, env, "waiting", nil)
				var later sync.WaitGroup
				c.setup(q, &later)
				began := time.Now()
				got := q.receive(1, 20)
				wantEqual(t, "messages", len(got), 1)
				wantEqual(t, "waited", time.Since(began).Round(100*time.Millisecond), 7*time.Second)
				later.Wait()
			})
		})
	}
	t.Run("nothing, after the whole wait", func(t *testing.T) {
		testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
			q := create(t, env, "waiting", nil)
			began := time.Now()
			wantEqual(t, "messages", len(q.receive(1, 20)), 0)
			wantEqual(t, "waited", time.Since(began), 20*time.Second)
		})
	})
}

func TestDelayHidesNewMessages(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		q := create(t, env, "delayed", map[string]string{"DelaySeconds": "900"})
		q.send("hello")
		wantEqual(t, "counts", q.counts(), "0/0/1")
		time.Sleep(899 * time.Second)
		wantEqual(t, "before", q.bodies(), "")
		time.Sleep(time.Second)
		wantEqual(t, "after", q.bodies(), "hello")
	})
}

func TestRetentionDropsOldMessages(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		q := create(t, env, "short", map[string]string{"MessageRetentionPeriod": "60"})
		q.send("old")
		time.Sleep(30 * time.Second)
		q.send("new")
		time.Sleep(31 * time.Second)
		wantEqual(t, "counts", q.counts(), "1/0/0")
		wantEqual(t, "bodies", q.bodies(), "new")
	})
}

func TestDeadLettersAfterMaxReceives(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		dead := create(t, env, "dead", nil)
		q := create(t, env, "orders", map[string]string{
			"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":"3"}`})
		sent := q.send("poison")
		for range 3 {
			wantEqual(t, "received", q.bodies(), "poison")
			time.Sleep(30 * time.Second)
		}
		wantEqual(t, "fourth receive", q.bodies(), "")
		got := dead.receive(1, 1)
		wantEqual(t, "in the dead-letter queue", len(got), 1)
		wantEqual(t, "message id", *got[0].MessageId, *sent.MessageId)
		wantEqual(t, "receive count goes on", got[0].Attributes["ApproximateReceiveCount"], "4")
		wantEqual(t, "source", got[0].Attributes["DeadLetterQueueSourceArn"], "arn:aws:sqs:us-east-1:000000000000:orders")
		wantEqual(t, "source is empty", q.counts(), "0/0/0")
	})
}

func TestPurgeDropsEverything(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		q := create(t, env, "q.fifo", map[string]string{"FifoQueue": "true"})
		q.sendFIFO("one", "g", "d")
		q.receive(1, 0)
		q.sendFIFO("two", "g", "e")
		if _, err := q.sdk.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: q.url}); err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "counts", q.counts(), "0/0/0")
		q.sendFIFO("three", "g", "d")
		wantEqual(t, "the deduplication memory is gone too", q.bodies(), "three")
	})
}

func TestFIFODeduplicatesForFiveMinutes(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		q := create(t, env, "q.fifo", map[string]string{"FifoQueue": "true", "ContentBasedDeduplication": "true"})
		first := q.sendFIFO("hello", "g", "")
		if err := q.delete(q.receive(1, 0)[0]); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5*time.Minute - time.Second)
		again := q.sendFIFO("hello", "g", "")
		wantEqual(t, "id of the duplicate", *again.MessageId, *first.MessageId)
		wantEqual(t, "its sequence number", *again.SequenceNumber, *first.SequenceNumber)
		wantEqual(t, "it is dropped", q.bodies(), "")
		time.Sleep(time.Second)
		if after := q.sendFIFO("hello", "g", ""); *after.MessageId == *first.MessageId {
			t.Error("after five minutes the same body is still a duplicate")
		}
		wantEqual(t, "after the window", q.bodies(), "hello")
	})
}

func TestFIFOFillsABatchFromOneGroupFirst(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		q := create(t, env, "q.fifo", map[string]string{"FifoQueue": "true"})
		for i, m := range []string{"g1-m1", "g2-m1", "g1-m2", "g1-m3"} {
			q.sendFIFO(m, m[:2], fmt.Sprint(i))
		}
		wantEqual(t, "order", q.bodies(), "g1-m1 g1-m2 g1-m3 g2-m1")
	})
}

// The table of partial visibility that was recorded from AWS: three messages
// received together with a time-out of a second, one of them extended.
func TestFIFOPartialVisibility(t *testing.T) {
	for extended, want := range []string{"", "m1", "m1 m2"} {
		t.Run(fmt.Sprintf("message %d extended", extended+1), func(t *testing.T) {
			testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
				q := create(t, env, "q.fifo", map[string]string{"FifoQueue": "true", "VisibilityTimeout": "1"})
				for i := range 3 {
					q.sendFIFO(fmt.Sprintf("m%d", i+1), "g", fmt.Sprint(i))
				}
				got := q.receive(10, 0)
				if err := q.hide(got[extended], 30); err != nil {
					t.Fatal(err)
				}
				time.Sleep(2 * time.Second)
				wantEqual(t, "after the time-out", q.bodies(), want)
			})
		})
	}
}

func TestFIFOExpiredHandleCannotDelete(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		q := create(t, env, "q.fifo", map[string]string{"FifoQueue": "true", "VisibilityTimeout": "1"})
		q.sendFIFO("m", "g", "d")
		m := q.receive(1, 0)[0]
		time.Sleep(2 * time.Second)
		wantError(t, "expired", q.delete(m), "InvalidParameterValue",
			"Value "+*m.ReceiptHandle+" for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.")
	})
}

func TestErrorsHaveAWSCodesAndTexts(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		ctx := context.Background()
		q := create(t, env, "standard", map[string]string{"MaximumMessageSize": "1024"})
		fifo := create(t, env, "q.fifo", map[string]string{"FifoQueue": "true"})
		long := strings.Repeat("x", 1025)
		send := func(q queue, in sqs.SendMessageInput) error {
			in.QueueUrl = q.url
			_, err := q.sdk.SendMessage(ctx, &in)
			return err
		}
		newQueue := func(name string, attributes map[string]string) error {
			_, err := q.sdk.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
			return err
		}
		set := func(q queue, name, value string) error {
			_, err := q.sdk.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: q.url, Attributes: map[string]string{name: value}})
			return err
		}
		receive := func(in sqs.ReceiveMessageInput) error {
			in.QueueUrl = q.url
			_, err := q.sdk.ReceiveMessage(ctx, &in)
			return err
		}
		missing := queue{t, q.sdk, aws.String(strings.Replace(*q.url, "standard", "missing", 1))}
		for _, c := range []struct {
			rule       string
			err        error
			code, text string
		}{
			{"unknown queue", send(missing, sqs.SendMessageInput{MessageBody: aws.String("x")}), "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist."},
			{"empty body", send(q, sqs.SendMessageInput{MessageBody: aws.String("")}), "MissingParameter", "The request must contain the parameter MessageBody."},
			{"long body", send(q, sqs.SendMessageInput{MessageBody: &long}), "InvalidParameterValue", "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."},
			{"no group", send(fifo, sqs.SendMessageInput{MessageBody: aws.String("x")}), "MissingParameter", "The request must contain the parameter MessageGroupId."},
			{"no dedup id", send(fifo, sqs.SendMessageInput{MessageBody: aws.String("x"), MessageGroupId: aws.String("g")}), "InvalidParameterValue", "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"},
			{"empty String attribute", send(q, sqs.SendMessageInput{MessageBody: aws.String("x"), MessageAttributes: map[string]types.MessageAttributeValue{"k": {DataType: aws.String("String"), StringValue: aws.String("")}}}),
				"InvalidParameterValue", "Message (user) attribute 'k' must contain a non-empty value of type 'String'."},
			{"FIFO name without attribute", newQueue("x.fifo", nil), "InvalidParameterValue", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"},
			{"name exists with other attributes", newQueue("standard", map[string]string{"DelaySeconds": "5"}), "QueueAlreadyExists", "A queue already exists with the same name and a different value for attribute DelaySeconds"},
			{"bad number", newQueue("bad", map[string]string{"DelaySeconds": "901"}), "InvalidAttributeValue", "Invalid value for the parameter DelaySeconds."},
			{"unknown attribute", set(q, "Colour", "red"), "InvalidAttributeName", "Unknown Attribute Colour."},
			{"FIFO attribute on a standard queue", set(q, "ContentBasedDeduplication", "true"), "InvalidAttributeName", "Unknown Attribute ContentBasedDeduplication."},
			{"FIFO queue made standard", set(fifo, "FifoQueue", "false"), "InvalidAttributeValue", "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported."},
			{"too many messages asked for", receive(sqs.ReceiveMessageInput{MaxNumberOfMessages: 11}), "InvalidParameterValue", "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided."},
			{"wait too long", receive(sqs.ReceiveMessageInput{WaitTimeSeconds: 21}), "InvalidParameterValue", "Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided."},
			{"garbage handle", q.delete(types.Message{ReceiptHandle: aws.String("garbage")}), "ReceiptHandleIsInvalid", `The input receipt handle "garbage" is not a valid receipt handle.`},
		} {
			wantError(t, c.rule, c.err, c.code, c.text)
		}
		wantEqual(t, "nothing was sent", q.counts(), "0/0/0")
		wantEqual(t, "nothing was sent", fifo.counts(), "0/0/0")
	})
}
