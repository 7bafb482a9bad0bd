package sns_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"millrace/services/sns"
)

const (
	defaultPolicy = `{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID","Effect":"Allow","Principal":{"AWS":"*"},` +
		`"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],` +
		`"Resource":"%s","Condition":{"StringEquals":{"AWS:SourceOwner":"` + account + `"}}}]}`
	defaultDelivery = `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}`
)

// A new topic has exactly these attributes.
func TestNewTopic(t *testing.T) {
	b := start(t, sns.Options{})
	plain := b.createTopic("plain", map[string]string{"FifoTopic": "false"})
	want := map[string]string{
		"TopicArn": prefix + "plain", "Owner": account, "DisplayName": "", "Policy": fmt.Sprintf(defaultPolicy, plain),
		"SubscriptionsConfirmed": "0", "SubscriptionsPending": "0", "SubscriptionsDeleted": "0", "EffectiveDeliveryPolicy": defaultDelivery,
	}
	if got := b.topic(plain); !maps.Equal(got, want) {
		t.Errorf("a standard topic:\n got %v\nwant %v", got, want)
	}
	queued := b.createTopic("queued.fifo", fifoTopic)
	want["TopicArn"], want["Policy"] = prefix+"queued.fifo", fmt.Sprintf(defaultPolicy, queued)
	want["FifoTopic"], want["ContentBasedDeduplication"], want["FifoThroughputScope"] = "true", "false", "Topic"
	if got := b.topic(queued); !maps.Equal(got, want) {
		t.Errorf("a FIFO topic:\n got %v\nwant %v", got, want)
	}
}

// create is the error of CreateTopic.
func (b *bench) create(name string, attributes map[string]string, tags ...types.Tag) error {
	_, err := b.CreateTopic(b.t.Context(), &sdk.CreateTopicInput{Name: &name, Attributes: attributes, Tags: tags})
	return err
}

func tag(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} }

func TestTopicNames(t *testing.T) {
	b := start(t, sns.Options{})
	for _, c := range []struct {
		name       string
		attributes map[string]string
		ok         bool
	}{
		{"a", nil, true}, {"-_-", nil, true}, {strings.Repeat("a", 256), nil, true},
		{"a.fifo", fifoTopic, true}, {strings.Repeat("a", 251) + ".fifo", fifoTopic, true}, {"b.fifo", map[string]string{"FifoTopic": "TRUE"}, true},
		{strings.Repeat("a", 257), nil, false}, {strings.Repeat("a", 252) + ".fifo", fifoTopic, false}, {".fifo", fifoTopic, false},
		{"a b", nil, false}, {"a/b", nil, false}, {"a:b", nil, false}, {"ä", nil, false}, {"a.b", nil, false}, {"a\n", nil, false},
		{"c.fifo", nil, false}, {"c.fifo", map[string]string{"FifoTopic": "false"}, false}, {"c", fifoTopic, false},
	} {
		err := b.create(c.name, c.attributes)
		if !c.ok {
			invalid(t, c.name, err, "Topic Name")
		} else if err != nil {
			t.Errorf("%q: %v", c.name, err)
		}
	}
}

// What is created again must be what is there.
func TestCreateTopicAgain(t *testing.T) {
	b := start(t, sns.Options{})
	first := map[string]string{"DisplayName": "mill", "TracingConfig": "Active", "Policy": fmt.Sprintf(defaultPolicy, prefix+"t")}
	if err := b.create("t", first, tag("a", "1"), tag("b", "2")); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"nothing given":        b.create("t", nil),
		"the same":             b.create("t", first, tag("b", "2"), tag("a", "1")),
		"some of the same":     b.create("t", map[string]string{"DisplayName": "mill"}, tag("a", "1")),
		"a policy, spaced":     b.create("t", map[string]string{"Policy": strings.ReplaceAll(first["Policy"], ":[", ": [")}),
		"what it has unset":    b.create("t", map[string]string{"KmsMasterKeyId": ""}),
		"not a FIFO topic":     b.create("t", map[string]string{"FifoTopic": "false"}),
		"a FIFO topic":         b.create("f.fifo", fifoTopic),
		"a FIFO topic again":   b.create("f.fifo", fifoTopic),
		"its defaults, spoken": b.create("f.fifo", map[string]string{"FifoTopic": "true", "ContentBasedDeduplication": "false", "FifoThroughputScope": "Topic"}),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	const differs = "Attributes Reason: Topic already exists with different attributes"
	invalid(t, "another value", b.create("t", map[string]string{"DisplayName": "wheel"}), differs)
	invalid(t, "one that was not set", b.create("t", map[string]string{"SignatureVersion": "2"}), differs)
	invalid(t, "another default", b.create("f.fifo", map[string]string{"FifoTopic": "true", "ContentBasedDeduplication": "true"}), differs)
	const tags = "Tags Reason: Topic already exists with different tags"
	invalid(t, "another tag", b.create("t", nil, tag("c", "3")), tags)
	invalid(t, "another tag's value", b.create("t", nil, tag("a", "3")), tags)
}

