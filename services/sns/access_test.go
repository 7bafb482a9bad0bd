package sns_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sns"

	"millrace/services/sns"
)

// statement is a policy of one statement about a topic.
func statement(effect, principal, action, resource, condition string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":%q,"Principal":%s,"Action":%q,"Resource":%q,"Condition":%s}]}`, effect, principal, action, resource, condition)
}

// Others than the owner need the topic's policy, and its Deny holds for the owner.
func TestTopicPolicies(t *testing.T) {
	b := start(t, sns.Options{})
	ctx := t.Context()
	topic := b.createTopic("t", nil)
	get := func(c *sdk.Client) error {
		return second(c.GetTopicAttributes(ctx, &sdk.GetTopicAttributesInput{TopicArn: &topic}))
	}
	denied := func(who, action, why string) string {
		return "User: arn:aws:iam::" + who + ":root is not authorized to perform: SNS:" + action + " on resource: " + topic + " " + why
	}
	const none = "because no resource-based policy allows the SNS:"
	refused(t, "a stranger", get(b.other), "AuthorizationError", denied(stranger, "GetTopicAttributes", none+"GetTopicAttributes action"))
	if status, body := b.raw("Action=GetTopicAttributes&Version=2010-03-31&TopicArn=" + topic); status != 403 || !strings.Contains(body, "<Code>AuthorizationError</Code>") {
		t.Errorf("nobody: %d %s", status, body)
	}
	allow := func(policy string) {
		t.Helper()
		if err := b.set(topic, "Policy", policy); err != nil {
			t.Fatal(err)
		}
	}
	allow(statement("Allow", `{"AWS":"`+stranger+`"}`, "sns:GetTopicAttributes", topic, `{}`))
	if err := get(b.other); err != nil {
		t.Errorf("a stranger that the policy lets in: %v", err)
	}
	refused(t, "another action", second(b.other.ListSubscriptionsByTopic(ctx, &sdk.ListSubscriptionsByTopicInput{TopicArn: &topic})), "AuthorizationError", denied(stranger, "ListSubscriptionsByTopic", none+"ListSubscriptionsByTopic action"))
	refused(t, "tags", second(b.other.UntagResource(ctx, &sdk.UntagResourceInput{ResourceArn: &topic, TagKeys: []string{"a"}})), "AuthorizationError", denied(stranger, "UntagResource", none+"UntagResource action"))

	allow(statement("Allow", `"*"`, "sns:Subscribe", "*", `{"StringEquals":{"sns:Protocol":"https"},"StringLike":{"sns:Endpoint":"https://example.com/*"}}`))
	subscribe := func(protocol, endpoint string) error {
		return second(b.other.Subscribe(ctx, &sdk.SubscribeInput{TopicArn: &topic, Protocol: &protocol, Endpoint: &endpoint}))
	}
	if err := subscribe("https", site); err != nil {
		t.Errorf("an endpoint that the policy names: %v", err)
	}
	no := denied(stranger, "Subscribe", none+"Subscribe action")
	refused(t, "another endpoint", subscribe("https", "https://example.org/"), "AuthorizationError", no)
	refused(t, "another protocol", subscribe("http", "http://example.com/"), "AuthorizationError", no)

	allow(statement("Deny", `"*"`, "sns:GetTopicAttributes", topic, `{}`))
	refused(t, "the owner", get(b.Client), "AuthorizationError", denied(account, "GetTopicAttributes", "with an explicit deny in a resource-based policy"))
	allow("")
	if b.topic(topic)["Policy"] != fmt.Sprintf(defaultPolicy, topic) {
		t.Error("the default policy is not back")
	}
}

func TestPoliciesOff(t *testing.T) {
	b := start(t, sns.Options{PoliciesOff: true})
	topic := b.createTopic("t", nil)
	must(b.other.GetTopicAttributes(t.Context(), &sdk.GetTopicAttributesInput{TopicArn: &topic}))(t)
}

