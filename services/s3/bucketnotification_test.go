package s3_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const (
	queueARN    = "arn:aws:sqs:us-east-1:" + account + ":q"
	topicARN    = "arn:aws:sns:us-east-1:" + account + ":t"
	functionARN = "arn:aws:lambda:us-east-1:" + account + ":function:f"
)

// filter is a filter of rules, names and values in turn.
func filter(rules ...string) *types.NotificationConfigurationFilter {
	f := &types.S3KeyFilter{}
	for i := 0; i < len(rules); i += 2 {
		f.FilterRules = append(f.FilterRules, types.FilterRule{Name: types.FilterRuleName(rules[i]), Value: &rules[i+1]})
	}
	return &types.NotificationConfigurationFilter{Key: f}
}

func toQueue(arn string, f *types.NotificationConfigurationFilter, events ...types.Event) types.QueueConfiguration {
	return types.QueueConfiguration{QueueArn: &arn, Events: events, Filter: f}
}

func TestBucketNotification(t *testing.T) {
	b := start(t)
	ctx, name := t.Context(), aws.String("noisy")
	b.create("noisy")
	queue, topic, function := &sink{}, &sink{}, &sink{}
	b.targets[queueARN], b.targets[topicARN], b.targets[functionARN] = queue, topic, function
	get := func() *sdk.GetBucketNotificationConfigurationOutput {
		t.Helper()
		return must(b.GetBucketNotificationConfiguration(ctx, &sdk.GetBucketNotificationConfigurationInput{Bucket: name}))(t)
	}
	if got := get(); got.QueueConfigurations != nil || got.TopicConfigurations != nil || got.LambdaFunctionConfigurations != nil || got.EventBridgeConfiguration != nil {
		t.Errorf("a new bucket: %+v", got)
	}
	put := func(c *types.NotificationConfiguration) {
		t.Helper()
		must(b.PutBucketNotificationConfiguration(ctx, &sdk.PutBucketNotificationConfigurationInput{Bucket: name, NotificationConfiguration: c}))(t)
	}
	put(&types.NotificationConfiguration{
		QueueConfigurations: []types.QueueConfiguration{toQueue(queueARN, filter("prefix", "in/", "SUFFIX", ""), "s3:ObjectCreated:*")},
		TopicConfigurations: []types.TopicConfiguration{{TopicArn: aws.String(topicARN), Id: aws.String("mine"), Events: []types.Event{"s3:ObjectRemoved:Delete", "s3:ObjectTagging:*"}}},
		LambdaFunctionConfigurations: []types.LambdaFunctionConfiguration{{LambdaFunctionArn: aws.String(functionARN),
			Events: []types.Event{"s3:ObjectCreated:Put"}, Filter: filter("Prefix", "out/")}},
		EventBridgeConfiguration: &types.EventBridgeConfiguration{},
	})
	got := get()
	if len(got.QueueConfigurations) != 1 || len(got.TopicConfigurations) != 1 || len(got.LambdaFunctionConfigurations) != 1 || got.EventBridgeConfiguration == nil {
		t.Fatalf("got %+v", got)
	}
	q, f := got.QueueConfigurations[0], got.LambdaFunctionConfigurations[0]
	rules := q.Filter.Key.FilterRules
	if aws.ToString(q.Id) == "" || *q.QueueArn != queueARN || len(rules) != 2 || rules[0].Name != "Prefix" || *rules[0].Value != "in/" || rules[1].Name != "Suffix" || *rules[1].Value != "" {
		t.Errorf("queue: %+v, rules %+v", q, rules)
	}
	if *got.TopicConfigurations[0].Id != "mine" || got.TopicConfigurations[0].Filter != nil || len(got.TopicConfigurations[0].Events) != 2 || *f.LambdaFunctionArn != functionARN {
		t.Errorf("topic: %+v, function: %+v", got.TopicConfigurations[0], f)
	}
	for kind, s := range map[string]*sink{"queue": queue, "topic": topic} {
		if len(s.all()) != 1 {
			t.Fatalf("the %s got %d test events", kind, len(s.all()))
		}
		e := s.all()[0]
		var body map[string]string
		if err := json.Unmarshal(e.Body, &body); err != nil || body["Event"] != "s3:TestEvent" || body["Service"] != "Amazon S3" || body["Bucket"] != "noisy" ||
			len(body["RequestId"]) != 16 || body["HostId"] == "" || body["Time"] == "" || e.Source.ARN != "arn:aws:s3:::noisy" || e.Source.Account != account {
			t.Errorf("the %s got %s of %+v", kind, e.Body, e.Source)
		}
	}
	if len(function.all()) != 0 {
		t.Errorf("the function got %d test events", len(function.all()))
	}
	put(&types.NotificationConfiguration{})
	if got := get(); got.QueueConfigurations != nil || got.TopicConfigurations != nil || got.LambdaFunctionConfigurations != nil || got.EventBridgeConfiguration != nil {
		t.Errorf("after nothing was put: %+v", got)
	}
	must(b.PutBucketNotificationConfiguration(ctx, &sdk.PutBucketNotificationConfigurationInput{
		Bucket: name, SkipDestinationValidation: aws.Bool(true),
		NotificationConfiguration: &types.NotificationConfiguration{QueueConfigurations: []types.QueueConfiguration{toQueue(queueARN+"-none", nil, "s3:ObjectCreated:*")}},
	}))(t)
	if got := get(); len(got.QueueConfigurations) != 1 || len(queue.all()) != 1 {
		t.Errorf("without validation: %+v, and %d test events", got, len(queue.all()))
	}
}