// What DeleteTopic removes is gone when a topic of the name is created.
func TestDeleteTopic(t *testing.T) {
	b := start(t, sns.Options{})
	ctx := t.Context()
	arn := *must(b.CreateTopic(ctx, &sdk.CreateTopicInput{Name: aws.String("t"), Tags: []types.Tag{tag("a", "1")}}))(t).TopicArn
	sub := must(b.subscribe(arn, "sqs", queueARN, nil))(t)
	for range 2 {
		must(b.DeleteTopic(ctx, &sdk.DeleteTopicInput{TopicArn: &arn}))(t)
	}
	refused(t, "a deleted topic", second(b.GetTopicAttributes(ctx, &sdk.GetTopicAttributesInput{TopicArn: &arn})), "NotFound", "Topic does not exist")
	refused(t, "its subscription", second(b.GetSubscriptionAttributes(ctx, &sdk.GetSubscriptionAttributesInput{SubscriptionArn: &sub})), "NotFound", "Subscription does not exist")
	b.createTopic("t", nil)
	if tags := must(b.ListTagsForResource(ctx, &sdk.ListTagsForResourceInput{ResourceArn: &arn}))(t).Tags; len(tags) != 0 {
		t.Errorf("tags of the deleted topic: %v", tags)
	}
	if subs := must(b.ListSubscriptionsByTopic(ctx, &sdk.ListSubscriptionsByTopicInput{TopicArn: &arn}))(t).Subscriptions; len(subs) != 0 {
		t.Errorf("subscriptions of the deleted topic: %v", subs)
	}
}

// set is the error of SetTopicAttributes.
func (b *bench) set(arn, name, value string) error {
	_, err := b.SetTopicAttributes(b.t.Context(), &sdk.SetTopicAttributesInput{TopicArn: &arn, AttributeName: &name, AttributeValue: &value})
	return err
}

