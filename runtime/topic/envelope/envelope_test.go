package envelope

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"millrace/runtime/queue"
)

const (
	topicARN        = "arn:aws:sns:us-east-1:123456789012:orders"
	subscriptionARN = topicARN + ":c9135db0-26c4-47ec-8998-413945fb5a96"
	keyID           = "f3ecfb7224c7233fe7bb5f59f96de52f"
	base            = "https://sns.us-east-1.amazonaws.com"
	certURL         = base + "/SimpleNotificationService-" + keyID + ".pem"
)

func sample() Notification {
	return Notification{
		MessageID: "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
		TopicARN:  topicARN,
		Subject:   "My First Message",
		Message:   "Hello world!",
		Timestamp: time.Date(2012, 5, 2, 2, 54, 6, 655_999_999, time.FixedZone("", 7200)),
		Attributes: []queue.Attribute{
			{Name: "a", DataType: "String", Value: []byte("v")},
			{Name: "n.1", DataType: "Number.int", Value: []byte("42")},
			{Name: "b", DataType: "Binary.png", Value: []byte{0, 1, 255}},
		},
		CertURL: certURL,
		BaseURL: base,
	}
}

// The white space, the order of members and their spelling are those of SNS.
func TestBody(t *testing.T) {
	want := `{
  "Type" : "Notification",
  "MessageId" : "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
  "TopicArn" : "arn:aws:sns:us-east-1:123456789012:orders",
  "Subject" : "My First Message",
  "Message" : "Hello world!",
  "Timestamp" : "2012-05-02T00:54:06.655Z",
  "SignatureVersion" : "1",
  "Signature" : "` + placeholder + `",
  "SigningCertURL" : "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem",
  "UnsubscribeURL" : "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=arn:aws:sns:us-east-1:123456789012:orders:c9135db0-26c4-47ec-8998-413945fb5a96",
  "MessageAttributes" : {
    "a" : {"Type":"String","Value":"v"},
    "n.1" : {"Type":"Number.int","Value":"42"},
    "b" : {"Type":"Binary.png","Value":"AAH/"}
  }
}`
	if diff := cmp.Diff(want, string(NewDraft(sample()).Body(subscriptionARN))); diff != "" {
		t.Error(diff)
	}
}

func TestBodyWithLittle(t *testing.T) {
	n := sample()
	n.Subject, n.Attributes, n.SignatureVersion = "", nil, "2"
	got := string(NewDraft(n).Body(subscriptionARN))
	for _, not := range []string{"Subject\"", "MessageAttributes", "Sequence", "Replayed"} {
		if strings.Contains(got, not) {
			t.Errorf("%s is there:\n%s", not, got)
		}
	}
	if !strings.Contains(got, `  "SignatureVersion" : "2",`) || !strings.HasSuffix(got, "fb5a96\"\n}") {
		t.Error(got)
	}
}

// Documents of FIFO topics are not signed.
func TestBodyOfFIFOTopics(t *testing.T) {
	n := sample()
	n.TopicARN += ".fifo"
	n.Subject, n.Attributes = "", nil
	n.SequenceNumber, n.Replayed = "10000000000000003000", true
	want := `{
  "Type" : "Notification",
  "MessageId" : "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
  "SequenceNumber" : "10000000000000003000",
  "TopicArn" : "arn:aws:sns:us-east-1:123456789012:orders.fifo",
  "Message" : "Hello world!",
  "Timestamp" : "2012-05-02T00:54:06.655Z",
  "Replayed" : true,
  "UnsubscribeURL" : "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=x"
}`
	d := NewDraft(n)
	if diff := cmp.Diff(want, string(d.Body("x"))); diff != "" {
		t.Error(diff)
	}
	if d.Signed() {
		t.Error("it says that there is something to sign")
	}
	got, err := Finish(want, func(_, _, _ string) (string, error) { return "", errors.New("asked") })
	if got != want || err != nil {
		t.Errorf("finished to %s, %v", got, err)
	}
}

func TestLambda(t *testing.T) {
	want := `{"Records":[{"EventSource":"aws:sns","EventVersion":"1.0","EventSubscriptionArn":"` + subscriptionARN + `","Sns":{"Type":"Notification",` +
		`"MessageId":"22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324","TopicArn":"` + topicARN + `","Subject":null,"Message":"Hello world!",` +
		`"Timestamp":"2012-05-02T00:54:06.655Z","SignatureVersion":"1","Signature":"` + placeholder + `","SigningCertUrl":"` + certURL + `",` +
		`"UnsubscribeUrl":"https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=` + subscriptionARN + `","MessageAttributes":{}}}]}`
	n := sample()
	n.Subject, n.Attributes = "", nil
	if diff := cmp.Diff(want, string(NewDraft(n).Lambda(subscriptionARN))); diff != "" {
		t.Error(diff)
	}
	n = sample()
	got := string(NewDraft(n).Lambda(subscriptionARN))
	for _, has := range []string{`"Subject":"My First Message"`, `"MessageAttributes":{"a":{"Type":"String","Value":"v"},"n.1":{"Type":"Number.int","Value":"42"},"b":`} {
		if !strings.Contains(got, has) {
			t.Errorf("%s is missing in %s", has, got)
		}
	}
}

