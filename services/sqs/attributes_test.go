package sqs

import (
	"strings"
	"testing"

	"millrace/runtime/queue"
)

// Each attribute with what it may be and what it may not, on both kinds of queues.
func TestAttributeRanges(t *testing.T) {
	const (
		value   = "InvalidAttributeValue: Invalid value for the parameter NAME."
		unknown = "InvalidAttributeName: Unknown Attribute NAME."
		only    = "InvalidAttributeName: You can specify the NAME only when FifoQueue is set to true."
		modify  = "InvalidAttributeValue: Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported."
	)
	numbers := []string{"", " 1", "1 ", "+1", "-1", "1.0", "1e2", "0x10", "1_0", "ten", "true", "99999999999999999999", "１"}
	words := []string{"", "yes", "1", " true", "null"}
	for _, c := range []struct {
		name      string
		good, bad []string
		standard  string // the error on a standard queue, "" for none
		fifo      string // on a FIFO queue
		of        string // the error of bad values
	}{
		{"DelaySeconds", []string{"0", "900", "007"}, append(numbers, "901"), "", "", value},
		{"MaximumMessageSize", []string{"1024", "262144", "1048576"}, append(numbers, "1023", "1048577"), "", "", value},
		{"MessageRetentionPeriod", []string{"60", "1209600"}, append(numbers, "59", "1209601"), "", "", value},
		{"ReceiveMessageWaitTimeSeconds", []string{"0", "20"}, append(numbers, "21"), "", "", value},
		{"VisibilityTimeout", []string{"0", "43200"}, append(numbers, "43201"), "", "", value},
		{"KmsDataKeyReusePeriodSeconds", []string{"60", "86400"}, append(numbers, "59", "86401"), "", "", value},
		{"KmsMasterKeyId", []string{"", "alias/aws/sqs", "arn:aws:kms:us-east-1:000000000000:key/k"}, nil, "", "", ""},
		{"SqsManagedSseEnabled", []string{"true", "false", "True", "FALSE"}, words, "", "", value},
		{"ContentBasedDeduplication", []string{"true", "false", "True"}, words, unknown, "", value},
		{"DeduplicationScope", []string{"queue", "messageGroup"}, []string{"", "Queue", "messagegroup", "perQueue"}, only, "", value},
		{"FifoThroughputLimit", []string{"perQueue"}, []string{"", "perqueue", "queue"}, only, "", value},
		{"FifoThroughputLimit", nil, []string{"perMessageGroupId"}, only, "",
			"InvalidAttributeValue: Invalid value for the parameter NAME. Reason: To set NAME to perMessageGroupId, the DeduplicationScope must be messageGroup."},
		{"FifoQueue", []string{"true", "True"}, words, unknown, "", value},
		{"FifoQueue", nil, []string{"false", "False"}, "", "", modify},
		{"Policy", []string{"", `{"Statement":{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}}`}, []string{"x", "[]", "{}", "null", "1"}, "", "", value},
		{"RedriveAllowPolicy", []string{"", `{"redrivePermission":"denyAll"}`}, []string{"x", "[]", "{}", "null", "1", `{"redrivePermission":"denyall"}`, `{"redrivePermission":"denyAll","x":1}`, `{"RedrivePermission":"denyAll"}`}, "", "",
			"InvalidAttributeValue: Invalid value for the parameter NAME. Reason: Amazon SQS can't create the redrive allow policy, as it’s in an unsupported format."},
		{"RedrivePolicy", []string{""}, []string{"x", "[]", "null", "1"}, "", "",
			"InvalidAttributeValue: Invalid value for the parameter NAME. Reason: Redrive policy is not a valid JSON map."},
		{"ApproximateNumberOfMessages", nil, []string{"0", "1"}, unknown, unknown, ""},
		{"ApproximateNumberOfMessagesDelayed", nil, []string{"0", "1"}, unknown, unknown, ""},
		{"ApproximateNumberOfMessagesNotVisible", nil, []string{"0", "1"}, unknown, unknown, ""},
		{"CreatedTimestamp", nil, []string{"0", "1"}, unknown, unknown, ""},
		{"LastModifiedTimestamp", nil, []string{"0", "1"}, unknown, unknown, ""},
		{"QueueArn", nil, []string{"", "x"}, unknown, unknown, ""},
		{"All", nil, []string{"x"}, unknown, unknown, ""},
		{"", nil, []string{"x"}, unknown, unknown, ""},
		{"delayseconds", nil, []string{"1"}, unknown, unknown, ""},
	} {
		for _, kind := range []struct{ name, refused string }{{"q", c.standard}, {"q.fifo", c.fifo}} {
			id := queue.ID{Account: "000000000000", Region: "us-east-1", Name: kind.name}
			try := func(value, want string) {
				t.Helper()
				cfg := fresh(created)
				err := apply(&cfg, id, map[string]string{c.name: value}, nil)
				got := ""
				if err != nil {
					got = err.Error()
				}
				if want = strings.ReplaceAll(want, "NAME", c.name); got != want {
					t.Errorf("%s %s=%q: got %q, want %q", kind.name, c.name, value, got, want)
				}
				if d := difference(id, fresh(created), cfg); err != nil && d != "" {
					t.Errorf("%s %s=%q was refused, but set %s", kind.name, c.name, value, d)
				}
			}
			if c.name == "FifoQueue" && c.good == nil && kind.name == "q" {
				continue // a standard queue has no such attribute, above
			}
			for _, v := range c.good {
				try(v, kind.refused)
			}
			for _, v := range c.bad {
				want := c.of
				if kind.refused != "" {
					want = kind.refused
				}
				try(v, want)
			}
		}
	}
}