func TestPolicyGrammar(t *testing.T) {
	b := start(t, sns.Options{})
	topic := b.createTopic("t", nil)
	one := func(more string) string {
		return `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":"` + topic + `"` + more + `}]}`
	}
	for _, policy := range []string{
		one(""), one(`,"Sid":"a"`), statement("Allow", `"*"`, "SNS:Receive", topic, `{}`), statement("Allow", `"*"`, "sns:publish", prefix+"*", `{}`), fmt.Sprintf(defaultPolicy, topic),
	} {
		if err := b.set(topic, "Policy", policy); err != nil {
			t.Errorf("%s: %v", policy, err)
		}
	}
	twice := `{"Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":"` + topic + `","Sid":"a"}`
	const quota = "Policy exceeds a quota: 30720 bytes, 100 statements, 200 principals"
	const unscoped = "Policy statement action out of service scope!"
	for _, c := range []struct{ policy, text string }{
		{"x", "Policy Error: null"}, {"[]", "Policy Error: null"}, {`{"Statement":[{}]}`, "Policy Error: null"}, {one(`,"Extra":1`), "Policy Error: null"},
		{`{"Statement":[` + twice + "," + twice + `]}`, "Policy Error: null"}, {statement("Allow", `"*"`, "sns:Publish", prefix+"other", `{}`), "Policy Error: null"},
		{statement("Allow", `"*"`, "sqs:SendMessage", topic, `{}`), unscoped}, {statement("Allow", `"*"`, "sns:CreateTopic", topic, `{}`), unscoped},
		{statement("Allow", `"*"`, "SNS:*", topic, `{}`), unscoped}, {statement("Allow", `"*"`, "*", topic, `{}`), unscoped}, {statement("Allow", `"*"`, "sns:TagResource", topic, `{}`), unscoped},
		{`{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":["` + topic + `","` + topic + `"]}]}`, "Policy statement must apply to a single resource!"},
		{one("") + strings.Repeat(" ", 30720), "Policy: must not be longer than 30720 bytes"},
		{`{"Statement":[` + strings.Repeat(strings.Replace(twice, `,"Sid":"a"`, "", 1)+",", 100) + twice + `]}`, quota},
	} {
		invalid(t, c.policy[:min(len(c.policy), 200)], b.set(topic, "Policy", c.policy), c.text)
	}
}

// Permissions are statements of the policy.
func TestPermissions(t *testing.T) {
	b := start(t, sns.Options{})
	ctx := t.Context()
	topic := b.createTopic("t", nil)
	add := func(label string, accounts, actions []string) error {
		return second(b.AddPermission(ctx, &sdk.AddPermissionInput{TopicArn: &topic, Label: &label, AWSAccountId: accounts, ActionName: actions}))
	}
	statements := func() (all []string) {
		var p struct{ Statement []json.RawMessage }
		if err := json.Unmarshal([]byte(b.topic(topic)["Policy"]), &p); err != nil {
			t.Fatal(err)
		}
		for _, s := range p.Statement {
			all = append(all, string(s))
		}
		return all
	}
	if err := add("one", []string{stranger}, []string{"Publish"}); err != nil {
		t.Fatal(err)
	}
	if err := add("two", []string{stranger, account}, []string{"Subscribe", "GetTopicAttributes"}); err != nil {
		t.Fatal(err)
	}
	root := func(account string) string { return `"arn:aws:iam::` + account + `:root"` }
	want := []string{
		`{"Sid":"one","Effect":"Allow","Principal":{"AWS":` + root(stranger) + `},"Action":"SNS:Publish","Resource":"` + topic + `"}`,
		`{"Sid":"two","Effect":"Allow","Principal":{"AWS":[` + root(stranger) + `,` + root(account) + `]},"Action":["SNS:Subscribe","SNS:GetTopicAttributes"],"Resource":"` + topic + `"}`,
	}
	if got := statements(); len(got) != 3 || got[1] != want[0] || got[2] != want[1] {
		t.Errorf("got %q, want %q", got, want)
	}
	must(b.other.GetTopicAttributes(ctx, &sdk.GetTopicAttributesInput{TopicArn: &topic}))(t)
	invalid(t, "a label twice", add("one", []string{stranger}, []string{"Publish"}), "Statement already exists")
	for _, action := range []string{"FooBar", "CreateTopic", "*", "SNS:Publish"} {
		invalid(t, action, add("x", []string{stranger}, []string{action}), "Policy statement action out of service scope!")
	}
	invalid(t, "no account", add("x", []string{"miller"}, []string{"Publish"}), "AWSAccountId")
	for _, label := range []string{"", "a b", strings.Repeat("a", 81)} {
		invalid(t, label, add(label, []string{stranger}, []string{"Publish"}), "Label")
	}
	for _, label := range []string{"two", "two", "none"} {
		must(b.RemovePermission(ctx, &sdk.RemovePermissionInput{TopicArn: &topic, Label: &label}))(t)
	}
	if got := statements(); len(got) != 2 || got[1] != want[0] {
		t.Errorf("two was removed: %q", got)
	}
	for _, label := range []string{"one", "__default_statement_ID"} {
		must(b.RemovePermission(ctx, &sdk.RemovePermissionInput{TopicArn: &topic, Label: &label}))(t)
	}
	if got := statements(); len(got) != 0 {
		t.Errorf("all were removed: %q", got)
	}
	if err := add("three", []string{stranger}, []string{"Publish"}); err != nil || len(statements()) != 1 {
		t.Errorf("the first again: %v", err)
	}
}

