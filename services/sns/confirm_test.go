package sns_test

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sns"

	"millrace/services/sns"
)

// asked is the confirmation that a subscriber was asked for last.
func (b *bench) asked() (document struct{ Type, Token, TopicArn, SubscribeURL string }) {
	b.t.Helper()
	select {
	case e := <-b.mail:
		if err := json.Unmarshal(e.Body, &document); err != nil {
			b.t.Fatal(err)
		}
	default:
		b.t.Fatal("nobody was asked")
	}
	return document
}

func TestConfirmSubscription(t *testing.T) {
	b := start(t, sns.Options{})
	ctx := t.Context()
	topic := b.createTopic("t", nil)
	subscribe := func() string {
		return *must(b.Subscribe(ctx, &sdk.SubscribeInput{TopicArn: &topic, Protocol: aws.String("https"), Endpoint: aws.String(site)}))(t).SubscriptionArn
	}
	if got := subscribe(); got != "pending confirmation" {
		t.Errorf("the subscription is %s", got)
	}
	first := b.asked()
	if first.Type != "SubscriptionConfirmation" || first.TopicArn != topic || !strings.HasPrefix(first.SubscribeURL, b.url+"/?Action=ConfirmSubscription&") {
		t.Errorf("asked: %+v", first)
	}
	if subscribe(); b.asked().Token != first.Token {
		t.Error("the second time another token was sent")
	}
	confirm := func(topic, token string) (string, error) {
		out, err := b.ConfirmSubscription(ctx, &sdk.ConfirmSubscriptionInput{TopicArn: &topic, Token: &token})
		if err != nil {
			return "", err
		}
		return *out.SubscriptionArn, nil
	}
	const unknown = "51b2ff3edb475b7d91550e0ab6edf0c1de2a34e6ebaf6c2262a001bcb7e051c43aa00022ceecce70bd2a67b2042da8d8eb47fef7a4e4e942d23e7fa56146b9ee35da040b4b8af564cc4184a7391c834cb75d75c22981f776ad1ce8805e9bab29da2329985337bb8095627907b46c8577"
	for _, c := range []struct{ what, topic, token, text string }{
		{"no token", topic, "abc123", "Invalid parameter: Token"}, {"none at all", topic, "", "Invalid parameter: Token"}, {"not hexadecimal", topic, strings.Repeat("x", 256), "Invalid parameter: Token"},
		{"nobody's", topic, unknown, "Invalid token"}, {"of no topic", prefix + "none", first.Token, "Invalid parameter: Topic"},
		{"of another topic", b.createTopic("u", nil), first.Token, "Invalid token"}, {"no topic", "x", first.Token, "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1"},
	} {
		_, err := confirm(c.topic, c.token)
		refused(t, c.what, err, "InvalidParameter", c.text)
	}
	arn := must(confirm(topic, first.Token))(t)
	if again := must(confirm(topic, first.Token))(t); again != arn {
		t.Errorf("confirmed again: %s, not %s", again, arn)
	}
	if got := b.subscription(arn); got["PendingConfirmation"] != "false" || got["ConfirmationWasAuthenticated"] != "true" {
		t.Errorf("confirmed: %v", got)
	}
	if got := subscribe(); got != arn {
		t.Errorf("subscribed again: %s", got)
	}
}

// The links in messages are calls that nobody signs.
func TestLinks(t *testing.T) {
	b := start(t, sns.Options{})
	ctx := t.Context()
	west := b.client(account, "us-west-2")
	topic := *must(west.CreateTopic(ctx, &sdk.CreateTopicInput{Name: aws.String("t")}))(t).TopicArn
	arn := *must(west.Subscribe(ctx, &sdk.SubscribeInput{TopicArn: &topic, Protocol: aws.String("https"), Endpoint: aws.String(site), ReturnSubscriptionArn: true}))(t).SubscriptionArn
	link := must(url.Parse(b.asked().SubscribeURL))(t)
	if status, body := b.raw(link.RawQuery); status != 200 || !strings.Contains(body, "<SubscriptionArn>"+arn+"</SubscriptionArn>") {
		t.Errorf("the link to confirm: %d %s", status, body)
	}
	got := must(west.GetSubscriptionAttributes(ctx, &sdk.GetSubscriptionAttributesInput{SubscriptionArn: &arn}))(t).Attributes
	if got["PendingConfirmation"] != "false" || got["ConfirmationWasAuthenticated"] != "false" {
		t.Errorf("confirmed: %v", got)
	}
	for range 2 {
		if status, body := b.raw("Action=Unsubscribe&SubscriptionArn=" + arn); status != 200 {
			t.Errorf("the link to unsubscribe: %d %s", status, body)
		}
	}
	if n := must(west.GetTopicAttributes(ctx, &sdk.GetTopicAttributesInput{TopicArn: &topic}))(t).Attributes; n["SubscriptionsConfirmed"] != "0" || n["SubscriptionsDeleted"] != "1" {
		t.Errorf("unsubscribed: %v", n)
	}
}

