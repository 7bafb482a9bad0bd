package policy_test

import (
	"errors"
	"strings"
	"testing"

	"millrace/runtime/fault"
	"millrace/runtime/policy"
)

// Whatever a stranger writes is refused as invalid or understood, and what is
// understood can be asked; a deny for everybody in front of it has the last word.
func FuzzParseAndEvaluate(f *testing.F) {
	for _, text := range []string{
		one(``), one(`"NotPrincipal":{"AWS":["222222222222","arn:aws:sts::222222222222:assumed-role/worker/monday"]}`),
		one(`"Principal":{"Service":"sns.amazonaws.com"},"Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:*:*"}}`),
		one(`"Resource":"arn:aws:sqs:::${aws:username, 'x'}${*}"`),
		condition("ForAllValues:StringNotLikeIfExists", "aws:SourceAccount", `["a*?b*","${aws:username}"]`),
		condition("DateLessThan", "aws:CurrentTime", `"2026-03-01T00:00:00.5+01:00"`), condition("NotIpAddress", "aws:SourceIp", `"::/0"`),
		`{"Statement":[{"Effect":"Deny"}]}`,
	} {
		f.Add(text, "sqs:SendMessage", queueARN, "aws:SourceArn", "arn:aws:sns:us-east-1:111111111111:topic")
	}
	f.Fuzz(func(t *testing.T, text, action, resource, key, value string) {
		d, err := policy.Parse(text)
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		r := policy.Request{Principal: session, Action: action, Resource: resource, Context: map[string][]string{
			key: {value}, "aws:username": {"alice"}, "aws:CurrentTime": {value}, "aws:SourceIp": {value},
		}}
		first := d.Evaluate(r)
		if again := d.Evaluate(r); again != first {
			t.Fatalf("%v, then %v", first, again)
		}
		if i := strings.Index(text, `"Statement":[`); i >= 0 && strings.HasPrefix(text, `{"Statement":[`) {
			denied, err := policy.Parse(text[:14] + `{"Effect":"Deny","Principal":"*","Action":"*"},` + text[14:])
			if err == nil && denied.Evaluate(r) != policy.Denied {
				t.Fatal("a deny was not heard")
			}
		}
	})
}

// Typical is what SNS's documentation tells to put on a queue, with a deny of
// connections that are not encrypted.
func BenchmarkEvaluate(b *testing.B) {
	d := mustParse(b, `{"Version":"2012-10-17","Statement":[
		{"Sid":"tls","Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"`+queueARN+`","Condition":{"Bool":{"aws:SecureTransport":"false"}}},
		{"Sid":"sns","Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"`+queueARN+`",
			"Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:sns:us-east-1:111111111111:*"}}},
		{"Sid":"friends","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::222222222222:role/worker","333333333333"]},
			"Action":["sqs:SendMessage","sqs:Get*"],"Resource":"`+queueARN+`","Condition":{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","127.0.0.0/8"]}}}]}`)
	r := send(session)
	r.Context = map[string][]string{
		"aws:SecureTransport": {"true"}, "aws:SourceIp": {"127.0.0.1"}, "aws:UserAgent": {"aws-cli"}, "aws:PrincipalAccount": {"222222222222"},
		"aws:CurrentTime": {"2026-03-01T00:00:00Z"}, "aws:EpochTime": {"1772323200"}, "aws:PrincipalArn": {session.ARN}, "aws:PrincipalType": {"AssumedRole"},
	}
	if got := d.Evaluate(r); got != policy.Allowed {
		b.Fatal(got)
	}
	b.ReportAllocs()
	for b.Loop() {
		d.Evaluate(r)
	}
}