func TestConfirmations(t *testing.T) {
	c := Confirmation{MessageID: "165545c9-2a5c-472c-8df2-7ff2be2b3b1b", Token: "2336412f37", TopicARN: topicARN,
		Timestamp: time.Date(2012, 4, 26, 20, 45, 4, 751e6, time.UTC), CertURL: certURL, BaseURL: base}
	want := `{
  "Type" : "SubscriptionConfirmation",
  "MessageId" : "165545c9-2a5c-472c-8df2-7ff2be2b3b1b",
  "Token" : "2336412f37",
  "TopicArn" : "arn:aws:sns:us-east-1:123456789012:orders",
  "Message" : "You have chosen to subscribe to the topic arn:aws:sns:us-east-1:123456789012:orders.\nTo confirm the subscription, visit the SubscribeURL included in this message.",
  "SubscribeURL" : "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:us-east-1:123456789012:orders&Token=2336412f37",
  "Timestamp" : "2012-04-26T20:45:04.751Z",
  "SignatureVersion" : "1",
  "Signature" : "` + placeholder + `",
  "SigningCertURL" : "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem"
}`
	if diff := cmp.Diff(want, string(c.Body())); diff != "" {
		t.Error(diff)
	}
	wantHeaders := map[string]string{
		"Content-Type": "text/plain; charset=UTF-8", "User-Agent": "Amazon Simple Notification Service Agent",
		"x-amz-sns-message-type": "SubscriptionConfirmation", "x-amz-sns-message-id": c.MessageID, "x-amz-sns-topic-arn": topicARN,
	}
	if diff := cmp.Diff(wantHeaders, c.Headers()); diff != "" {
		t.Error(diff)
	}

	c.SubscriptionARN = subscriptionARN
	var got document
	if err := json.Unmarshal(c.Body(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Type != "UnsubscribeConfirmation" || got.Message != "You have chosen to deactivate subscription "+subscriptionARN+
		".\nTo cancel this operation and restore the subscription, visit the SubscribeURL included in this message." {
		t.Errorf("%+v", got)
	}
	wantHeaders["x-amz-sns-message-type"], wantHeaders["x-amz-sns-subscription-arn"] = "UnsubscribeConfirmation", subscriptionARN
	if diff := cmp.Diff(wantHeaders, c.Headers()); diff != "" {
		t.Error(diff)
	}
}

func TestHeaders(t *testing.T) {
	d := NewDraft(sample())
	want := map[string]string{
		"Content-Type": "text/plain; charset=UTF-8", "User-Agent": "Amazon Simple Notification Service Agent",
		"x-amz-sns-message-type": "Notification", "x-amz-sns-message-id": sample().MessageID,
		"x-amz-sns-topic-arn": topicARN, "x-amz-sns-subscription-arn": subscriptionARN,
	}
	if diff := cmp.Diff(want, d.Headers(subscriptionARN, "", false)); diff != "" {
		t.Error(diff)
	}
	want["Content-Type"], want["x-amz-sns-rawdelivery"] = "text/csv", "true"
	if diff := cmp.Diff(want, d.Headers(subscriptionARN, "text/csv", true)); diff != "" {
		t.Error(diff)
	}
}

func TestEscapes(t *testing.T) {
	for text, want := range map[string]string{
		`say "hi" \ bye`:             `say \"hi\" \\ bye`,
		"\b\t\n\f\r":                 `\b\t\n\f\r`,
		"\x00\x01\x0b\x1f\x7f":       `\u0000\u0001\u000B\u001F` + "\x7f",
		"<a href='/x'>&</a>":         "<a href='/x'>&</a>",
		"성공 \u2028\u2029 \U0001F600": "성공 \u2028\u2029 \U0001F600",
		"bad \xff\xc3 end":           "bad \uFFFD\uFFFD end",
		"":                           "",
	} {
		if got := string(appendEscaped(nil, text)); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

func TestKeyID(t *testing.T) {
	for url, want := range map[string]string{
		certURL:                       keyID,
		"/" + CertFile(keyID):         keyID,
		CertFile("x"):                 "x",
		"":                            "",
		"https://a/b.pem":             "",
		"https://a/Simple":            "",
		"/SimpleNotificationService-": "",
	} {
		if got := KeyID(url); got != want {
			t.Errorf("%q has %q, want %q", url, got, want)
		}
	}
}