// Each attribute takes some values and refuses others, by itself and when a topic is
// created with it.
func TestTopicAttributes(t *testing.T) {
	b := start(t, sns.Options{})
	plain, queued := b.createTopic("t", nil), b.createTopic("t.fifo", fifoTopic)
	const (
		role = "arn:aws:iam::" + account + ":role/logs"
		key  = "arn:aws:kms:" + region + ":" + account + ":key/1234abcd-12ab-34cd-56ef-1234567890ab"
	)
	for _, c := range []struct{ topic, name, value string }{
		{plain, "DisplayName", "Mill 水車"}, {plain, "DisplayName", strings.Repeat("é", 100)}, {plain, "DisplayName", ""},
		{plain, "KmsMasterKeyId", "alias/aws/sns"}, {plain, "KmsMasterKeyId", key}, {plain, "KmsMasterKeyId", "1234abcd-12ab-34cd-56ef-1234567890ab"}, {plain, "KmsMasterKeyId", ""},
		{plain, "SignatureVersion", "2"}, {plain, "SignatureVersion", "1"}, {plain, "TracingConfig", "Active"}, {queued, "TracingConfig", "PassThrough"},
		{plain, "DeliveryPolicy", ""},
		{plain, "MaximumMessageSize", "1024"}, {plain, "MaximumMessageSize", "1048576"}, {plain, "MaximumMessageSize", "262144"},
		{queued, "ContentBasedDeduplication", "true"}, {queued, "FifoThroughputScope", "Topic"}, {queued, "FifoThroughputScope", "MessageGroup"},
		{queued, "ArchivePolicy", `{"MessageRetentionPeriod":"365"}`}, {queued, "ArchivePolicy", `{"MessageRetentionPeriod":1}`},
		{plain, "HTTPSuccessFeedbackRoleArn", role}, {plain, "FirehoseFailureFeedbackRoleArn", role}, {plain, "LambdaSuccessFeedbackSampleRate", "0"}, {plain, "SQSSuccessFeedbackSampleRate", "100"},
		{plain, "ApplicationSuccessFeedbackRoleArn", ""},
	} {
		if err := b.set(c.topic, c.name, c.value); err != nil {
			t.Errorf("%s %s: %v", c.name, c.value, err)
		} else if got, there := b.topic(c.topic)[c.name]; got != c.value || there != (c.value != "" || c.name == "DisplayName") {
			t.Errorf("%s %s is %q", c.name, c.value, got)
		}
	}
	if b.topic(queued)["BeginningArchiveTime"] == "" {
		t.Error("an archive that does not say since when")
	}
	refused(t, "a topic with an archive", second(b.DeleteTopic(t.Context(), &sdk.DeleteTopicInput{TopicArn: &queued})), "InvalidState", "Invalid state: Cannot delete a topic with an ArchivePolicy")

	size := func(v string) string {
		return "MaximumMessageSize: " + v + " is not an integer between 1024 and 1048576 bytes"
	}
	for _, c := range []struct{ topic, name, value, text string }{
		{plain, "DisplayName", strings.Repeat("é", 101), "DisplayName"}, {plain, "DisplayName", "a\nb", "DisplayName"},
		{plain, "KmsMasterKeyId", "a key", "KmsMasterKeyId"}, {plain, "KmsMasterKeyId", "arn:aws:kms:" + region + ":" + account + ":key/", "KmsMasterKeyId"},
		{plain, "SignatureVersion", "3", "SignatureVersion: Invalid value. Must be 1 or 2."}, {plain, "SignatureVersion", "", "SignatureVersion: Invalid value. Must be 1 or 2."},
		{plain, "TracingConfig", "x", "Invalid tracing config value: x"}, {queued, "TracingConfig", "Active", "Invalid tracing config value: Active"},
		{plain, "DeliveryPolicy", "x", "DeliveryPolicy: failed to parse JSON."},
		{plain, "MaximumMessageSize", "1023", size("1023")}, {plain, "MaximumMessageSize", "1048577", size("1048577")}, {plain, "MaximumMessageSize", "", size("")},
		{plain, "MaximumMessageSize", " 262144 ", size(" 262144 ")}, {plain, "MaximumMessageSize", "1024.5", size("1024.5")}, {plain, "MaximumMessageSize", "+2048", size("+2048")},
		{queued, "ContentBasedDeduplication", "x", "ContentBasedDeduplication: Invalid value [x]. Must be true or false."},
		{queued, "FifoThroughputScope", "x", "FifoThroughputScope: Invalid value [x]. Must be Topic or MessageGroup."},
		{queued, "ArchivePolicy", `{"MessageRetentionPeriod":"366"}`, "ArchivePolicy: MessageRetentionPeriod value is invalid"},
		{queued, "ArchivePolicy", `{"MessageRetentionPeriod":0}`, "ArchivePolicy: MessageRetentionPeriod value is invalid"},
		{queued, "ArchivePolicy", `{"MessageRetentionPeriod":"x"}`, "ArchivePolicy: MessageRetentionPeriod value is invalid"},
		{queued, "ArchivePolicy", `{"Days":"1"}`, "ArchivePolicy: JSON is missing required fields"},
		{queued, "ArchivePolicy", "", "ArchivePolicy: Unable to parse JSON"}, {queued, "ArchivePolicy", "30", "ArchivePolicy: Unable to parse JSON"},
		{plain, "HTTPFailureFeedbackRoleArn", "logs", "HTTPFailureFeedbackRoleArn: Invalid value [logs]. Must be the ARN of a role."},
		{plain, "SQSSuccessFeedbackSampleRate", "101", "SQSSuccessFeedbackSampleRate: Invalid value [101]. Must be an integer between 0 and 100."},
	} {
		invalid(t, c.name, b.set(c.topic, c.name, c.value), c.text)
		name, attributes := "new", map[string]string{c.name: c.value}
		if c.topic == queued {
			name, attributes["FifoTopic"] = "new.fifo", "true"
		}
		invalid(t, c.name+" of a new topic", b.create(name, attributes), "Attributes Reason: "+c.text)
	}
	invalid(t, "back to Topic", b.set(queued, "FifoThroughputScope", "Topic"), "FifoThroughputScope: MessageGroup cannot be changed to Topic.")
	for _, name := range []string{"Unknown", "FifoTopic", "Owner", "ContentBasedDeduplication", "FifoThroughputScope", "ArchivePolicy", "DataProtectionPolicy"} {
		invalid(t, name, b.set(plain, name, "true"), "AttributeName")
		if name != "FifoTopic" {
			invalid(t, name, b.create("new", map[string]string{name: "true"}), "Attributes Reason: Unknown attribute "+name)
		}
	}

	if err := b.set(queued, "ArchivePolicy", "{}"); err != nil {
		t.Error(err)
	}
	if got := b.topic(queued); got["ArchivePolicy"] != "" || got["BeginningArchiveTime"] != "" {
		t.Errorf("an archive that was switched off: %v", got)
	}
	must(b.DeleteTopic(t.Context(), &sdk.DeleteTopicInput{TopicArn: &queued}))(t)
}