// A subscription that was confirmed so that only its owners may unsubscribe.
func TestAuthenticateOnUnsubscribe(t *testing.T) {
	b := start(t, sns.Options{})
	ctx := t.Context()
	topic := b.createTopic("t", nil)
	confirmed := func(endpoint, authenticate string) string {
		must(b.subscribe(topic, "https", endpoint, nil))(t)
		token := b.asked().Token
		return *must(b.ConfirmSubscription(ctx, &sdk.ConfirmSubscriptionInput{TopicArn: &topic, Token: &token, AuthenticateOnUnsubscribe: &authenticate}))(t).SubscriptionArn
	}
	arn := confirmed(site, "true")
	if status, _ := b.raw("Action=Unsubscribe&SubscriptionArn=" + arn); status != 403 {
		t.Errorf("nobody may unsubscribe: %d", status)
	}
	err := second(b.other.Unsubscribe(ctx, &sdk.UnsubscribeInput{SubscriptionArn: &arn}))
	refused(t, "a stranger", err, "AuthorizationError", "User: arn:aws:iam::"+stranger+":root is not authorized to perform: SNS:Unsubscribe on resource: "+topic+" because no resource-based policy allows the SNS:Unsubscribe action")
	must(b.Unsubscribe(ctx, &sdk.UnsubscribeInput{SubscriptionArn: &arn}))(t)
	refused(t, "a subscription that is gone", second(b.GetSubscriptionAttributes(ctx, &sdk.GetSubscriptionAttributesInput{SubscriptionArn: &arn})), "NotFound", "Subscription does not exist")
	b.asked() // the message that it has ended

	arn = confirmed(site+"2", "false")
	must(b.other.Unsubscribe(ctx, &sdk.UnsubscribeInput{SubscriptionArn: &arn}))(t)
}

// Who is told that a subscription has ended can restore it.
func TestRestore(t *testing.T) {
	b := start(t, sns.Options{})
	ctx := t.Context()
	topic := b.createTopic("t", nil)
	arn := must(b.subscribe(topic, "https", site, map[string]string{"RawMessageDelivery": "true"}))(t)
	first := must(url.Parse(b.asked().SubscribeURL))(t)
	b.raw(first.RawQuery)
	unsubscribe := func() string {
		b.raw("Action=Unsubscribe&SubscriptionArn=" + arn)
		ended := b.asked()
		if ended.Type != "UnsubscribeConfirmation" {
			t.Errorf("told: %+v", ended)
		}
		return must(url.Parse(ended.SubscribeURL))(t).RawQuery
	}
	link := unsubscribe()
	if status, body := b.raw(first.RawQuery); status != 400 || !strings.Contains(body, "<Message>Invalid token</Message>") {
		t.Errorf("the token of before: %d %s", status, body)
	}
	for range 2 {
		if status, body := b.raw(link); status != 200 || !strings.Contains(body, arn) {
			t.Errorf("restored: %d %s", status, body)
		}
	}
	if got := b.subscription(arn); got["RawMessageDelivery"] != "true" || got["PendingConfirmation"] != "false" {
		t.Errorf("restored: %v", got)
	}
	link = unsubscribe()
	arn = must(b.subscribe(topic, "https", site, nil))(t)
	b.asked()
	if status, body := b.raw(link); status != 200 || !strings.Contains(body, arn) || b.subscription(arn)["PendingConfirmation"] != "false" {
		t.Errorf("subscribed anew before it was restored: %d %s", status, body)
	}
	link = unsubscribe()
	must(b.DeleteTopic(ctx, &sdk.DeleteTopicInput{TopicArn: &topic}))(t)
	b.createTopic("t", nil)
	if status, _ := b.raw(link); status != 400 {
		t.Errorf("restored to another topic of the name: %d", status)
	}
}

// Who has not confirmed cannot leave, in whatever way it is asked for, and is not told when
// the subscription is removed after two days.
func TestUnsubscribePending(t *testing.T) {
	b := start(t, sns.Options{})
	ctx := t.Context()
	topic := b.createTopic("t", nil)
	arn := must(b.subscribe(topic, "https", site, nil))(t)
	b.asked()
	const text = "SubscriptionArn Reason: Cannot unsubscribe a subscription that is pending confirmation"
	invalid(t, "pending", second(b.Unsubscribe(ctx, &sdk.UnsubscribeInput{SubscriptionArn: &arn})), text)
	if status, body := b.raw("Action=Unsubscribe&SubscriptionArn=" + arn); status != 400 || !strings.Contains(body, text) {
		t.Errorf("by link: %d %s", status, body)
	}
	if got := b.subscription(arn)["PendingConfirmation"]; got != "true" {
		t.Errorf("it is pending: %s", got)
	}
	b.later.Store(int64(48*time.Hour + time.Minute))
	must(b.Unsubscribe(ctx, &sdk.UnsubscribeInput{SubscriptionArn: &arn}))(t)
	if len(b.mail) > 0 {
		t.Error("who never confirmed is told of the end")
	}
}

