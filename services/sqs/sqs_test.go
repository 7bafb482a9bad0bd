package sqs

import (
	"strings"
	"testing"
	"time"

	"millrace/runtime/queue"
	"millrace/services/internal/identity"
)

var caller = identity.Caller{Account: "000000000000", Region: "eu-west-1", Host: "localhost:4566"}

func TestQueueURLForms(t *testing.T) {
	for _, c := range []struct{ rule, url, region, account, name string }{
		{"plain", "http://localhost:4566/111111111111/q", "eu-west-1", "111111111111", "q"},
		{"with a slash", "http://localhost:4566/111111111111/q/", "eu-west-1", "111111111111", "q"},
		{"standard", "http://sqs.ap-south-1.localhost:4566/111111111111/q", "ap-south-1", "111111111111", "q"},
		{"AWS's own", "https://sqs.us-west-2.amazonaws.com/111111111111/q", "us-west-2", "111111111111", "q"},
		{"domain", "http://us-west-1.queue.localhost:4566/111111111111/q", "us-west-1", "111111111111", "q"},
		{"domain without region", "http://queue.localhost:4566/111111111111/q", "us-east-1", "111111111111", "q"},
		{"path", "http://localhost:4566/queue/us-west-1/111111111111/q", "us-west-1", "111111111111", "q"},
		{"a host that is called queue", "http://queue:4566/111111111111/q", "eu-west-1", "111111111111", "q"},
		{"a host that is called queue somewhere", "http://prod.queue.internal/111111111111/q", "eu-west-1", "111111111111", "q"},
		{"bare name", "q.fifo", "eu-west-1", "000000000000", "q.fifo"},
		{"path of a request", "/111111111111/q", "eu-west-1", "111111111111", "q"},
	} {
		got, ok := parseURL(caller, c.url)
		want := queue.ID{Account: c.account, Region: c.region, Name: c.name}
		if !ok || got != want {
			t.Errorf("%s: got %v %v, want %v", c.rule, got, ok, want)
		}
	}
	for _, url := range []string{"", "/", "http://localhost:4566/", "http://localhost:4566", "http://localhost:4566/a/b/c", "http://localhost:4566/short/q", "http://localhost:4566/00000000000x/q", "http://localhost:4566/000000000000/"} {
		if id, ok := parseURL(caller, url); ok {
			t.Errorf("%q names no queue, but was read as %v", url, id)
		}
	}
}

// A query request without QueueUrl names the queue by its own path and host.
func TestQueueOfTheRequest(t *testing.T) {
	for _, c := range []struct{ host, path, region string }{
		{"localhost:4566", "/000000000000/q", "eu-west-1"},
		{"sqs.us-west-2.localhost:4566", "/000000000000/q/", "us-west-2"},
		{"us-west-1.queue.localhost:4566", "/000000000000/q", "us-west-1"},
		{"localhost:4566", "/queue/ap-south-1/000000000000/q", "ap-south-1"},
	} {
		at := caller
		at.Host, at.Path = c.host, c.path
		want := queue.ID{Account: "000000000000", Region: c.region, Name: "q"}
		if got, err := address(at, ""); err != nil || got != want {
			t.Errorf("%s%s: got %v %v, want %v", c.host, c.path, got, err, want)
		}
	}
}

func TestQueueURLRoundTrip(t *testing.T) {
	id := queue.ID{Account: "111111111111", Region: "eu-west-1", Name: "orders.fifo"}
	if got, ok := parseURL(caller, PlainURLs.url(caller, id)); !ok || got != id {
		t.Errorf("got %v %v, want %v", got, ok, id)
	}
}

func TestBodyCharacters(t *testing.T) {
	for text, want := range map[string]bool{
		"plain": true, "tab\tline\ncr\r": true, "ünïcödé 😀": true, "\uE000\uFFFD": true,
		"\x00": false, "\x1f": false, "\uFFFE": false, "\uFFFF": false, "\xff": false, "\xed\xa0\x80": false,
	} {
		if _, bad := badCharacter(text); bad == want {
			t.Errorf("%q: bad is %v", text, bad)
		}
	}
}

