package event_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"millrace/cmd/runtime/event"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 123e6, time.UTC)

// sample makes an event and decodes it as a handler would, strictly: a member
// that the handler's type does not have is a misspelt one.
func sample[T any](t *testing.T, kind string, o event.Options) (e T) {
	t.Helper()
	o.Now, o.Rand = noon, bytes.NewReader(make([]byte, 32))
	b, err := event.Sample(kind, o)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&e); err != nil {
		t.Fatalf("%v in\n%s", err, b)
	}
	return e
}

func TestSQS(t *testing.T) {
	e := sample[events.SQSEvent](t, "sqs", event.Options{Body: []string{"hello", "a,b"}, Queue: "jobs", Region: "eu-west-1", Account: "123456789012"})
	if len(e.Records) != 2 || e.Records[0].MessageId == e.Records[1].MessageId {
		t.Fatalf("two bodies made %v", e.Records)
	}
	r := e.Records[0]
	if !strings.HasPrefix(r.ReceiptHandle, "AQEB") {
		t.Errorf("receipt handle %s", r.ReceiptHandle)
	}
	r.MessageId, r.ReceiptHandle = "", ""
	want := events.SQSMessage{
		Body:              "hello",
		Md5OfBody:         "5d41402abc4b2a76b9719d911017c592",
		MessageAttributes: map[string]events.SQSMessageAttribute{},
		EventSource:       "aws:sqs",
		EventSourceARN:    "arn:aws:sqs:eu-west-1:123456789012:jobs",
		AWSRegion:         "eu-west-1",
		Attributes: map[string]string{
			"ApproximateReceiveCount":          "1",
			"SentTimestamp":                    "1767355200123",
			"SenderId":                         "123456789012",
			"ApproximateFirstReceiveTimestamp": "1767355200125",
		},
	}
	if d := cmp.Diff(want, r); d != "" {
		t.Error(d)
	}
	if e.Records[1].Body != "a,b" {
		t.Errorf("second body %q", e.Records[1].Body)
	}
}

func TestSQSFIFO(t *testing.T) {
	e := sample[events.SQSEvent](t, "sqs", event.Options{Body: []string{"hello", "world"}, Queue: "jobs.fifo"})
	a, b := e.Records[0].Attributes, e.Records[1].Attributes
	if len(a["SequenceNumber"]) != 20 || a["SequenceNumber"] >= b["SequenceNumber"] {
		t.Errorf("sequence numbers %q, %q do not rise", a["SequenceNumber"], b["SequenceNumber"])
	}
	if a["MessageGroupId"] == "" {
		t.Error("a FIFO message without a group")
	}
	if want := "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"; a["MessageDeduplicationId"] != want {
		t.Errorf("deduplication id %s, want the body's SHA-256", a["MessageDeduplicationId"])
	}
}

func TestS3(t *testing.T) {
	e := sample[events.S3Event](t, "s3", event.Options{Body: []string{"hello"}, Bucket: "photos", Key: "in/a@b c.jpg"})
	r := e.Records[0]
	if !r.EventTime.Equal(noon) || r.EventName != "ObjectCreated:Put" || r.EventVersion != "2.6" {
		t.Errorf("got %s %s at %s", r.EventName, r.EventVersion, r.EventTime)
	}
	r.S3.Object.Sequencer = ""
	want := events.S3Entity{
		SchemaVersion:   "1.0",
		ConfigurationID: "sample",
		Bucket:          events.S3Bucket{Name: "photos", OwnerIdentity: events.S3UserIdentity{PrincipalID: "AK44WOOSIT5G56"}, Arn: "arn:aws:s3:::photos"},
		Object: events.S3Object{
			Key: "in/a%40b+c.jpg", URLDecodedKey: "in/a@b c.jpg", Size: 5, ETag: "5d41402abc4b2a76b9719d911017c592",
		},
	}
	if d := cmp.Diff(want, r.S3); d != "" {
		t.Error(d)
	}
}

func TestSNS(t *testing.T) {
	e := sample[events.SNSEvent](t, "sns", event.Options{Topic: "news", Subject: "Hi", Body: []string{"<b>hello</b>"}})
	r := e.Records[0]
	if r.EventSource != "aws:sns" || !strings.HasPrefix(r.EventSubscriptionArn, "arn:aws:sns:us-east-1:000000000000:news:") {
		t.Errorf("got %s from %s", r.EventSource, r.EventSubscriptionArn)
	}
	if s := r.SNS; s.Subject != "Hi" || s.Message != "<b>hello</b>" || !s.Timestamp.Equal(noon) || s.TopicArn != "arn:aws:sns:us-east-1:000000000000:news" {
		t.Errorf("got %+v", s)
	}
	if signature, err := base64.StdEncoding.DecodeString(r.SNS.Signature); len(signature) != 256 || err != nil {
		t.Errorf("signature %q: %v", r.SNS.Signature, err)
	}
	if b, _ := event.Sample("sns", event.Options{}); !bytes.Contains(b, []byte(`"Subject": null`)) {
		t.Errorf("without a subject, it is not null:\n%s", b)
	}
}