// A RedriveAllowPolicy comes back as AWS writes it: without what was null.
func TestRedriveAllowPolicyText(t *testing.T) {
	const arn = "arn:aws:sqs:us-east-1:000000000000:a&b"
	for _, c := range []struct{ in, want string }{
		{`{"redrivePermission":"denyAll","sourceQueueArns":null}`, `{"redrivePermission":"denyAll"}`},
		{`{ "sourceQueueArns": null, "redrivePermission": "allowAll" }`, `{"redrivePermission":"allowAll"}`},
		{`{"redrivePermission":"denyAll"}`, `{"redrivePermission":"denyAll"}`},
		{`{"redrivePermission":"byQueue","sourceQueueArns":["` + arn + `"]}`, `{"redrivePermission":"byQueue","sourceQueueArns":["` + arn + `"]}`},
		{``, ``},
	} {
		cfg := fresh(created)
		if err := apply(&cfg, queue.ID{Name: "q"}, map[string]string{redriveAllow: c.in}, nil); err != nil {
			t.Fatal(err)
		}
		if got := cfg.Texts[redriveAllow]; got != c.want {
			t.Errorf("%s became %s, want %s", c.in, got, c.want)
		}
	}
}

// The form of the URLs that are handed out, by the host that was called.
func TestURLForms(t *testing.T) {
	near := queue.ID{Account: "000000000000", Region: "us-east-1", Name: "q"}
	far := queue.ID{Account: "000000000000", Region: "eu-west-1", Name: "q"}
	for _, c := range []struct {
		form URLForm
		host string
		path string
		id   queue.ID
		want string
	}{
		{"", "localhost:4566", "/", near, "http://localhost:4566/000000000000/q"},
		{PlainURLs, "127.0.0.1:4566", "/", far, "http://127.0.0.1:4566/000000000000/q"},
		{StandardURLs, "localhost:4566", "/", near, "http://sqs.us-east-1.localhost:4566/000000000000/q"},
		{StandardURLs, "127.0.0.1:4566", "/", far, "http://sqs.eu-west-1.localhost:4566/000000000000/q"},
		{StandardURLs, "[::1]:4566", "/", far, "http://sqs.eu-west-1.localhost:4566/000000000000/q"},
		{StandardURLs, "sqs.us-east-1.localhost:4566", "/", far, "http://sqs.eu-west-1.localhost:4566/000000000000/q"},
		{StandardURLs, "host", "/", near, "http://sqs.us-east-1.host/000000000000/q"},
		{DomainURLs, "localhost:4566", "/", near, "http://queue.localhost:4566/000000000000/q"},
		{DomainURLs, "localhost:4566", "/", far, "http://eu-west-1.queue.localhost:4566/000000000000/q"},
		{DomainURLs, "eu-west-1.queue.localhost:4566", "/", near, "http://queue.localhost:4566/000000000000/q"},
		{DomainURLs, "queue.localhost:4566", "/", far, "http://eu-west-1.queue.localhost:4566/000000000000/q"},
		{PathURLs, "localhost:4566", "/", far, "http://localhost:4566/queue/eu-west-1/000000000000/q"},
		{PathURLs, "sqs.eu-west-1.localhost:4566", "/", near, "http://localhost:4566/queue/us-east-1/000000000000/q"},
		{DynamicURLs, "localhost:4566", "/", far, "http://localhost:4566/000000000000/q"},
		{DynamicURLs, "sqs.eu-west-1.localhost:4566", "/", far, "http://sqs.eu-west-1.localhost:4566/000000000000/q"},
		{DynamicURLs, "eu-west-1.queue.localhost:4566", "/", far, "http://eu-west-1.queue.localhost:4566/000000000000/q"},
		{DynamicURLs, "localhost:4566", "/queue/eu-west-1/000000000000/other", far, "http://localhost:4566/queue/eu-west-1/000000000000/q"},
	} {
		at := caller
		at.Host, at.Path, at.Region = c.host, c.path, c.id.Region
		got := c.form.url(at, c.id)
		if got != c.want {
			t.Errorf("%s at %s%s: got %s, want %s", c.form, c.host, c.path, got, c.want)
		}
		if id, ok := parseURL(at, got); !ok || id != c.id {
			t.Errorf("%s names %v, want %v", got, id, c.id)
		}
	}
}
