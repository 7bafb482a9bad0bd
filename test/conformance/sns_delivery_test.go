package conformance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	topics "millrace/runtime/topic"
	"millrace/test/testenv"
)

// A queue gets the message in AWS's envelope: its members, their order and white space.
func TestTopicToQueue(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		p := createTopic(t, env, "orders", nil)
		q, subscription := p.feed("q")
		sent := p.publish("one\n\"two\" <&>", withSubject("hi"), withText("b", "Number", "1.50"), withText("a", "String", "ü"), withBinary("c", []byte{0xff, 0}))
		p.publish("plain")
		synctest.Wait()

		received := q.receive(10, 0)
		if len(received) != 2 {
			t.Fatalf("received %d, want 2", len(received))
		}
		m := received[0]
		body := *m.Body
		for _, part := range []struct{ form, name string }{
			{`2000-01-01T00:00:0[0-9]\.[0-9]{3}Z`, "TIME"}, {`[A-Za-z0-9+/]{342}==`, "SIGNATURE"},
			{`https://[^"]*/SimpleNotificationService-[0-9a-f]{32}\.pem`, "CERTIFICATE"}, {`http://[^"]*/\?`, "RUNTIME/?"},
			{*sent.MessageId, "ID"}, {subscription, "SUBSCRIPTION"}, {p.arn, "TOPIC"},
		} {
			body = regexp.MustCompile(part.form).ReplaceAllLiteralString(body, part.name)
		}
		wantEqual(t, "body", body, `{
  "Type" : "Notification",
  "MessageId" : "ID",
  "TopicArn" : "TOPIC",
  "Subject" : "hi",
  "Message" : "one\n\"two\" <&>",
  "Timestamp" : "TIME",
  "SignatureVersion" : "1",
  "Signature" : "SIGNATURE",
  "SigningCertURL" : "CERTIFICATE",
  "UnsubscribeURL" : "RUNTIME/?Action=Unsubscribe&SubscriptionArn=SUBSCRIPTION",
  "MessageAttributes" : {
    "a" : {"Type":"String","Value":"ü"},
    "b" : {"Type":"Number","Value":"1.50"},
    "c" : {"Type":"Binary","Value":"/wA="}
  }
}`)
		if len(m.MessageAttributes) > 0 || *m.MessageId == *sent.MessageId {
			t.Errorf("the queue's message has the id %s and attributes %v", *m.MessageId, m.MessageAttributes)
		}
		if plain := readNotification(t, *received[1].Body); plain.Message != "plain" || strings.Contains(*received[1].Body, "Subject") || strings.Contains(*received[1].Body, "MessageAttributes") {
			t.Errorf("got\n%s", *received[1].Body)
		}
	})
}

// With raw delivery the queue's message is the message: 10 attributes pass, and more are
// a failure of the subscriber.
func TestRawDeliveryToQueues(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		p := createTopic(t, env, "orders", nil)
		dead := create(t, env, "dead", nil)
		dead.set("Policy", fromTopic(queueARNs+"dead", p.arn))
		raw, _ := p.feed("raw", "RawMessageDelivery", "true", "RedrivePolicy", `{"deadLetterTargetArn":"`+queueARNs+`dead"}`)
		wrapped, _ := p.feed("wrapped")
		p.publish("ten", withTexts(9), withBinary("b", []byte{0xff}), withSubject("lost"))
		p.publish("eleven", withTexts(11))
		synctest.Wait()

		m := raw.one()
		wantEqual(t, "body", *m.Body, "ten")
		wantEqual(t, "attributes", len(m.MessageAttributes), 10)
		wantEqual(t, "a text", *m.MessageAttributes["a00"].DataType+" "+*m.MessageAttributes["a00"].StringValue, "String v")
		wantEqual(t, "a binary", *m.MessageAttributes["b"].DataType+" "+string(m.MessageAttributes["b"].BinaryValue), "Binary \xff")
		wantEqual(t, "dead letters", dead.counts(), "1/0/0")
		wantEqual(t, "wrapped", wrapped.counts(), "2/0/0")
		wantEqual(t, "dead letter", *dead.one().Body, "eleven")
	})
}

// MessageStructure json has a body for each protocol.
func TestMessageStructure(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		p := createTopic(t, env, "orders", nil)
		wrapped, _ := p.feed("wrapped")
		raw, _ := p.feed("raw", "RawMessageDelivery", "true")
		p.publish(`{"default":"for all","sqs":"for queues","lambda":"for functions"}`, withStructure)
		p.publish(`{"default":"for all","sqs":7}`, withStructure)
		synctest.Wait()
		wantEqual(t, "wrapped", wrapped.messages(), "for queues for all")
		wantEqual(t, "raw", raw.raws(), "for queues for all")
	})
}