func TestBucketNotificationRefuses(t *testing.T) {
	b := start(t)
	b.create("noisy")
	closed := queueARN + "-closed"
	b.targets[queueARN], b.targets[closed] = &sink{}, &sink{closed: true}
	element := func(kind, arn, rest string) string {
		outer := map[string]string{"Queue": "Queue", "Topic": "Topic", "CloudFunction": "CloudFunction"}[kind] + "Configuration"
		return fmt.Sprintf("<%s><%s>%s</%s>%s</%s>", outer, kind, arn, kind, rest, outer)
	}
	const created = "<Event>s3:ObjectCreated:*</Event>"
	rule := func(name, value string) string {
		return "<FilterRule><Name>" + name + "</Name><Value>" + value + "</Value></FilterRule>"
	}
	filtered := func(rules string) string { return created + "<Filter><S3Key>" + rules + "</S3Key></Filter>" }
	const unable = "<Code>InvalidArgument</Code><Message>Unable to validate the following destination configurations</Message>"
	for _, c := range []struct{ rule, body, want string }{
		{"no ARN", element("Queue", "q", created),
			"<Code>InvalidArgument</Code><Message>The ARN could not be parsed</Message><ArgumentName>Queue</ArgumentName><ArgumentValue>q</ArgumentValue>"},
		{"no queue", element("Queue", queueARN+"-none", created),
			unable + "<ArgumentName1>" + queueARN + "-none</ArgumentName1><ArgumentValue1>The destination queue does not exist</ArgumentValue1>"},
		{"no topic", element("Topic", topicARN, created),
			unable + "<ArgumentName1>" + topicARN + "</ArgumentName1><ArgumentValue1>The destination topic does not exist</ArgumentValue1>"},
		{"no function", element("CloudFunction", functionARN, created),
			unable + "<ArgumentName1>" + functionARN + ", null</ArgumentName1><ArgumentValue1>Not authorized to invoke function [" + functionARN + "]</ArgumentValue1>"},
		{"a queue that does not let S3 send", element("Queue", closed, created),
			unable + "<ArgumentName1>" + closed + "</ArgumentName1><ArgumentValue1>Permissions on the destination queue do not allow S3 to publish notifications from this bucket</ArgumentValue1>"},
		{"several", element("Topic", topicARN, created) + element("CloudFunction", functionARN, "<Event>s3:ObjectRemoved:*</Event>"),
			unable + "<ArgumentName1>" + topicARN + "</ArgumentName1><ArgumentValue1>The destination topic does not exist</ArgumentValue1><ArgumentName2>" +
				functionARN + ", null</ArgumentName2><ArgumentValue2>Not authorized to invoke function [" + functionARN + "]</ArgumentValue2>"},
		{"another rule", element("Queue", queueARN, filtered(rule("infix", "a"))),
			"<Code>InvalidArgument</Code><Message>filter rule name must be either prefix or suffix</Message><ArgumentName>FilterRule.Name</ArgumentName><ArgumentValue>infix</ArgumentValue>"},
		{"two prefixes", element("Queue", queueARN, filtered(rule("prefix", "a")+rule("Prefix", "b"))),
			"<Code>InvalidArgument</Code><Message>Cannot specify more than one prefix rule in a filter.</Message>"},
		{"a rule without a name", element("Queue", queueARN, filtered("<FilterRule><Value>a</Value></FilterRule>")), "<Code>MalformedXML</Code>"},
		{"a rule without a value", element("Queue", queueARN, filtered("<FilterRule><Name>prefix</Name></FilterRule>")), "<Code>MalformedXML</Code>"},
		{"rules that overlap", element("Queue", queueARN, filtered(rule("prefix", "a"))) + element("Queue", queueARN, filtered(rule("prefix", "ab"))),
			"<Code>InvalidArgument</Code><Message>Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping for the same event type.</Message>"},
		{"no event", element("Queue", queueARN, "<Event>s3:ObjectRenamed:*</Event>"), "The event &#39;s3:ObjectRenamed:*&#39; is not supported for notifications"},
		{"no document", "", "<Code>MissingRequestBodyError</Code>"},
		{"no XML", "<NotificationConfiguration>", "<Code>MalformedXML</Code>"},
	} {
		body := c.body
		if !strings.HasPrefix(body, "<Notif") && body != "" {
			body = `<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">` + body + "</NotificationConfiguration>"
		}
		res, text := b.send("PUT", "/noisy?notification", body, asAccount()...)
		if want := strings.ReplaceAll(c.want, "&#39;", "'"); res.StatusCode != 400 || !strings.Contains(strings.NewReplacer("&#39;", "'", "&apos;", "'").Replace(text), want) {
			t.Errorf("%s: %s %s\nwant %s", c.rule, res.Status, text, want)
		}
	}
	if got := must(b.GetBucketNotificationConfiguration(t.Context(), &sdk.GetBucketNotificationConfigurationInput{Bucket: aws.String("noisy")}))(t); got.QueueConfigurations != nil {
		t.Errorf("what was refused is there: %+v", got.QueueConfigurations)
	}
	_, err := b.GetBucketNotificationConfiguration(t.Context(), &sdk.GetBucketNotificationConfigurationInput{Bucket: aws.String("none")})
	wants(t, "no bucket", err, 404, noBucket)
}