// The delivery policy that holds is told beside the one that was set.
func TestEffectiveDeliveryPolicy(t *testing.T) {
	b := start(t, sns.Options{})
	arn := b.createTopic("t", map[string]string{"DeliveryPolicy": `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":5,"maxDelayTarget":9,"numRetries":7}}}`})
	for _, name := range []string{"DeliveryPolicy", "EffectiveDeliveryPolicy"} {
		if got := b.topic(arn)[name]; !strings.Contains(got, `"minDelayTarget":5,"maxDelayTarget":9,"numRetries":7`) {
			t.Errorf("%s is %s", name, got)
		}
	}
}

// Every operation on a topic knows the same wrong ARNs.
func TestTopicARNs(t *testing.T) {
	b := start(t, sns.Options{})
	ctx := t.Context()
	b.createTopic("t", nil)
	calls := map[string]func(arn string) error{
		"GetTopicAttributes": func(arn string) error {
			return second(b.GetTopicAttributes(ctx, &sdk.GetTopicAttributesInput{TopicArn: &arn}))
		},
		"SetTopicAttributes": func(arn string) error { return b.set(arn, "DisplayName", "x") },
		"DeleteTopic": func(arn string) error {
			return second(b.DeleteTopic(ctx, &sdk.DeleteTopicInput{TopicArn: &arn}))
		},
		"Subscribe": func(arn string) error { return second(b.subscribe(arn, "sqs", queueARN, nil)) },
		"ListSubscriptionsByTopic": func(arn string) error {
			return second(b.ListSubscriptionsByTopic(ctx, &sdk.ListSubscriptionsByTopicInput{TopicArn: &arn}))
		},
		"AddPermission": func(arn string) error {
			return second(b.AddPermission(ctx, &sdk.AddPermissionInput{TopicArn: &arn, Label: aws.String("l"), AWSAccountId: []string{stranger}, ActionName: []string{"Publish"}}))
		},
		"RemovePermission": func(arn string) error {
			return second(b.RemovePermission(ctx, &sdk.RemovePermissionInput{TopicArn: &arn, Label: aws.String("l")}))
		},
	}
	for name, call := range calls {
		invalid(t, name, call(""), "TopicArn Reason: no value for required parameter")
		invalid(t, name, call("t"), "TopicArn Reason: An ARN must have at least 6 elements, not 1")
		invalid(t, name, call("arn:aws:sns:eu-west-1:1"), "TopicArn Reason: An ARN must have at least 6 elements, not 5")
		for _, arn := range []string{"arn:aws:sns:us-east-1:" + account + ":t", "arn:aws:sqs:" + region + ":" + account + ":t", prefix + "t:x", prefix + "a b", "a:b:c:d:e:f"} {
			invalid(t, name+" of "+arn, call(arn), "TopicArn")
		}
		if err := call(prefix + "none"); name != "DeleteTopic" {
			refused(t, name, err, "NotFound", "Topic does not exist")
		} else if err != nil {
			t.Errorf("a topic that is not there is not deleted: %v", err)
		}
	}
}

// Lists come in pages of 100.
func TestListTopics(t *testing.T) {
	b := start(t, sns.Options{})
	ctx := t.Context()
	for i := range 101 {
		b.createTopic(fmt.Sprintf("t%03d", i), nil)
	}
	first := must(b.ListTopics(ctx, &sdk.ListTopicsInput{}))(t)
	if len(first.Topics) != 100 || first.NextToken == nil {
		t.Fatalf("the first page has %d topics", len(first.Topics))
	}
	must(b.DeleteTopic(ctx, &sdk.DeleteTopicInput{TopicArn: first.Topics[99].TopicArn}))(t)
	rest := must(b.ListTopics(ctx, &sdk.ListTopicsInput{NextToken: first.NextToken}))(t)
	if len(rest.Topics) != 1 || *rest.Topics[0].TopicArn != prefix+"t100" || rest.NextToken != nil {
		t.Errorf("the second page: %v", rest.Topics)
	}
	invalid(t, "a token of nobody's", second(b.ListTopics(ctx, &sdk.ListTopicsInput{NextToken: aws.String("x")})), "NextToken")
	if others := must(b.other.ListTopics(ctx, &sdk.ListTopicsInput{}))(t).Topics; len(others) != 0 {
		t.Errorf("topics of another account: %v", others)
	}
	if others := must(b.client(account, "us-east-1").ListTopics(ctx, &sdk.ListTopicsInput{}))(t).Topics; len(others) != 0 {
		t.Errorf("topics of another region: %v", others)
	}
}

