package sqs

import (
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"testing"
	"time"

	"millrace/runtime/queue"
	"millrace/services/internal/wire"
)

// A URL that is read names a queue whose own URL reads the same.
func FuzzParseURL(f *testing.F) {
	for _, text := range []string{"", "/", "q.fifo", "http://localhost:4566/000000000000/q", "https://sqs.us-west-2.amazonaws.com/000000000000/q/",
		"http://eu-west-1.queue.localhost/000000000000/q", "/queue/eu-west-1/000000000000/q", "http://[::1]:4566/000000000000/q", "http://%zz/000000000000/q",
		"http:///000000000000/q", "http://localhost:/000000000000//q", "http://a:b:1/000000000000/q", "0000000000%0/0"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if host, path, ok := cutURL(text); ok {
			if u, err := url.Parse(text); err != nil || u.Hostname() != host || u.Path != path {
				t.Fatalf("%q is cut into %q and %q; package url reads %v, %v", text, host, path, u, err)
			}
		}
		id, ok := parseURL(caller, text)
		if !ok {
			return
		}
		if queueName(id.Name, id.FIFO()) != nil {
			return // no queue has that name
		}
		c := caller
		c.Region = id.Region
		if again, ok := parseURL(c, PlainURLs.url(c, id)); !ok || again != id {
			t.Errorf("%q names %v, whose URL names %v", text, again, id)
		}
	})
}

// Attributes are taken or refused with an error of AWS's, never half; and what is
// taken can be set again and changes nothing.
func FuzzAttributes(f *testing.F) {
	const target = `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":"3"}`
	for name, value := range map[string]string{
		"DelaySeconds": "900", "VisibilityTimeout": "007", "Policy": `{"Statement":{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}}`, "RedrivePolicy": target,
		"RedriveAllowPolicy": `{"redrivePermission":"byQueue","sourceQueueArns":["arn:aws:sqs:us-east-1:000000000000:q"]}`,
		"KmsMasterKeyId":     "alias/k", "KmsDataKeyReusePeriodSeconds": "60", "SqsManagedSseEnabled": "True", "FifoQueue": "false", "DeduplicationScope": "messageGroup", "Colour": "red",
	} {
		f.Add(name, value, true)
		f.Add(name, value, false)
	}
	f.Add("RedriveAllowPolicy", `{"redrivePermission":"allowAll"}}`, false)
	f.Fuzz(func(t *testing.T, name, value string, fifo bool) {
		id := queue.ID{Account: "000000000000", Region: "us-east-1", Name: pick(fifo, "q.fifo", "q")}
		there := func(queue.ID) (allowed, exists bool) { return true, true }
		before := fresh(time.Unix(0, 0))
		after := before
		given := map[string]string{name: value}
		if err := apply(&after, id, given, there); err != nil {
			var e *wire.Error
			if !errors.As(err, &e) || e.Status != 400 {
				t.Errorf("%s=%q: %v is no answer of AWS's", name, value, err)
			}
			if d := difference(id, before, after); d != "" {
				t.Errorf("%s=%q was refused, but %s changed", name, value, d)
			}
			return
		}
		again := after
		if err := apply(&again, id, given, there); err != nil {
			t.Errorf("%s=%q was taken once, then: %v", name, value, err)
		}
		if d := difference(id, after, again); d != "" {
			t.Errorf("%s=%q set again changed %s", name, value, d)
		}
		if isPolicy := name == policyAttribute || name == redrive || name == redriveAllow; isPolicy && value != "" && !json.Valid([]byte(value)) {
			t.Errorf("%s=%q was taken for JSON", name, value)
		}
	})
}

// What is taken for a number, the receivers can read as one.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{"0", "-1.5", "1e126", "1e-129", "0x1p-2", "1_0", "+.5e+3", "1e999999999", "00000000000000000000000000000000000000001"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := strconv.ParseFloat(s, 64); isNumber(s) && err != nil {
			t.Errorf("%q was taken for a number: %v", s, err)
		}
	})
}