// A subscription is its owner's and its topic's owner's.
func TestSubscriptionsOfOthers(t *testing.T) {
	b := start(t, sns.Options{})
	ctx := t.Context()
	topic := b.createTopic("t", map[string]string{"Policy": statement("Allow", `"*"`, "sns:Subscribe", "*", `{}`)})
	theirs := "arn:aws:sqs:" + region + ":" + stranger + ":q"
	sub := *must(b.other.Subscribe(ctx, &sdk.SubscribeInput{TopicArn: &topic, Protocol: aws.String("sqs"), Endpoint: &theirs}))(t).SubscriptionArn
	if got := b.subscription(sub); got["Owner"] != stranger || got["PendingConfirmation"] != "false" {
		t.Errorf("the owner of the topic sees %v", got)
	}
	third := b.client("333333333333", region)
	for name, err := range map[string]error{
		"GetSubscriptionAttributes": second(third.GetSubscriptionAttributes(ctx, &sdk.GetSubscriptionAttributesInput{SubscriptionArn: &sub})),
		"SetSubscriptionAttributes": second(third.SetSubscriptionAttributes(ctx, &sdk.SetSubscriptionAttributesInput{SubscriptionArn: &sub, AttributeName: aws.String("RawMessageDelivery"), AttributeValue: aws.String("true")})),
	} {
		refused(t, name, err, "AuthorizationError", "User: arn:aws:iam::333333333333:root is not authorized to perform: SNS:"+name+" on resource: "+topic+" because no resource-based policy allows the SNS:"+name+" action")
	}
	if all := must(b.ListSubscriptions(ctx, &sdk.ListSubscriptionsInput{}))(t).Subscriptions; len(all) != 0 {
		t.Errorf("the owner of the topic subscribed nothing, and lists %v", all)
	}
	if all := must(b.other.ListSubscriptions(ctx, &sdk.ListSubscriptionsInput{}))(t).Subscriptions; len(all) != 1 || *all[0].SubscriptionArn != sub {
		t.Errorf("the subscriber lists %v", all)
	}
	if all := must(b.ListSubscriptionsByTopic(ctx, &sdk.ListSubscriptionsByTopicInput{TopicArn: &topic}))(t).Subscriptions; len(all) != 1 || *all[0].Owner != stranger {
		t.Errorf("the topic lists %v", all)
	}
}

// A page of another origin cannot call what nobody signs.
func TestWebPagesAreRefused(t *testing.T) {
	b := start(t, sns.Options{PoliciesOff: true})
	for header, value := range map[string]string{"Origin": "https://example.com", "Sec-Fetch-Site": "cross-site"} {
		for _, query := range []string{"Action=CreateTopic&Name=t", "Action=Unsubscribe&SubscriptionArn=" + url.QueryEscape(prefix+"t:x")} {
			req := must(http.NewRequestWithContext(t.Context(), "GET", b.url+"/?"+query, nil))(t)
			req.Header.Set(header, value)
			res := must(http.DefaultClient.Do(req))(t)
			res.Body.Close()
			if res.StatusCode != 403 {
				t.Errorf("%s of a page with %s: %d", query, header, res.StatusCode)
			}
		}
	}
}
