package queue_test

import (
	"testing"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/policy"
	"millrace/runtime/queue"
)

// Policies as AWS's documentation gives them to those who connect a topic, a bucket
// and a rule to a queue.
func TestServicesNeedAPolicy(t *testing.T) {
	const (
		sns, topic    = "sns.amazonaws.com", "arn:aws:sns:us-east-1:000000000000:topic"
		s3, bucket    = "s3.amazonaws.com", "arn:aws:s3:::bucket"
		events, rule  = "events.amazonaws.com", "arn:aws:events:us-east-1:000000000000:rule/r"
		owner, others = "000000000000", "111111111111"
		resource      = `"Resource":"arn:aws:sqs:us-east-1:000000000000:q"`
		toTopic       = `{"Statement":{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage",` + resource + `,"Condition":{"ArnEquals":{"aws:SourceArn":"` + topic + `"}}}}`
		toBucket      = `{"Statement":{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"SQS:SendMessage",` + resource + `,"Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:s3:*:*:bucket"},"StringEquals":{"aws:SourceAccount":"000000000000"}}}}`
		toRule        = `{"Statement":{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage",` + resource + `,"Condition":{"ArnEquals":{"aws:SourceArn":"` + rule + `"}}}}`
		denied        = `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"},{"Effect":"Deny","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:*","Resource":"*"}]}`
	)
	id := queue.ID{Account: owner, Region: "us-east-1", Name: "q"}
	var access, off queue.Access
	off.Off = true
	for _, c := range []struct {
		rule, policy, service, source, account string
		want                                   fault.Code
	}{
		{"no policy", "", sns, topic, owner, fault.Denied},
		{"no policy that can be read", "{", sns, topic, owner, fault.Denied},
		{"a topic", toTopic, sns, topic, owner, ""},
		{"another topic", toTopic, sns, topic + "2", owner, fault.Denied},
		{"another service in its name", toTopic, s3, topic, owner, fault.Denied},
		{"a bucket", toBucket, s3, bucket, owner, ""},
		{"a bucket of another account", toBucket, s3, bucket, others, fault.Denied},
		{"a rule", toRule, events, rule, owner, ""},
		{"a rule, of another name", toRule, events, rule + "/2", owner, fault.Denied},
		{"a deny", denied, sns, topic, owner, fault.Denied},
		{"everybody", denied, s3, bucket, owner, ""},
	} {
		cfg := queue.Config{Texts: map[string]string{queue.PolicyText: c.policy}}
		ask := func(a *queue.Access) fault.Code {
			context := policy.ServiceContext(c.service, policy.Source{ARN: c.source, Account: c.account}, "us-east-1", time.Now())
			return fault.Of(a.Authorize(id, cfg, policy.ServicePrincipal(c.service), "sqs:SendMessage", context))
		}
		for range 2 { // the second answer comes from the cache
			if got := ask(&access); got != c.want {
				t.Errorf("%s: got %q, want %q", c.rule, got, c.want)
			}
		}
		if got := ask(&off); got != "" {
			t.Errorf("%s: %q, though policies are off", c.rule, got)
		}
	}
}
