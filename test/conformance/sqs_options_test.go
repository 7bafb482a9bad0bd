package conformance

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"millrace/cmd/runtime/app"
	service "millrace/services/sqs"
	"millrace/test/testenv"
)

// with runs a bubble whose SQS is configured otherwise.
func with(t *testing.T, o service.Options, f func(*testing.T, *testenv.Env)) {
	t.Helper()
	testenv.Bubble(t, f, func(c *app.Config) { c.SQS = o })
}

func (q queue) purge() error {
	_, err := q.sdk.PurgeQueue(q.t.Context(), &sqs.PurgeQueueInput{QueueUrl: q.url})
	return err
}

func TestSQSPurgeWaits(t *testing.T) {
	with(t, service.Options{PurgeWait: true}, func(t *testing.T, env *testenv.Env) {
		q, other := create(t, env, "q", nil), create(t, env, "other", nil)
		q.must(q.purge())
		q.send("stays")
		time.Sleep(59 * time.Second)
		wantError(t, "after 59 s", q.purge(), "AWS.SimpleQueueService.PurgeQueueInProgress", "Only one PurgeQueue operation on q is allowed every 60 seconds.")
		wantEqual(t, "messages", q.counts(), "1/0/0")
		q.must(other.purge())
		time.Sleep(time.Second)
		q.must(q.purge())
		wantEqual(t, "messages after a minute", q.counts(), "0/0/0")

		// Another queue of that name was never purged.
		_, err := q.sdk.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: q.url})
		q.must(err)
		time.Sleep(time.Second)
		q = create(t, env, "q", nil)
		q.must(q.purge())
	})
}

func TestSQSNamesWait(t *testing.T) {
	with(t, service.Options{NameWait: true}, func(t *testing.T, env *testenv.Env) {
		q := create(t, env, "q", nil)
		_, err := q.sdk.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: q.url})
		q.must(err)
		time.Sleep(59 * time.Second)
		name := "q"
		_, err = q.sdk.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name})
		wantError(t, "after 59 s", err, "AWS.SimpleQueueService.QueueDeletedRecently", "You must wait 60 seconds after deleting a queue before you can create another with the same name.")
		create(t, env, "other", nil)
		time.Sleep(time.Second)
		create(t, env, "q", nil)
	})
}

// Without the options nobody waits.
func TestSQSNobodyWaits(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		q := create(t, env, "q", nil)
		q.must(q.purge())
		q.must(q.purge())
		_, err := q.sdk.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: q.url})
		q.must(err)
		create(t, env, "q", nil)
	})
}

func TestSQSWaitsSurviveARestart(t *testing.T) {
	option := func(c *app.Config) { c.SQS = service.Options{PurgeWait: true, NameWait: true} }
	dir := t.TempDir()
	t.Run("before", func(t *testing.T) {
		env := testenv.Start(t, testenv.WithData(dir), option)
		q, gone := create(t, env, "q", nil), create(t, env, "gone", nil)
		q.must(q.purge())
		_, err := q.sdk.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: gone.url})
		q.must(err)
	})
	t.Run("after", func(t *testing.T) {
		env := testenv.Start(t, testenv.WithData(dir), option)
		q := create(t, env, "q", nil)
		wantError(t, "a purge", q.purge(), "AWS.SimpleQueueService.PurgeQueueInProgress", "Only one PurgeQueue operation on q is allowed every 60 seconds.")
		name := "gone"
		_, err := q.sdk.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name})
		wantError(t, "a name", err, "AWS.SimpleQueueService.QueueDeletedRecently", "You must wait 60 seconds after deleting a queue before you can create another with the same name.")
	})
}

func TestSQSRetentionOff(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		q := create(t, env, "q", map[string]string{"MessageRetentionPeriod": "60"})
		q.send("stays")
		time.Sleep(10 * time.Minute)
		wantEqual(t, "what is received after ten minutes", q.bodies(), "stays")
		wantEqual(t, "the attribute", q.attributes()["MessageRetentionPeriod"], "60")
		q.set("MessageRetentionPeriod", "120")
		time.Sleep(10 * time.Minute)
		wantEqual(t, "what is received after the attribute was set", q.bodies(), "stays")
	}, func(c *app.Config) { c.KeepForever = true })
}

func TestSQSAnyNumber(t *testing.T) {
	with(t, service.Options{AnyNumber: true}, func(t *testing.T, env *testenv.Env) {
		q := create(t, env, "q", nil)
		for i := range 25 {
			q.send(fmt.Sprint(i))
		}
		wantEqual(t, "eleven asked for", len(q.receive(11, 0)), 11)
		wantEqual(t, "all asked for", len(q.receive(-1, 0)), 14)
		wantEqual(t, "all asked for again", len(q.receive(-1, 1)), 0)
		_, err := q.sdk.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: q.url, MaxNumberOfMessages: -2})
		wantError(t, "-2 asked for", err, badValue, "Value -2 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.")
	})
}

// 300 calls of one action a second and no more: of the queue, or in
// high-throughput mode of a group.
func TestSQSFIFOThroughput(t *testing.T) {
	with(t, service.Options{FIFOThroughput: true}, func(t *testing.T, env *testenv.Env) {
		usual := create(t, env, "usual.fifo", map[string]string{"FifoQueue": "true", "ContentBasedDeduplication": "true"})
		high := create(t, env, "high.fifo", map[string]string{"FifoQueue": "true", "ContentBasedDeduplication": "true",
			"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"})
		send := func(q queue, group string) error {
			body := "x"
			_, err := q.sdk.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: q.url, MessageBody: &body, MessageGroupId: &group}, func(o *sqs.Options) { o.RetryMaxAttempts = 1 })
			return err
		}
		for range 300 {
			usual.must(send(usual, "a"))
			high.must(send(high, "a"))
		}
		const throttled = "Request is throttled."
		wantError(t, "the 301st call", send(usual, "b"), "RequestThrottled", throttled)
		wantError(t, "the 301st call of a group", send(high, "a"), "RequestThrottled", throttled)
		high.must(send(high, "b"))
		usual.receive(1, 0) // another action
		time.Sleep(time.Second)
		usual.must(send(usual, "b"))
		high.must(send(high, "a"))
	})
}