func TestActiveMQ(t *testing.T) {
	e := sample[events.ActiveMQEvent](t, "mq", event.Options{Queue: "jobs", Body: []string{"hello", "\xff"}})
	if e.EventSource != "aws:mq" || !strings.HasPrefix(e.EventSourceARN, "arn:aws:mq:us-east-1:000000000000:broker:sample:b-") {
		t.Errorf("got %s from %s", e.EventSource, e.EventSourceARN)
	}
	if len(e.Messages) != 2 || e.Messages[0].MessageID == e.Messages[1].MessageID {
		t.Fatalf("two bodies made %v", e.Messages)
	}
	first := e.Messages[0]
	first.MessageID = ""
	want := events.ActiveMQMessage{
		MessageType: "jms/text-message", DeliveryMode: 2, Priority: 4,
		Destination: events.ActiveMQDestination{PhysicalName: "jobs"}, Data: "aGVsbG8=",
		Timestamp: noon.UnixMilli(), BrokerInTime: noon.UnixMilli(), BrokerOutTime: noon.UnixMilli() + 1,
		Properties: map[string]string{},
	}
	if d := cmp.Diff(want, first); d != "" {
		t.Error(d)
	}
	if m := e.Messages[1]; m.MessageType != "jms/bytes-message" || m.Data != "/w==" {
		t.Errorf("a body that is no text became %s %s", m.MessageType, m.Data)
	}
}

func TestRabbitMQ(t *testing.T) {
	e := sample[events.RabbitMQEvent](t, "rmq", event.Options{Queue: "jobs", Body: []string{"grüße", "b"}})
	messages := e.MessagesByQueue["jobs::/"]
	if len(messages) != 2 {
		t.Fatalf("two bodies made %v", e.MessagesByQueue)
	}
	m := messages[0]
	if data, _ := base64.StdEncoding.DecodeString(m.Data); string(data) != "grüße" || m.BasicProperties.BodySize != 7 {
		t.Errorf("data %q of %d bytes", data, m.BasicProperties.BodySize)
	}
	if got, want := m.BasicProperties.Timestamp, "Jan 2, 2026, 12:00:00 PM"; got != want {
		t.Errorf("timestamp %q, want %q", got, want)
	}
}

func TestEveryKindDefaultsAndRepeats(t *testing.T) {
	for _, kind := range event.Kinds {
		o := func() event.Options { return event.Options{Now: noon, Rand: bytes.NewReader(make([]byte, 32))} }
		a, err := event.Sample(kind, o())
		if err != nil {
			t.Fatal(kind, err)
		}
		if b, _ := event.Sample(kind, o()); !bytes.Equal(a, b) {
			t.Errorf("%s: the same options gave different bytes", kind)
		}
		if c, _ := event.Sample(kind, event.Options{Now: noon}); bytes.Equal(a, c) {
			t.Errorf("%s: ids do not depend on the randomness", kind)
		}
		if !bytes.HasSuffix(a, []byte("}\n")) {
			t.Errorf("%s does not end in a newline", kind)
		}
	}
}

func TestRefusals(t *testing.T) {
	broken := errors.New("broken")
	for rule, c := range map[string]struct {
		kind string
		o    event.Options
		want string
	}{
		"a kind nobody knows":             {"kinesis", event.Options{}, "want one of sqs, s3, sns, mq, rmq"},
		"a bucket hands over one":         {"s3", event.Options{Body: []string{"a", "b"}}, "one record"},
		"a topic hands over one":          {"sns", event.Options{Body: []string{"a", "b"}}, "one record"},
		"no randomness, no ids, no event": {"sqs", event.Options{Rand: iotest.ErrReader(broken)}, "broken"},
	} {
		if _, err := event.Sample(c.kind, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", rule, err, c.want)
		}
	}
}

// A bucket may tell a queue or a topic, which hands what it says to a function.
func TestS3ThroughAQueueAndATopic(t *testing.T) {
	o := event.Options{Key: "k", Event: "ObjectRemoved:Delete"}
	removed := func(body string) {
		t.Helper()
		var e events.S3Event
		if err := json.Unmarshal([]byte(body), &e); err != nil || len(e.Records) != 1 || e.Records[0].EventName != o.Event || e.Records[0].S3.Object.Key != "k" {
			t.Errorf("got %s, %v", body, err)
		}
	}
	o.Via = "queue"
	removed(sample[events.SQSEvent](t, "s3", o).Records[0].Body)
	o.Via = "topic"
	n := sample[events.SNSEvent](t, "s3", o).Records[0].SNS
	removed(n.Message)
	if n.Subject != "Amazon S3 Notification" {
		t.Errorf("subject %q", n.Subject)
	}
	for _, o := range []event.Options{{Via: "stream"}, {Event: "ObjectRenamed"}} {
		if _, err := event.Sample("s3", o); err == nil {
			t.Errorf("%+v makes a sample", o)
		}
	}
}
