package conformance

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"millrace/test/testenv"
)

// A FIFO topic hands group, deduplication id and order to FIFO queues, and none of the ids
// to standard ones. Its envelopes have a number and no signature.
func TestFIFOTopicToQueues(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		p := createTopic(t, env, "orders.fifo", fifoTopic)
		ordered, subscription := p.feed("q.fifo")
		raw, _ := p.feed("raw.fifo", "RawMessageDelivery", "true")
		standard, _ := p.feed("q")
		var sent []*sns.PublishOutput
		for i := range 3 {
			sent = append(sent, p.publish(fmt.Sprint("m", i), withGroup("g", fmt.Sprint("d", i)), withText("a", "String", "v")))
		}
		synctest.Wait()

		received := ordered.receive(10, 0)
		if len(received) != 3 {
			t.Fatalf("received %d, want 3", len(received))
		}
		for i, m := range received {
			n := readNotification(t, *m.Body)
			wantEqual(t, "message", n.Message, fmt.Sprint("m", i))
			wantEqual(t, "group", m.Attributes["MessageGroupId"], "g")
			wantEqual(t, "deduplication id", m.Attributes["MessageDeduplicationId"], fmt.Sprint("d", i))
			wantEqual(t, "number", n.SequenceNumber, *sent[i].SequenceNumber)
			wantEqual(t, "length of the number", len(n.SequenceNumber), 20)
			wantEqual(t, "id", n.MessageId, *sent[i].MessageId)
			if i > 0 && n.SequenceNumber <= *sent[i-1].SequenceNumber {
				t.Errorf("%s comes after %s", n.SequenceNumber, *sent[i-1].SequenceNumber)
			}
		}
		form := strings.NewReplacer("ID", *sent[0].MessageId, "NUMBER", *sent[0].SequenceNumber, "TOPIC", p.arn, "SUBSCRIPTION", subscription,
			"TIME", readNotification(t, *received[0].Body).Timestamp, "BASE", strings.TrimSuffix(env.Endpoint, "/")).Replace(`{
  "Type" : "Notification",
  "MessageId" : "ID",
  "SequenceNumber" : "NUMBER",
  "TopicArn" : "TOPIC",
  "Message" : "m0",
  "Timestamp" : "TIME",
  "UnsubscribeURL" : "BASE/?Action=Unsubscribe&SubscriptionArn=SUBSCRIPTION",
  "MessageAttributes" : {
    "a" : {"Type":"String","Value":"v"}
  }
}`)
		wantEqual(t, "body", *received[0].Body, form)

		m := raw.one()
		wantEqual(t, "raw", *m.Body+" "+m.Attributes["MessageGroupId"]+" "+*m.MessageAttributes["a"].StringValue, "m0 g v")
		for _, m := range standard.receive(10, 0) {
			wantEqual(t, "group in a standard queue", m.Attributes["MessageGroupId"], "")
			wantEqual(t, "deduplication id in a standard queue", m.Attributes["MessageDeduplicationId"], "")
		}
		wantEqual(t, "standard queue", standard.counts(), "0/3/0")
	})
}