// Filter policies of both scopes choose, and what changes of them holds at once.
func TestFilterPolicies(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		p := createTopic(t, env, "orders", nil)
		byAttribute, subscription := p.feed("by-attribute", "FilterPolicy", `{"kind":["mill",{"prefix":"wa"}],"n":[{"numeric":[">",2]}]}`)
		byBody, _ := p.feed("by-body", "FilterPolicy", `{"order":{"kind":["mill"]}}`, "FilterPolicyScope", "MessageBody")
		p.publish("a", withText("kind", "String", "mill"), withText("n", "Number", "3"))
		p.publish("b", withText("kind", "String.Array", `["x","water"]`), withText("n", "Number", "1e3"))
		p.publish("c", withText("kind", "String", "mill"), withText("n", "Number", "2"))
		p.publish("d", withText("kind", "String", "mill"), withText("n", "String", "3"))
		p.publish("e", withBinary("kind", []byte("mill")), withText("n", "Number", "3"))
		p.publish(`{"order":{"kind":["race","mill"]}}`)
		p.publish(`{"order":{"kind":"race"}}`)
		p.publish(`[{"order":{"kind":"mill"}}]`)
		synctest.Wait()
		wantEqual(t, "by attribute", byAttribute.messages(), "a b")
		wantEqual(t, "by body", byBody.messages(), `{"order":{"kind":["race","mill"]}}`)

		p.setSubscription(subscription, "FilterPolicy", `{"kind":[{"exists":false}]}`)
		p.publish("f", withText("n", "Number", "3"))
		p.publish("g", withText("kind", "String", "mill"))
		p.setSubscription(subscription, "FilterPolicy", "{}")
		p.publish("h", withText("kind", "String", "mill"))
		synctest.Wait()
		wantEqual(t, "after changes", byAttribute.messages(), "f h")
	})
}

// A batch is delivered whole, with the ids that it was answered with.
func TestPublishBatchIsDelivered(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		p := createTopic(t, env, "orders", nil)
		q, _ := p.feed("q")
		in := &sns.PublishBatchInput{TopicArn: &p.arn}
		for i := range 10 {
			in.PublishBatchRequestEntries = append(in.PublishBatchRequestEntries, types.PublishBatchRequestEntry{Id: aws.String(fmt.Sprint("e", i)), Message: aws.String(fmt.Sprint("m", i))})
		}
		out, err := p.sdk.PublishBatch(t.Context(), in)
		if err != nil || len(out.Successful) != 10 {
			t.Fatalf("PublishBatch: %v, %v", out, err)
		}
		synctest.Wait()
		ids := map[string]string{} // of messages, by their bodies
		for _, m := range q.receive(10, 0) {
			n := readNotification(t, *m.Body)
			ids[n.Message] = n.MessageId
		}
		for i, e := range out.Successful {
			wantEqual(t, "id of "+*e.Id, ids[fmt.Sprint("m", i)], *e.MessageId)
		}
	})
}

// A subscription's dead-letter queue gets what its queue would have got, once that has
// gone. Others are not held up.
func TestDeadLettersOfSubscriptions(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		p := createTopic(t, env, "orders", nil)
		dead := create(t, env, "dead", nil)
		dead.set("Policy", fromTopic(queueARNs+"dead", p.arn))
		redrive := `{"deadLetterTargetArn":"` + queueARNs + `dead"}`
		gone, subscription := p.feed("gone", "RedrivePolicy", redrive)
		_, raw := p.feed("gone-too", "RedrivePolicy", redrive, "RawMessageDelivery", "true")
		there, _ := p.feed("there")
		for _, name := range []string{"gone", "gone-too"} {
			url := strings.Replace(*gone.url, "/gone", "/"+name, 1)
			if _, err := gone.sdk.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &url}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * time.Minute)
		p.publish("hello", withText("a", "String", "v"))
		synctest.Wait()
		wantEqual(t, "the other", there.messages(), "hello")
		time.Sleep(time.Hour)
		letters := dead.receive(10, 0)
		if len(letters) != 2 {
			t.Fatalf("%d dead letters, want 2, of %s and %s", len(letters), subscription, raw)
		}
		for _, m := range letters {
			if *m.Body == "hello" {
				wantEqual(t, "attribute of the raw one", *m.MessageAttributes["a"].StringValue, "v")
				wantEqual(t, "attributes of the raw one", len(m.MessageAttributes), 1)
				continue
			}
			wantEqual(t, "message of the other", readNotification(t, *m.Body).Message, "hello")
			wantEqual(t, "attributes of the other", len(m.MessageAttributes), 0)
		}
	})
}

