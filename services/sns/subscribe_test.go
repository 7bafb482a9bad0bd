package sns_test

import (
	"maps"
	"strings"
	"testing"

	"millrace/services/sns"
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