// What repeats a deduplication id within five minutes succeeds, is answered as the first
// was and goes nowhere: by content too, and inside a batch.
func TestFIFOTopicDeduplicates(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		p := createTopic(t, env, "orders.fifo", fifoTopic)
		q, _ := p.feed("q.fifo", "RawMessageDelivery", "true")
		first := p.publish("same", withGroup("g", ""))
		again := p.publish("same", withGroup("other", ""))
		wantEqual(t, "id of the repeated one", *again.MessageId, *first.MessageId)
		wantEqual(t, "number of the repeated one", *again.SequenceNumber, *first.SequenceNumber)
		sum := sha256.Sum256([]byte("same"))
		p.publish("other", withGroup("g", hex.EncodeToString(sum[:])))
		p.publish("same", withGroup("g", "own"))
		synctest.Wait()
		wantEqual(t, "bodies", q.raws(), "same same")

		entry := func(id, dedup string) types.PublishBatchRequestEntry {
			return types.PublishBatchRequestEntry{Id: &id, Message: &id, MessageGroupId: aws.String("h"), MessageDeduplicationId: &dedup}
		}
		out, err := p.sdk.PublishBatch(t.Context(), &sns.PublishBatchInput{TopicArn: &p.arn,
			PublishBatchRequestEntries: []types.PublishBatchRequestEntry{entry("a", "1"), entry("b", "2"), entry("c", "1"), entry("d", "own")}})
		if err != nil || len(out.Successful) != 4 {
			t.Fatalf("PublishBatch: %v, %v", out, err)
		}
		wantEqual(t, "id of what a batch repeats", *out.Successful[2].MessageId, *out.Successful[0].MessageId)
		synctest.Wait()
		wantEqual(t, "bodies of a batch", q.raws(), "a b")

		time.Sleep(5*time.Minute + time.Second)
		p.publish("later", withGroup("i", "own"))
		synctest.Wait()
		wantEqual(t, "after five minutes", q.raws(), "later")
	})
}

// With the scope MessageGroup, each group has deduplication ids of its own, for good.
func TestDeduplicationByGroup(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		p := createTopic(t, env, "orders.fifo", map[string]string{"FifoTopic": "true", "FifoThroughputScope": "MessageGroup"})
		q, _ := p.feed("q.fifo", "RawMessageDelivery", "true")
		q.set("DeduplicationScope", "messageGroup")
		p.publish("g1", withGroup("g", "d"))
		p.publish("h1", withGroup("h", "d"))
		p.publish("g2", withGroup("g", "d"))
		synctest.Wait()
		wantEqual(t, "bodies", q.raws(), "g1 h1")
		_, err := p.sdk.SetTopicAttributes(t.Context(), &sns.SetTopicAttributesInput{TopicArn: &p.arn, AttributeName: aws.String("FifoThroughputScope"), AttributeValue: aws.String("Topic")})
		if err == nil {
			t.Error("the scope can be set back")
		}
	})
}

// The dead-letter queue of a subscription to a FIFO topic gets what its queue cannot get,
// in order and with the ids, and the topic goes on.
func TestFIFODeadLetters(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		p := createTopic(t, env, "orders.fifo", fifoTopic)
		dead := create(t, env, "dead.fifo", map[string]string{"FifoQueue": "true"})
		dead.set("Policy", fromTopic(queueARNs+"dead.fifo", p.arn))
		gone, _ := p.feed("gone.fifo", "RedrivePolicy", `{"deadLetterTargetArn":"`+queueARNs+`dead.fifo"}`)
		there, _ := p.feed("there.fifo")
		if _, err := gone.sdk.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: gone.url}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		for i := range 5 {
			p.publish(fmt.Sprint("m", i), withGroup("g", ""))
		}
		time.Sleep(time.Hour)
		wantEqual(t, "dead letters", dead.messages(), "m0 m1 m2 m3 m4")
		wantEqual(t, "the other queue", there.messages(), "m0 m1 m2 m3 m4")
	})
}

// A filter policy uses up what it does not let through, and the rest stays in order.
func TestFIFOFilters(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		p := createTopic(t, env, "orders.fifo", fifoTopic)
		q, _ := p.feed("q.fifo", "FilterPolicy", `{"n":[{"numeric":[">",1]}]}`, "RawMessageDelivery", "true")
		for i := range 6 {
			p.publish(fmt.Sprint("m", i), withGroup("g", ""), withText("n", "Number", fmt.Sprint(i%3)))
		}
		synctest.Wait()
		wantEqual(t, "bodies", q.raws(), "m2 m5")
	})
}

