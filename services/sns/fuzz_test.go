package sns

import (
	"strings"
	"testing"
	"time"

	"millrace/runtime/topic"
	"millrace/services/internal/identity"
)

// Whatever strangers send as the value of an attribute, it is refused by a sentence or
// kept, and what is kept would be taken again.
func FuzzAttributes(f *testing.F) {
	for _, text := range []string{
		"", "{}", "null", "[]", "true", "1024", `{"a":["b"]}`, `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:q"}`, `{"MessageRetentionPeriod":"30"}`,
		`{"PointType":"Timestamp","StartingPoint":"2026-01-01T00:00:00Z"}`, `{"http":{}}`, `{"throttlePolicy":null}`, "arn:aws:iam::000000000000:role/r", "alias/a",
		`{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":"*"}]}`,
	} {
		f.Add(text)
	}
	now := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		for _, name := range []string{"t", "t.fifo"} {
			id := topic.ID{Account: "000000000000", Region: "us-east-1", Name: name}
			tp := topic.Topic{ID: id, Attributes: map[string]string{}}
			for a := range topicAttributes {
				delete(tp.Attributes, a)
				if setTopicAttribute(&tp, a, text) != nil || tp.Attributes[a] == "" {
					continue
				}
				if err := setTopicAttribute(&tp, a, tp.Attributes[a]); err != nil {
					t.Errorf("%s %q was taken once, and then not: %v", a, text, err)
				}
			}
			visible(&tp)
			if begin, ok := beginningOfArchive(&tp, now); ok && begin.After(now) {
				t.Errorf("%q begins at %v", tp.Attributes[topic.ArchivePolicy], begin)
			}
			for _, a := range []string{topic.FilterPolicy, topic.FilterPolicyScope, topic.RawDelivery, topic.RedrivePolicy, topic.DeliveryPolicy, topic.ReplayPolicy, subscriptionRole} {
				sub := topic.Subscription{Topic: id, Owner: id.Account, Protocol: topic.SQS, Endpoint: "arn:aws:sqs:us-east-1:000000000000:q", Attributes: map[string]string{}}
				if setSubscriptionAttributes(&sub, &tp, map[string]string{a: text}, now) != nil || sub.Attributes[a] == "" {
					continue
				}
				if err := setSubscriptionAttributes(&sub, &tp, map[string]string{a: sub.Attributes[a]}, now); err != nil {
					t.Errorf("%s %q was taken once, and then not: %v", a, text, err)
				}
			}
		}
	})
}

// No text makes an endpoint of this runtime's own paths, or an ARN of what it does not
// name.
func FuzzEndpoints(f *testing.F) {
	for _, text := range []string{"http://localhost/", "https://a:b@c/%5Fruntime/x", "http://localhost//_runtime", "a@b.c", "+1-2", "arn:aws:sqs:us-east-1:000000000000:q",
		"arn:aws:lambda:us-east-1:000000000000:function:f:1", "arn:aws:sns:us-east-1:000000000000:t", "arn:aws:sns:us-east-1:000000000000:t:00000000-0000-0000-0000-000000000000"} {
		f.Add(text)
	}
	c := identity.Caller{Account: "000000000000", Region: "us-east-1"}
	id := topic.ID{Account: c.Account, Region: c.Region, Name: "t"}
	f.Fuzz(func(t *testing.T, text string) {
		for _, protocol := range []string{topic.SQS, topic.Lambda, topic.HTTP, topic.HTTPS, topic.Email, topic.EmailJSON, topic.SMS, firehose, application} {
			if _, err := checkEndpoint(id, protocol, text, nil); err == nil && (protocol == firehose || protocol == application) {
				t.Errorf("%s %q was taken", protocol, text)
			}
		}
		if _, err := checkEndpoint(id, topic.HTTP, text, nil); err == nil && strings.Contains(masked(text), "\n") {
			t.Errorf("%q has lines", text)
		}
		// Those of other partitions are taken too.
		if got, err := topicID(&c, "TopicArn", text); err == nil && got.ARN() != text && strings.HasPrefix(text, "arn:aws:") {
			t.Errorf("%q was read as %s", text, got.ARN())
		}
		if got, err := subscriptionID(&c, text); err == nil && got.ARN() != text && strings.HasPrefix(text, "arn:aws:") {
			t.Errorf("%q was read as %s", text, got.ARN())
		}
	})
}