func TestAttributeNumbers(t *testing.T) {
	for text, want := range map[string]bool{
		"0": true, "-1.5": true, "1e10": true, "+3": true, "1e126": true, "1e-128": true, ".5": true,
		strings.Repeat("9", 38): true, strings.Repeat("9", 39): false, "1e127": false, "1e-129": false,
		"": false, "abc": false, "0x10": false, "1_000": false, "Inf": false, "1e": false, "--1": false,
	} {
		if got := isNumber(text); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}

func TestQueueNames(t *testing.T) {
	for _, c := range []struct {
		name string
		fifo bool
		ok   bool
	}{
		{"orders", false, true}, {strings.Repeat("a", 80), false, true}, {strings.Repeat("a", 75) + ".fifo", true, true},
		{strings.Repeat("a", 81), false, false}, {strings.Repeat("a", 76) + ".fifo", true, false},
		{"orders.fifo", false, false}, {"orders", true, false}, {".fifo", true, false}, {"", false, false}, {"a b", false, false}, {"ä", false, false},
	} {
		if err := queueName(c.name, c.fifo); (err == nil) != c.ok {
			t.Errorf("%q, FIFO %v: got %v, want ok %v", c.name, c.fifo, err, c.ok)
		}
	}
}

// All attributes of a request are set or none is.
func TestAttributesAreSetTogether(t *testing.T) {
	id := queue.ID{Account: "000000000000", Region: "us-east-1", Name: "q"}
	before := fresh(time.Unix(0, 0))
	after := before
	if err := apply(&after, id, map[string]string{"DelaySeconds": "5", "VisibilityTimeout": "43201"}, nil); err == nil {
		t.Fatal("a visibility of 43201 was taken")
	}
	if after.Delay != before.Delay {
		t.Errorf("the delay was set although the request failed")
	}
}

func TestRedrivePolicies(t *testing.T) {
	source := queue.ID{Account: "000000000000", Region: "us-east-1", Name: "q"}
	check := func(id queue.ID) (bool, bool) { return id.Name != "denies", id.Name != "missing" }
	const target = `"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead"`
	prefix := func(policy string) string {
		return "Value " + policy + " for parameter RedrivePolicy is invalid. Reason: "
	}
	for _, c := range []struct{ rule, policy, text string }{
		{"number", `{` + target + `,"maxReceiveCount":3}`, ""},
		{"text", `{` + target + `,"maxReceiveCount":"1000"}`, ""},
		{"none", ``, ""},
		{"no count", `{` + target + `}`, "Redrive policy does not contain mandatory attribute: maxReceiveCount."},
		{"neither", `{}`, "Redrive policy does not contain mandatory attribute: maxReceiveCount."},
		{"no target", `{"maxReceiveCount":3}`, "Redrive policy does not contain mandatory attribute: deadLetterTargetArn."},
		{"zero", `{` + target + `,"maxReceiveCount":0}`, "Invalid value for maxReceiveCount: 0, valid values are from 1 to 1000 both inclusive."},
		{"too many", `{` + target + `,"maxReceiveCount":"1001"}`, "Invalid value for maxReceiveCount: 1001, valid values are from 1 to 1000 both inclusive."},
		{"a topic", `{"deadLetterTargetArn":"arn:aws:sns:us-east-1:000000000000:t","maxReceiveCount":3}`, "Only SQS queues are valid resources for deadLetterTargetArn."},
		{"missing", `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:missing","maxReceiveCount":3}`, "Dead letter target does not exist."},
		{"FIFO for standard", `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead.fifo","maxReceiveCount":3}`, "Dead-letter queue must be same type of queue as the source.."},
		{"more members", `{` + target + `,"maxReceiveCount":3,"x":1}`, "Only following attributes are supported: [maxReceiveCount, deadLetterTargetArn]."},
	} {
		_, err := parseRedrive(source, c.policy, check)
		got := ""
		if err != nil {
			got = strings.TrimPrefix(err.Error(), "InvalidParameterValueException: "+prefix(c.policy))
		}
		if got != c.text {
			t.Errorf("%s: got %q, want %q", c.rule, got, c.text)
		}
	}
	if _, err := parseRedrive(source, `[]`, check); err == nil || !strings.HasSuffix(err.Error(), "Redrive policy is not a valid JSON map.") {
		t.Errorf("a list: got %v", err)
	}
}

func TestEncryptionAttributes(t *testing.T) {
	id := queue.ID{Account: "000000000000", Region: "us-east-1", Name: "q"}
	cfg := fresh(time.Unix(0, 0))
	set := func(attributes map[string]string) error { return apply(&cfg, id, attributes, nil) }
	if err := set(map[string]string{kmsKey: "alias/k", sse: "true"}); err == nil {
		t.Error("both kinds of encryption at once were taken")
	}
	if err := set(map[string]string{kmsKey: "alias/k"}); err != nil || cfg.Texts[sse] != "false" || cfg.Texts[kmsReuse] != "300" {
		t.Errorf("with a key: %v, %v", cfg.Texts, err)
	}
	if err := set(map[string]string{kmsKey: "", kmsReuse: "300"}); err != nil || len(cfg.Texts) != 1 || cfg.Texts[sse] != "false" {
		t.Errorf("without it again: %v, %v; want SqsManagedSseEnabled=false alone", cfg.Texts, err)
	}
}