// Sizes: MaximumMessageSize holds from the next publish on, and a queue takes what its
// topic took, whatever its own limit.
func TestSizesOfMessages(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		p := createTopic(t, env, "orders", nil)
		q, _ := p.feed("q")
		q.set("MaximumMessageSize", "1024")
		big := strings.Repeat("x", 1<<20)
		_, err := p.sdk.Publish(t.Context(), &sns.PublishInput{TopicArn: &p.arn, Message: &big})
		wantError(t, "a megabyte", err, "InvalidParameter", "Invalid parameter: Message too long")
		p.set("MaximumMessageSize", "1048576")
		p.publish(big, withSubject("and a subject"))
		_, err = p.sdk.Publish(t.Context(), &sns.PublishInput{TopicArn: &p.arn, Message: aws.String(big + "x")})
		wantError(t, "a byte more", err, "InvalidParameter", "Invalid parameter: Message too long")
		synctest.Wait()
		if got := q.messages(); got != big {
			t.Errorf("received %d bytes", len(got))
		}
	})
}

// The message group of a standard topic reaches standard queues, for fair queues, and is no
// part of the body.
func TestGroupsReachQueues(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		p := createTopic(t, env, "orders", nil)
		wrapped, _ := p.feed("wrapped")
		raw, _ := p.feed("raw", "RawMessageDelivery", "true")
		p.publish("hello", withGroup("tenant", ""))
		synctest.Wait()
		for _, q := range []queue{wrapped, raw} {
			m := q.one()
			wantEqual(t, "group", m.Attributes["MessageGroupId"], "tenant")
			if strings.Contains(*m.Body, "tenant") {
				t.Errorf("the body says the group: %s", *m.Body)
			}
		}
	})
}

// A dead letter of any protocol is a notification, whatever the size of messages that its
// queue takes from others; the counts say whether it arrived.
func TestDeadLettersOfOtherProtocols(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		p := createTopic(t, env, "orders", nil)
		dead := create(t, env, "dead", nil)
		dead.set("Policy", fromTopic(queueARNs+"dead", p.arn))
		dead.set("MaximumMessageSize", "1024")
		subscription := p.subscribe("lambda", functionARNs+"gone", "RedrivePolicy", `{"deadLetterTargetArn":"`+queueARNs+`dead"}`)
		big := strings.Repeat("<x>", 80_000)
		sent := p.publish(big, withText("a", "String", "v"))
		synctest.Wait()
		n := readNotification(t, *dead.one().Body)
		wantEqual(t, "the dead letter", n.Type+" "+n.MessageId, "Notification "+*sent.MessageId)
		wantEqual(t, "its message", n.Message == big, true)
		wantEqual(t, "its signature", len(n.Signature), 344)
		p.setSubscription(subscription, "RedrivePolicy", `{"deadLetterTargetArn":"`+queueARNs+`none"}`)
		p.publish("lost")
		synctest.Wait()
		var m topics.Metrics
		req, err := http.NewRequestWithContext(t.Context(), "GET", env.Endpoint+"/_runtime/sns/metrics?topic="+p.arn, nil)
		if err != nil {
			t.Fatal(err)
		}
		r, err := env.AWS.HTTPClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "failed", m.NumberOfNotificationsFailed, 2)
		wantEqual(t, "dead letters that arrived", m.NumberOfNotificationsRedrivenToDlq, 1)
		wantEqual(t, "dead letters that did not", m.NumberOfNotificationsFailedToRedriveToDlq, 1)
	})
}

// Topics are encrypted under the key that AWS manages for SNS as under others.
func TestTopicUnderTheKeyOfSNS(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		for _, p := range []topic{
			createTopic(t, env, "orders", map[string]string{"KmsMasterKeyId": "alias/aws/sns"}),
			createTopic(t, env, "orders.fifo", map[string]string{"KmsMasterKeyId": "alias/aws/sns", "FifoTopic": "true", "ContentBasedDeduplication": "true"}),
		} {
			q, _ := p.feed("q-" + p.arn[strings.LastIndexByte(p.arn, ':')+1:])
			p.publish("hello", withGroup("g", ""))
			synctest.Wait()
			wantEqual(t, p.arn, q.messages(), "hello")
		}
	})
}

// An SMS is the text alone, as the outbox of what is not sent has it.
func TestTextMessagesOfTopics(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		p := createTopic(t, env, "orders", nil)
		p.subscribe("sms", "+15550100")
		p.publish("hello")
		synctest.Wait()
		req, err := http.NewRequestWithContext(t.Context(), "GET", env.Endpoint+"/_runtime/sns/outbox", nil)
		if err != nil {
			t.Fatal(err)
		}
		r, err := env.AWS.HTTPClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		var mails []struct{ Protocol, Text string }
		if err := json.NewDecoder(r.Body).Decode(&mails); err != nil || len(mails) != 1 || mails[0].Protocol != "sms" || mails[0].Text != "hello" {
			t.Errorf("the outbox has %v, %v", mails, err)
		}
	})
}