// Tokens are good for two days.
func TestTokensExpire(t *testing.T) {
	b := start(t, sns.Options{})
	ctx := t.Context()
	topic := b.createTopic("t", nil)
	arn := must(b.subscribe(topic, "https", site, nil))(t)
	confirmed := must(url.Parse(b.asked().SubscribeURL))(t).RawQuery
	b.raw(confirmed)
	must(b.Unsubscribe(ctx, &sdk.UnsubscribeInput{SubscriptionArn: &arn}))(t)
	restores := must(url.Parse(b.asked().SubscribeURL))(t).RawQuery
	must(b.subscribe(topic, "https", site+"2", nil))(t)
	confirms := must(url.Parse(b.asked().SubscribeURL))(t).RawQuery
	b.later.Store(int64(48*time.Hour + time.Minute))
	for _, link := range []string{restores, confirms} {
		if status, body := b.raw(link); status != 400 || !strings.Contains(body, "<Message>Invalid token</Message>") {
			t.Errorf("after two days: %d %s", status, body)
		}
	}
	must(b.subscribe(topic, "https", site+"2", nil))(t)
	if status, body := b.raw(must(url.Parse(b.asked().SubscribeURL))(t).RawQuery); status != 200 {
		t.Errorf("asked again after two days: %d %s", status, body)
	}
}

func TestSubscriptionARNs(t *testing.T) {
	b := start(t, sns.Options{})
	ctx := t.Context()
	topic := b.createTopic("t", nil)
	const none = ":00000000-0000-0000-0000-000000000000"
	for name, call := range map[string]func(arn string) error{
		"Unsubscribe": func(arn string) error {
			return second(b.Unsubscribe(ctx, &sdk.UnsubscribeInput{SubscriptionArn: &arn}))
		},
		"GetSubscriptionAttributes": func(arn string) error {
			return second(b.GetSubscriptionAttributes(ctx, &sdk.GetSubscriptionAttributesInput{SubscriptionArn: &arn}))
		},
		"SetSubscriptionAttributes": func(arn string) error { return b.setSub(arn, "RawMessageDelivery", "true") },
	} {
		for arn, text := range map[string]string{
			"": "SubscriptionArn Reason: no value for required parameter", "PendingConfirmation": "SubscriptionArn Reason: An ARN must have at least 6 elements, not 1",
			"arn:aws:sns:a:b": "SubscriptionArn Reason: An ARN must have at least 6 elements, not 5", topic: "SubscriptionId", topic + ":x": "SubscriptionId",
			"arn:aws:sns:us-east-1:" + account + ":t" + none: "SubscriptionArn", "a:b:c:d:e:f:g": "SubscriptionArn",
		} {
			invalid(t, name+" of "+arn, call(arn), text)
		}
		if err := call(topic + none); name != "Unsubscribe" {
			refused(t, name, err, "NotFound", "Subscription does not exist")
		} else if err != nil {
			t.Errorf("a subscription that is not there is not unsubscribed: %v", err)
		}
	}
}

// Passwords of endpoints are not told.
func TestPasswordsOfEndpoints(t *testing.T) {
	b := start(t, sns.Options{})
	topic := b.createTopic("t", nil)
	arn := must(b.subscribe(topic, "https", "https://miller:grain@sack@example.com/a@b:c", nil))(t)
	if got := b.subscription(arn)["Endpoint"]; got != "https://miller:****@example.com/a@b:c" {
		t.Error(got)
	}
	for _, endpoint := range []string{"https://miller@example.com", "https://example.com/:@"} {
		arn := must(b.subscribe(topic, "https", endpoint, nil))(t)
		if got := b.subscription(arn)["Endpoint"]; got != endpoint {
			t.Error(got)
		}
	}
}

func TestClaims(t *testing.T) {
	var s sns.Service
	for target, want := range map[string]bool{
		"/?Action=ConfirmSubscription&TopicArn=a&Token=b": true, "/?Action=Unsubscribe&SubscriptionArn=a": true,
		"/?Action=Unsubscribe": false, "/?Action=Publish&TopicArn=a": false, "/": false, "/q?Action=Unsubscribe&SubscriptionArn=a": false,
	} {
		if got := s.Claims(httptest.NewRequest("GET", target, nil)); got != want {
			t.Errorf("%s: %v", target, got)
		}
	}
}
