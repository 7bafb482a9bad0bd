package sns_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sns"

	"millrace/services/sns"
)

const (
	fifoARN     = queueARN + ".fifo"
	functionARN = "arn:aws:lambda:" + region + ":" + account + ":function:f"
	site        = "https://example.com/hook"
)

func TestSubscribeQueue(t *testing.T) {
	b := start(t, sns.Options{})
	topic := b.createTopic("orders", nil)
	arn := must(b.subscribe(topic, "sqs", queueARN, map[string]string{"RawMessageDelivery": "TRUE"}))(t)
	if !strings.HasPrefix(arn, topic+":") {
		t.Errorf("the subscription is %s", arn)
	}
	want := map[string]string{
		"SubscriptionArn": arn, "TopicArn": topic, "Owner": account, "Protocol": "sqs", "Endpoint": queueARN,
		"RawMessageDelivery": "true", "PendingConfirmation": "false", "ConfirmationWasAuthenticated": "true",
		"SubscriptionPrincipal": "arn:aws:iam::" + account + ":root",
	}
	if got := b.subscription(arn); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Endpoints are checked by their form.
func TestEndpoints(t *testing.T) {
	b := start(t, sns.Options{})
	plain, queued := b.createTopic("t", nil), b.createTopic("t.fifo", fifoTopic)
	for _, c := range []struct {
		topic, protocol, endpoint string
		pending                   bool
	}{
		{plain, "sqs", queueARN, false}, {plain, "sqs", "arn:aws:sqs:us-east-1:" + account + ":elsewhere", false},
		{plain, "sqs", "arn:aws:sqs:" + region + ":" + stranger + ":q", true},
		{plain, "lambda", functionARN, false}, {plain, "lambda", functionARN + ":live", false}, {plain, "lambda", functionARN + ":$LATEST", false},
		{plain, "lambda", "arn:aws:lambda:" + region + ":" + stranger + ":function:f", true},
		{plain, "https", site, true}, {plain, "http", "http://user:secret@[::1]:8080/a?b=c", true}, {plain, "http", "http://localhost/_runtimes", true},
		{plain, "email", "miller@example.com", true}, {plain, "email-json", "miller+mill@example.com", true},
		{plain, "sms", "+14155550100", false}, {plain, "sms", "1-415-555-0101", false}, {plain, "sms", "+1 415/555.0102", false},
		{queued, "sqs", fifoARN, false}, {queued, "sqs", queueARN, false},
	} {
		arn, err := b.subscribe(c.topic, c.protocol, c.endpoint, nil)
		if err != nil {
			t.Errorf("%s %s: %v", c.protocol, c.endpoint, err)
			continue
		}
		if got := b.subscription(arn); got["PendingConfirmation"] != fmt.Sprint(c.pending) || got["ConfirmationWasAuthenticated"] != fmt.Sprint(!c.pending) {
			t.Errorf("%s %s: pending %s, authenticated %s", c.protocol, c.endpoint, got["PendingConfirmation"], got["ConfirmationWasAuthenticated"])
		}
	}
	const (
		fifoOnly = "Invalid parameter: Endpoint Reason: Please use FIFO SQS queue"
		scheme   = "Endpoint must match the specified protocol"
		own      = "Endpoint Reason: /_runtime is this runtime's own"
		device   = "arn:aws:sns:" + region + ":" + account + ":endpoint/GCM/app/1234"
		stream   = "arn:aws:firehose:" + region + ":" + account + ":deliverystream/s"
	)
	for _, c := range []struct{ topic, protocol, endpoint, text string }{
		{plain, "pigeon", "x", "Amazon SNS does not support this protocol string: pigeon"},
		{plain, "SQS", queueARN, "Amazon SNS does not support this protocol string: SQS"},
		{plain, "sqs", "http://localhost:4566/" + account + "/q", "SQS endpoint ARN"}, {plain, "sqs", "", "SQS endpoint ARN"}, {plain, "sqs", "q", "SQS endpoint ARN"},
		{plain, "sqs", functionARN, "SQS endpoint ARN"}, {plain, "sqs", queueARN + ":x", "SQS endpoint ARN"}, {plain, "sqs", "arn:aws:sqs:" + region + ":1:q", "SQS endpoint ARN"},
		{plain, "lambda", queueARN, "Lambda endpoint ARN"}, {plain, "lambda", "arn:aws:lambda:" + region + ":" + account + ":layer:f", "Lambda endpoint ARN"}, {plain, "lambda", functionARN + ":a:b", "Lambda endpoint ARN"},
		{plain, "sqs", fifoARN, "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"},
		{queued, "https", site, fifoOnly}, {queued, "email", "miller@example.com", fifoOnly}, {queued, "sms", "+14155550100", fifoOnly}, {queued, "lambda", functionARN, fifoOnly},
		{plain, "http", site, scheme}, {plain, "https", "http://example.com", scheme}, {plain, "http", "", scheme}, {plain, "http", "//example.com", scheme},
		{plain, "http", "http://", "HTTP(S) endpoint"}, {plain, "http", "http:///path", "HTTP(S) endpoint"}, {plain, "http", "http://:80/", "HTTP(S) endpoint"}, {plain, "http", "http://localhost:99999/", "HTTP(S) endpoint"},
		{plain, "http", "http://exa mple.com/", "HTTP(S) endpoint"}, {plain, "http", `http://example.com\@localhost/`, "HTTP(S) endpoint"}, {plain, "http", "http://localhost/a\tb", "HTTP(S) endpoint"},
		{plain, "http", "http://localhost:4566/_runtime/reset", own}, {plain, "http", "http://localhost/_runtime", own}, {plain, "http", "http://localhost//_runtime/reset", own},
		{plain, "http", "http://localhost/%5Fruntime/reset", own}, {plain, "http", "http://localhost/a/../_RUNTIME/reset", own}, {plain, "http", "http://localhost/%2e/_runtime/", own},
		{plain, "https", site + strings.Repeat("k", 4096), "Endpoint Reason: must not be longer than 4096 bytes"},
		{plain, "email", "this is not an email", "Email address"}, {plain, "email", "", "Email address"}, {plain, "email", "Miller <miller@example.com>", "Email address"},
		{plain, "email", "<miller@example.com>", "Email address"}, {plain, "email", "a@b.c;d@e.f", "Email address"}, {plain, "email-json", "a@", "Email address"},
		{plain, "firehose", "x", "Firehose endpoint ARN"}, {plain, "firehose", stream, "Delivery protocol firehose can only be subscribed with subscription role arn"},
		{plain, "application", plain, "Application endpoint arn invalid:" + plain}, {plain, "application", device, "Endpoint Reason: Endpoint does not exist for endpoint " + device},
	} {
		invalid(t, c.protocol+" "+c.endpoint, second(b.subscribe(c.topic, c.protocol, c.endpoint, nil)), c.text)
	}
	for _, number := range []string{"", "+", "NAA+15551234567", "+1--415", "-1415", "1415-", "+1415 ", "0123456789012345"} {
		refused(t, number, second(b.subscribe(plain, "sms", number, nil)), "InvalidParameter", "Invalid SMS endpoint: "+number)
	}
	role := map[string]string{"SubscriptionRoleArn": "arn:aws:iam::" + account + ":role/r"}
	invalid(t, "a delivery stream", second(b.subscribe(plain, "firehose", stream, role)), "Endpoint Reason: Endpoint does not exist for endpoint "+stream)
}

// A subscription that is there is answered for the same attributes, or none.
func TestSubscribeAgain(t *testing.T) {
	b := start(t, sns.Options{})
	topic := b.createTopic("t", nil)
	first := must(b.subscribe(topic, "sqs", queueARN, map[string]string{"RawMessageDelivery": "true", "FilterPolicy": `{"a":["b"]}`}))(t)
	for _, attributes := range []map[string]string{
		nil, {"RawMessageDelivery": "true"}, {"RawMessageDelivery": "True", "FilterPolicy": `{"a": ["b"]}`}, {"FilterPolicyScope": "MessageAttributes"},
	} {
		if again, err := b.subscribe(topic, "sqs", queueARN, attributes); err != nil || again != first {
			t.Errorf("%v: %s, %v", attributes, again, err)
		}
	}
	for _, attributes := range []map[string]string{
		{"RawMessageDelivery": "false"}, {"FilterPolicy": `{"a":["c"]}`}, {"FilterPolicyScope": "MessageBody"}, {"RedrivePolicy": `{"deadLetterTargetArn":"` + queueARN + `"}`},
	} {
		invalid(t, fmt.Sprint(attributes), second(b.subscribe(topic, "sqs", queueARN, attributes)), "Attributes Reason: Subscription already exists with different attributes")
	}
	if other, err := b.subscribe(topic, "sqs", queueARN+"2", nil); err != nil || other == first {
		t.Errorf("another queue: %s, %v", other, err)
	}
}

// setSub is the error of SetSubscriptionAttributes.
func (b *bench) setSub(arn, name, value string) error {
	_, err := b.SetSubscriptionAttributes(b.t.Context(), &sdk.SetSubscriptionAttributesInput{SubscriptionArn: &arn, AttributeName: &name, AttributeValue: &value})
	return err
}

// Each attribute takes some values and refuses others, by itself and when something is
// subscribed with it.
func TestSubscriptionAttributes(t *testing.T) {
	b := start(t, sns.Options{})
	plain, queued := b.createTopic("t", nil), b.createTopic("t.fifo", fifoTopic)
	queue := must(b.subscribe(plain, "sqs", queueARN, nil))(t)
	hook := must(b.subscribe(plain, "https", site, nil))(t)
	mail := must(b.subscribe(plain, "email", "a@example.com", nil))(t)
	ordered := must(b.subscribe(queued, "sqs", fifoARN, nil))(t)
	unordered := must(b.subscribe(queued, "sqs", queueARN, nil))(t)
	dead := func(arn string) string { return `{"deadLetterTargetArn":"` + arn + `"}` }
	for _, c := range []struct{ sub, name, value, shown string }{
		{queue, "RawMessageDelivery", "TRUE", "true"}, {hook, "RawMessageDelivery", "true", "true"}, {mail, "RawMessageDelivery", "false", "false"},
		{queue, "FilterPolicy", `{"a": ["b"]}`, `{"a": ["b"]}`}, {queue, "FilterPolicyScope", "MessageBody", "MessageBody"}, {queue, "FilterPolicy", `{"a":{"b":["c"]}}`, `{"a":{"b":["c"]}}`},
		{queue, "FilterPolicy", "{}", ""}, {queue, "FilterPolicyScope", "MessageAttributes", ""}, {queue, "FilterPolicy", "", ""},
		{queue, "RedrivePolicy", dead(queueARN), dead(queueARN)}, {queue, "RedrivePolicy", "", ""}, {ordered, "RedrivePolicy", dead(fifoARN), dead(fifoARN)}, {unordered, "RedrivePolicy", dead(queueARN), dead(queueARN)},
		{hook, "DeliveryPolicy", `{"throttlePolicy":{"maxReceivesPerSecond":5}}`, `{"healthyRetryPolicy":null,"sicklyRetryPolicy":null,"throttlePolicy":{"maxReceivesPerSecond":5},"requestPolicy":null,"guaranteed":false}`}, {hook, "DeliveryPolicy", "", ""},
		{queue, "SubscriptionRoleArn", "arn:aws:iam::" + account + ":role/r", "arn:aws:iam::" + account + ":role/r"},
	} {
		if err := b.setSub(c.sub, c.name, c.value); err != nil {
			t.Errorf("%s %s: %v", c.name, c.value, err)
		} else if got := b.subscription(c.sub)[c.name]; got != c.shown {
			t.Errorf("%s %s is shown as %q", c.name, c.value, got)
		}
	}
	const fifoDead = "RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic."
	for _, c := range []struct{ sub, name, value, text string }{
		{queue, "RawMessageDelivery", "x", "RawMessageDelivery: Invalid value [x]. Must be true or false."}, {queue, "RawMessageDelivery", "", "RawMessageDelivery: Invalid value []. Must be true or false."},
		{mail, "RawMessageDelivery", "true", "Delivery protocol [email] does not support raw message delivery."},
		{queue, "FilterPolicyScope", "x", "FilterPolicyScope: Invalid value [x]. Please use either MessageBody or MessageAttributes"},
		{queue, "FilterPolicy", `{"a":{"b":["c"]}}`, "Filter policy scope MessageAttributes does not support nested filter policy"},
		{queue, "FilterPolicy", `{"a":["1"],"b":["1"],"c":["1"],"d":["1"],"e":["1"],"f":["1"]}`, "FilterPolicy: Filter policy can not have more than 5 keys"},
		{queue, "RedrivePolicy", "x", "RedrivePolicy: failed to parse JSON."}, {queue, "RedrivePolicy", "[]", "RedrivePolicy: failed to parse JSON."},
		{queue, "RedrivePolicy", "{}", "RedrivePolicy: Missing deadLetterTargetArn attribute"},
		{queue, "RedrivePolicy", `{"deadLetterTargetArn":"` + queueARN + `","maxReceiveCount":1}`, "RedrivePolicy: invalid JSON. Attribute maxReceiveCount is unknown."},
		{queue, "RedrivePolicy", dead("q"), "RedrivePolicy: deadLetterTargetArn is an invalid arn"}, {queue, "RedrivePolicy", `{"deadLetterTargetArn":1}`, "RedrivePolicy: deadLetterTargetArn is an invalid arn"},
		{queue, "RedrivePolicy", dead(functionARN), "RedrivePolicy: deadLetterTargetArn must be a SQS queue"},
		{queue, "RedrivePolicy", dead("arn:aws:sqs:us-east-1:" + account + ":q"), "RedrivePolicy: deadLetterTargetArn must be in the same region as the subscription"},
		{queue, "RedrivePolicy", dead("arn:aws:sqs:" + region + ":" + stranger + ":q"), "RedrivePolicy: deadLetterTargetArn must be in the same account as the subscription"},
		{ordered, "RedrivePolicy", dead(queueARN), fifoDead}, {ordered, "RedrivePolicy", dead(functionARN), fifoDead},
		{queue, "RedrivePolicy", strings.Repeat(" ", 30<<10+1), "RedrivePolicy: must not be longer than 30720 bytes"}, {queue, "FilterPolicy", strings.Repeat(" ", 256<<10+1), "FilterPolicy: must not be longer than 262144 bytes"},
		{queue, "DeliveryPolicy", "x", "DeliveryPolicy: failed to parse JSON."},
		{queue, "SubscriptionRoleArn", "r", "SubscriptionRoleArn: Invalid value [r]. Must be the ARN of a role."},
		{ordered, "ReplayPolicy", "x", "ReplayPolicy: Unable to parse JSON"}, {ordered, "ReplayPolicy", `{"PointType":"Timestamp"}`, "ReplayPolicy: JSON is missing required fields"},
		{ordered, "ReplayPolicy", `{"PointType":"Offset","StartingPoint":"2026-01-01T00:00:00Z"}`, "ReplayPolicy: Invalid PointType value"},
		{ordered, "ReplayPolicy", `{"PointType":"Timestamp","StartingPoint":"today"}`, "ReplayPolicy: Invalid StartingPoint value"},
		{ordered, "ReplayPolicy", `{"PointType":"Timestamp","StartingPoint":"2026-01-02T00:00:00Z","EndingPoint":"2026-01-01T00:00:00Z"}`, "ReplayPolicy: Invalid EndingPoint value"},
		{ordered, "ReplayPolicy", `{"PointType":"Timestamp","StartingPoint":"2026-01-01T00:00:00Z"}`, "ReplayPolicy: Topic does not have an ArchivePolicy"},
	} {
		invalid(t, c.name+" "+c.value, b.setSub(c.sub, c.name, c.value), c.text)
		is := b.subscription(c.sub)
		invalid(t, c.name+" "+c.value+" of a new one", second(b.subscribe(is["TopicArn"], is["Protocol"], strings.Replace(is["Endpoint"], ":q", ":new", 1), map[string]string{c.name: c.value})), "Attributes Reason: "+c.text)
	}
	for _, name := range []string{"Unknown", "Owner", "ReplayPolicy"} {
		invalid(t, name, b.setSub(queue, name, "x"), "AttributeName")
	}
	err := b.setSub(queue, "FilterPolicy", "{invalid}")
	if err == nil || !strings.Contains(err.Error(), "Invalid parameter: FilterPolicy: failed to parse JSON. Unexpected character ('i' (code 105)): was expecting double-quote to start field name\n at [Source:") {
		t.Errorf("broken JSON: %v", err)
	}
	if err := b.setSub(queue, "FilterPolicyScope", "MessageBody"); err != nil {
		t.Fatal(err)
	}
	if err := b.setSub(queue, "FilterPolicy", `{"a":{"b":["c"]}}`); err != nil {
		t.Fatal(err)
	}
	invalid(t, "a scope that the policy does not fit", b.setSub(queue, "FilterPolicyScope", "MessageAttributes"), "Filter policy scope MessageAttributes does not support nested filter policy")
}

// A replay begins where there is an archive to read.
func TestReplayPolicy(t *testing.T) {
	b := start(t, sns.Options{})
	topic := b.createTopic("t.fifo", map[string]string{"FifoTopic": "true", "ArchivePolicy": `{"MessageRetentionPeriod":"1"}`})
	sub := must(b.subscribe(topic, "sqs", fifoARN, nil))(t)
	begin := b.topic(topic)["BeginningArchiveTime"]
	from := func(at string) string { return `{"PointType":"Timestamp","StartingPoint":"` + at + `"}` }
	if err := b.setSub(sub, "ReplayPolicy", from(begin)); err != nil {
		t.Error(err)
	}
	if got := b.subscription(sub); got["ReplayPolicy"] != from(begin) || got["ReplayStatus"] == "" {
		t.Errorf("the replay: %v", got)
	}
	if err := b.setSub(sub, "ReplayPolicy", "{}"); err != nil {
		t.Error(err)
	}
	if got := b.subscription(sub); got["ReplayPolicy"] != "" || got["ReplayStatus"] != "" {
		t.Errorf("no replay: %v", got)
	}
	for _, at := range []string{"2020-01-01T00:00:00.000Z", time.Now().Add(time.Hour).UTC().Format(time.RFC3339)} {
		invalid(t, at, b.setSub(sub, "ReplayPolicy", from(at)), "ReplayPolicy: Invalid StartingPoint value")
	}
}

// HTTP subscriptions tell the delivery policy that holds.
func TestEffectiveDeliveryPolicyOfSubscriptions(t *testing.T) {
	b := start(t, sns.Options{})
	topic := b.createTopic("t", map[string]string{"DeliveryPolicy": `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":5,"maxDelayTarget":9,"numRetries":7}}}`})
	sub := must(b.subscribe(topic, "https", site, nil))(t)
	if got := b.subscription(sub)["EffectiveDeliveryPolicy"]; !strings.Contains(got, `"minDelayTarget":5,"maxDelayTarget":9,"numRetries":7`) {
		t.Error(got)
	}
	if _, there := b.subscription(must(b.subscribe(topic, "sqs", queueARN, nil))(t))["EffectiveDeliveryPolicy"]; there {
		t.Error("a queue has a delivery policy")
	}
}

// Large messages go to queues and functions alone, and to no more than 100.
func TestLargeMessages(t *testing.T) {
	b := start(t, sns.Options{})
	const large = "262145"
	topic := b.createTopic("t", map[string]string{"MaximumMessageSize": large})
	const only = "MaximumMessageSize greater than 262144 bytes is not supported for the following protocol: [https]"
	invalid(t, "a web site", second(b.subscribe(topic, "https", site, nil)), only)
	must(b.subscribe(topic, "lambda", functionARN, nil))(t)
	for i := range 99 {
		must(b.subscribe(topic, "sqs", fmt.Sprint(queueARN, i), nil))(t)
	}
	const many = "A topic with MaximumMessageSize greater than 262144 bytes supports a maximum of 100 subscriptions"
	invalid(t, "one more", second(b.subscribe(topic, "sqs", queueARN, nil)), many)
	if err := b.set(topic, "MaximumMessageSize", "262144"); err != nil {
		t.Fatal(err)
	}
	must(b.subscribe(topic, "sqs", queueARN, nil))(t)
	invalid(t, "101 of them", b.set(topic, "MaximumMessageSize", large), many)
	other := b.createTopic("u", nil)
	must(b.subscribe(other, "https", site, nil))(t)
	invalid(t, "a web site that waits for its confirmation", b.set(other, "MaximumMessageSize", large), only)
}

func TestListSubscriptions(t *testing.T) {
	b := start(t, sns.Options{})
	ctx := t.Context()
	topic := b.createTopic("t", nil)
	b.createTopic("empty", nil)
	confirmed := must(b.subscribe(topic, "sqs", queueARN, nil))(t)
	must(b.subscribe(topic, "https", site, nil))(t)
	for i := range 99 {
		must(b.subscribe(topic, "sqs", fmt.Sprint(queueARN, i), nil))(t)
	}
	arns := map[string]int{}
	var token *string
	for n, more := range []int{100, 1} {
		page := must(b.ListSubscriptionsByTopic(ctx, &sdk.ListSubscriptionsByTopicInput{TopicArn: &topic, NextToken: token}))(t)
		mine := must(b.ListSubscriptions(ctx, &sdk.ListSubscriptionsInput{}))(t)
		if len(page.Subscriptions) != more || len(mine.Subscriptions) != 100 || (page.NextToken != nil) != (n == 0) {
			t.Errorf("page %d has %d and %d subscriptions", n, len(page.Subscriptions), len(mine.Subscriptions))
		}
		for _, s := range page.Subscriptions {
			if *s.TopicArn != topic || *s.Owner != account {
				t.Errorf("listed: %v", s)
			}
			arns[*s.SubscriptionArn]++
		}
		token = page.NextToken
	}
	if len(arns) != 101 || arns["PendingConfirmation"] != 1 || arns[confirmed] != 1 {
		t.Errorf("%d subscriptions: %v", len(arns), arns)
	}
	invalid(t, "a token of nobody's", second(b.ListSubscriptions(ctx, &sdk.ListSubscriptionsInput{NextToken: aws.String("x")})), "NextToken")
	if n := b.topic(topic); n["SubscriptionsConfirmed"] != "100" || n["SubscriptionsPending"] != "1" {
		t.Errorf("counted: %s, %s", n["SubscriptionsConfirmed"], n["SubscriptionsPending"])
	}
}

func TestSubscriptionQuotas(t *testing.T) {
	b := start(t, sns.Options{Quotas: sns.Quotas{Subscriptions: 3, FIFOSubscriptions: 1, Pending: 1, TopicFilters: 1, AccountFilters: 2}})
	topics := []string{b.createTopic("a", nil), b.createTopic("b", nil), b.createTopic("c", nil)}
	queued := b.createTopic("q.fifo", fifoTopic)
	filter := map[string]string{"FilterPolicy": `{"a":["b"]}`}
	const full, filters = "Subscription limit exceeded", "Filter policy limit exceeded"
	must(b.subscribe(topics[0], "https", site, nil))(t)
	refused(t, "a second one that waits", second(b.subscribe(topics[1], "https", site, nil)), "SubscriptionLimitExceeded", full)
	must(b.subscribe(topics[0], "sqs", queueARN, filter))(t)
	must(b.subscribe(topics[0], "sqs", queueARN, filter))(t)
	refused(t, "a second policy of the topic", second(b.subscribe(topics[0], "sqs", queueARN+"2", filter)), "FilterPolicyLimitExceeded", filters)
	second := must(b.subscribe(topics[0], "sqs", queueARN+"2", nil))(t)
	refused(t, "a second policy that is set", b.setSub(second, "FilterPolicy", filter["FilterPolicy"]), "FilterPolicyLimitExceeded", filters)
	_, err := b.subscribe(topics[0], "sqs", queueARN+"3", nil)
	refused(t, "a fourth subscription", err, "SubscriptionLimitExceeded", full)
	changed := must(b.subscribe(topics[1], "sqs", queueARN, filter))(t)
	_, err = b.subscribe(topics[2], "sqs", queueARN, filter)
	refused(t, "a third policy of the account", err, "FilterPolicyLimitExceeded", filters)
	if err := b.setSub(changed, "FilterPolicy", `{"a":["c"]}`); err != nil {
		t.Errorf("another policy in the place of one: %v", err)
	}
	must(b.subscribe(queued, "sqs", fifoARN, nil))(t)
	_, err = b.subscribe(queued, "sqs", queueARN, nil)
	refused(t, "a second subscription of a FIFO topic", err, "SubscriptionLimitExceeded", full)
}