func TestTags(t *testing.T) {
	b := start(t, sns.Options{})
	ctx := t.Context()
	arn := b.createTopic("t", nil)
	put := func(tags ...types.Tag) error {
		return second(b.TagResource(ctx, &sdk.TagResourceInput{ResourceArn: &arn, Tags: tags}))
	}
	have := func() (text string) {
		for _, tag := range must(b.ListTagsForResource(ctx, &sdk.ListTagsForResourceInput{ResourceArn: &arn}))(t).Tags {
			text += *tag.Key + "=" + *tag.Value + " "
		}
		return text
	}
	if err := put(tag("b", "1"), tag("a", "")); err != nil || have() != "a= b=1 " {
		t.Error(err, have())
	}
	if err := put(tag("b", "2")); err != nil || have() != "a= b=2 " {
		t.Error(err, have())
	}
	invalid(t, "a key twice", put(tag("c", "1"), tag("c", "1")), "Duplicated keys are not allowed.")
	invalid(t, "a key twice, at creation", b.create("u", nil, tag("c", "1"), tag("c", "2")), "Duplicated keys are not allowed.")
	var many []types.Tag
	for i := range 49 {
		many = append(many, tag(fmt.Sprint(i), ""))
	}
	refused(t, "51 tags", put(many...), "TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded")
	if err := put(many[:48]...); err != nil {
		t.Errorf("50 tags: %v", err)
	}
	var keys []string
	for _, tag := range many {
		keys = append(keys, *tag.Key)
	}
	must(b.UntagResource(ctx, &sdk.UntagResourceInput{ResourceArn: &arn, TagKeys: append(keys, "a")}))(t)
	if have() != "b=2 " {
		t.Error(have())
	}
	none := prefix + "none"
	refused(t, "tags of no topic", second(b.ListTagsForResource(ctx, &sdk.ListTagsForResourceInput{ResourceArn: &none})), "ResourceNotFound", "Resource does not exist")
}

// Data protection policies are kept as they are sent, and attributes do not show them.
func TestDataProtectionPolicies(t *testing.T) {
	b := start(t, sns.Options{})
	ctx := t.Context()
	const text = ` { "Name" : "p", "Version" : "2021-06-01", "Statement" : [] } `
	arn := *must(b.CreateTopic(ctx, &sdk.CreateTopicInput{Name: aws.String("t"), DataProtectionPolicy: aws.String(text)}))(t).TopicArn
	get := func() string {
		return *must(b.GetDataProtectionPolicy(ctx, &sdk.GetDataProtectionPolicyInput{ResourceArn: &arn}))(t).DataProtectionPolicy
	}
	put := func(text string) error {
		return second(b.PutDataProtectionPolicy(ctx, &sdk.PutDataProtectionPolicyInput{ResourceArn: &arn, DataProtectionPolicy: &text}))
	}
	if got := get(); got != text {
		t.Errorf("got %q", got)
	}
	if _, shown := b.topic(arn)["DataProtectionPolicy"]; shown {
		t.Error("attributes show the policy")
	}
	if err := put(""); err != nil || get() != "" {
		t.Error(err, get())
	}
	invalid(t, "no JSON", put("x"), "DataProtectionPolicy: failed to parse JSON.")
	invalid(t, "a long one", put(strings.Repeat(" ", 30721)), "DataProtectionPolicy Reason: Policy exceeds the maximum size of 30720 bytes")
}

func TestTopicQuotas(t *testing.T) {
	b := start(t, sns.Options{Quotas: sns.Quotas{StandardTopics: 2, FIFOTopics: 1}})
	for _, c := range []struct {
		name       string
		attributes map[string]string
	}{{"a", nil}, {"b", nil}, {"c.fifo", fifoTopic}} {
		b.createTopic(c.name, c.attributes)
	}
	refused(t, "a third topic", b.create("d", nil), "TopicLimitExceeded", "Topic limit exceeded")
	refused(t, "a second FIFO topic", b.create("d.fifo", fifoTopic), "TopicLimitExceeded", "Topic limit exceeded")
	b.createTopic("a", nil)
	must(b.DeleteTopic(t.Context(), &sdk.DeleteTopicInput{TopicArn: aws.String(prefix + "b")}))(t)
	b.createTopic("d", nil)
}