// An archive is replayed from a point in time, by its filter; a replay with an end leaves
// the subscription paused; a topic with an archive cannot be deleted.
func TestArchiveAndReplay(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		p := createTopic(t, env, "orders.fifo", fifoTopic)
		p.publish("before", withGroup("g", ""))
		time.Sleep(time.Second)
		p.set("ArchivePolicy", `{"MessageRetentionPeriod":"1"}`)
		began := time.Now()
		var points []time.Time
		for i := range 4 {
			points = append(points, time.Now())
			p.publish(fmt.Sprint("m", i), withGroup("g", ""), withText("odd", "String", fmt.Sprint(i%2 == 1)))
			time.Sleep(time.Hour)
		}
		replay := func(start, end time.Time) string {
			const form = "2006-01-02T15:04:05.000Z"
			policy := `{"PointType":"Timestamp","StartingPoint":"` + start.UTC().Format(form) + `"`
			if !end.IsZero() {
				policy += `,"EndingPoint":"` + end.UTC().Format(form) + `"`
			}
			return policy + "}"
		}

		open, _ := p.feed("open.fifo", "ReplayPolicy", replay(began, time.Time{}))
		bounded, subscription := p.feed("bounded.fifo", "ReplayPolicy", replay(points[1], points[3]), "RawMessageDelivery", "true")
		odd, _ := p.feed("odd.fifo", "ReplayPolicy", replay(began, time.Time{}), "FilterPolicy", `{"odd":["true"]}`)
		time.Sleep(time.Minute)
		p.publish("new", withGroup("g", ""), withText("odd", "String", "true"))
		time.Sleep(time.Minute)

		var marks []string
		for _, m := range open.receive(10, 0) {
			marks = append(marks, readNotification(t, *m.Body).Message+fmt.Sprint(strings.Contains(*m.Body, `"Replayed"`)))
		}
		wantEqual(t, "an open replay", strings.Join(marks, " "), "m0true m1true m2true m3true newfalse")
		wantEqual(t, "by a filter", odd.messages(), "m1 m3 new")
		got := bounded.raws()
		if got != "m1 m2" && got != "m1 m2 m3" { // whether the end belongs to it, AWS does not say
			t.Errorf("a bounded replay: %s", got)
		}
		out, err := p.sdk.GetSubscriptionAttributes(t.Context(), &sns.GetSubscriptionAttributesInput{SubscriptionArn: &subscription})
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "status", out.Attributes["ReplayStatus"], "Completed")

		_, err = p.sdk.DeleteTopic(t.Context(), &sns.DeleteTopicInput{TopicArn: &p.arn})
		wantError(t, "a topic with an archive", err, "InvalidState", "Invalid state: Cannot delete a topic with an ArchivePolicy")
		p.set("ArchivePolicy", "{}")
		if _, err := p.sdk.DeleteTopic(t.Context(), &sns.DeleteTopicInput{TopicArn: &p.arn}); err != nil {
			t.Error(err)
		}
	})
}

// What a queue can never take of a FIFO topic is a dead letter; what is before and behind
// it arrives, in its order.
func TestFIFOTopicPassesWhatAQueueRefuses(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		p := createTopic(t, env, "orders.fifo", fifoTopic)
		dead := create(t, env, "dead.fifo", map[string]string{"FifoQueue": "true"})
		dead.set("Policy", fromTopic(queueARNs+"dead.fifo", p.arn))
		q, _ := p.feed("q.fifo", "RawMessageDelivery", "true", "RedrivePolicy", `{"deadLetterTargetArn":"`+queueARNs+`dead.fifo"}`)
		for i := range 7 {
			attributes := withTexts(1)
			if i == 2 || i == 3 || i == 6 {
				attributes = withTexts(11)
			}
			p.publish(fmt.Sprint("m", i), withGroup("g", fmt.Sprint("d", i)), attributes)
		}
		synctest.Wait()
		wantEqual(t, "bodies", q.raws(), "m0 m1 m4 m5")
		wantEqual(t, "dead letters", dead.raws(), "m2 m3 m6")
	})
}
