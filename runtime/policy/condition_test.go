package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"millrace/runtime/policy"
)

// condition is a document that lets everybody do everything under a condition.
func condition(operator, key, values string) string {
	return one(fmt.Sprintf(`"Action":"*","Resource":"*","Condition":{%q:{%q:%s}}`, operator, key, values))
}

// none is the context in which a key is not there.
const none = "\x00"

// Each row is an operator, the value in the policy, the values of the request's
// key (separated by bars), and whether the condition holds.
func TestOperators(t *testing.T) {
	for _, c := range []struct {
		operator, wanted, got string
		holds                 bool
	}{
		{"StringEquals", `"a"`, "a", true},
		{"StringEquals", `"a"`, "A", false},
		{"StringEquals", `"a*"`, "ab", false},
		{"StringEquals", `"a*"`, "a*", true},
		{"StringEquals", `["a","b"]`, "b", true},
		{"StringEquals", `["a","b"]`, "c", false},
		{"StringEquals", `"a"`, none, false},
		{"StringEquals", `7`, "7", true},
		{"StringEquals", `true`, "true", true},
		{"StringNotEquals", `"a"`, "b", true},
		{"StringNotEquals", `"a"`, "a", false},
		{"StringNotEquals", `["a","b"]`, "b", false},
		{"StringNotEquals", `["a","b"]`, "c", true},
		{"StringNotEquals", `"a"`, none, true},
		{"StringNotEquals", `"a"`, "b|a", false},
		{"StringEqualsIgnoreCase", `"Straße"`, "STRAßE", true},
		{"StringEqualsIgnoreCase", `"a"`, "b", false},
		{"StringNotEqualsIgnoreCase", `"a"`, "A", false},
		{"StringNotEqualsIgnoreCase", `"a"`, "b", true},
		{"StringNotEqualsIgnoreCase", `"a"`, none, true},
		{"StringLike", `"a*"`, "abc", true},
		{"StringLike", `"a*"`, "Abc", false},
		{"StringLike", `"a?c"`, "abc", true},
		{"StringLike", `"a?c"`, "ac", false},
		{"StringLike", `"?"`, "é", true},
		{"StringLike", `"??"`, "é", false},
		{"StringLike", `"*"`, "", true},
		{"StringLike", `"*"`, none, false},
		{"StringLike", `"*.example.com"`, "a.b.example.com", true},
		{"StringLike", `"a*b*c"`, "a-b-b-c", true},
		{"StringLike", `"a*b*c"`, "a-c-b", false},
		{"StringNotLike", `"a*"`, "abc", false},
		{"StringNotLike", `"a*"`, "bc", true},
		{"StringNotLike", `"a*"`, none, true},

		{"NumericEquals", `"10"`, "10.0", true},
		{"NumericEquals", `10`, "10", true},
		{"NumericEquals", `"10"`, "11", false},
		{"NumericEquals", `"10"`, "ten", false},
		{"NumericEquals", `"10"`, none, false},
		{"NumericNotEquals", `"10"`, "11", true},
		{"NumericNotEquals", `"10"`, "10", false},
		{"NumericNotEquals", `"10"`, none, true},
		{"NumericLessThan", `"10"`, "9.5", true},
		{"NumericLessThan", `"10"`, "10", false},
		{"NumericLessThanEquals", `"10"`, "10", true},
		{"NumericLessThanEquals", `"10"`, "10.1", false},
		{"NumericGreaterThan", `"-1"`, "0", true},
		{"NumericGreaterThan", `"10"`, "10", false},
		{"NumericGreaterThanEquals", `"10"`, "10", true},
		{"NumericGreaterThanEquals", `"10"`, "9", false},

		{"DateEquals", `"2026-03-01T00:00:00Z"`, "2026-03-01T01:00:00+01:00", true},
		{"DateEquals", `"2026-03-01"`, "2026-03-01T00:00:00Z", true},
		{"DateEquals", `"1772323200"`, "2026-03-01T00:00:00Z", true},
		{"DateEquals", `"2026-03-01T00:00:00Z"`, "1772323200", true},
		{"DateEquals", `"2026"`, "2026-01-01T00:00Z", true},
		{"DateEquals", `"2026-03-01"`, "soon", false},
		{"DateNotEquals", `"2026-03-01"`, "2026-03-02T00:00:00Z", true},
		{"DateNotEquals", `"2026-03-01"`, "2026-03-01T00:00:00Z", false},
		{"DateNotEquals", `"2026-03-01"`, none, true},
		{"DateLessThan", `"2026-03-01T12:00:00.5Z"`, "2026-03-01T12:00:00.4Z", true},
		{"DateLessThan", `"2026-03-01"`, "2026-03-01T00:00:00Z", false},
		{"DateLessThanEquals", `"2026-03-01"`, "2026-03-01T00:00:00Z", true},
		{"DateLessThanEquals", `"2026-03-01"`, "2026-03-01T00:00:01Z", false},
		{"DateGreaterThan", `"2026-03-01"`, "2026-03-01T00:00:01Z", true},
		{"DateGreaterThan", `"2026-03-01"`, none, false},
		{"DateGreaterThanEquals", `"2026-03-01"`, "2026-03-01T00:00:00Z", true},
		{"DateGreaterThanEquals", `"2026-03-01"`, "2026-02-28T23:59:59Z", false},

		{"Bool", `"true"`, "true", true},
		{"Bool", `true`, "true", true},
		{"Bool", `"True"`, "true", true},
		{"Bool", `"true"`, "false", false},
		{"Bool", `"false"`, none, false},
		{"BinaryEquals", `"aGVsbG8="`, "hello", true},
		{"BinaryEquals", `"aGVsbG8="`, "hallo", false},

		{"IpAddress", `"203.0.113.0/24"`, "203.0.113.191", true},
		{"IpAddress", `"203.0.113.0/24"`, "203.0.114.1", false},
		{"IpAddress", `"203.0.113.7/24"`, "203.0.113.191", true},
		{"IpAddress", `"127.0.0.1"`, "127.0.0.1", true},
		{"IpAddress", `"127.0.0.1"`, "::ffff:127.0.0.1", true},
		{"IpAddress", `"::ffff:127.0.0.1"`, "127.0.0.1", true},
		{"IpAddress", `"::ffff:10.0.0.0/104"`, "::ffff:10.1.2.3", true},
		{"IpAddress", `"::ffff:10.0.0.0/104"`, "11.1.2.3", false},
		{"IpAddress", `"2001:db8::/32"`, "2001:db8:1::1", true},
		{"IpAddress", `"0.0.0.0/0"`, "2001:db8::1", false},
		{"IpAddress", `["10.0.0.0/8","127.0.0.0/8"]`, "127.0.0.1", true},
		{"IpAddress", `"0.0.0.0/0"`, "here", false},
		{"IpAddress", `"0.0.0.0/0"`, none, false},
		{"NotIpAddress", `"10.0.0.0/8"`, "11.0.0.1", true},
		{"NotIpAddress", `"10.0.0.0/8"`, "10.0.0.1", false},
		{"NotIpAddress", `["10.0.0.0/8","127.0.0.0/8"]`, "127.0.0.1", false},
		{"NotIpAddress", `"10.0.0.0/8"`, none, true},

		{"ArnEquals", `"arn:aws:sns:us-east-1:111111111111:topic"`, "arn:aws:sns:us-east-1:111111111111:topic", true},
		{"ArnEquals", `"arn:aws:sns:*:*:top*"`, "arn:aws:sns:us-east-1:111111111111:topic", true},
		{"ArnLike", `"arn:aws:sns:us-east-?:111111111111:*"`, "arn:aws:sns:us-east-1:111111111111:topic:with:colons", true},
		{"ArnLike", `"arn:aws:sns:us-east-1:111111111111:Topic"`, "arn:aws:sns:us-east-1:111111111111:topic", false},
		{"ArnLike", `"arn:aws:sns:*:topic"`, "arn:aws:sns:us-east-1:111111111111:topic", false}, // a star ends with its part
		{"ArnLike", `"arn:aws:*"`, "arn:aws:sns:us-east-1:111111111111:topic", false},
		{"ArnLike", `"*"`, "arn:aws:sns:us-east-1:111111111111:topic", true},
		{"ArnLike", `"*"`, "topic", false},
		{"ArnLike", `"arn:aws:s3:::bucket"`, "arn:aws:s3:::bucket", true},
		{"ArnLike", `"arn:aws:s3:*:*:bucket"`, "arn:aws:s3:::bucket", true},
		{"ArnLike", `"arn:aws:s3:::bucket"`, none, false},
		{"ArnNotEquals", `"arn:aws:s3:::bucket"`, "arn:aws:s3:::bucket2", true},
		{"ArnNotEquals", `"arn:aws:s3:::bucket"`, "arn:aws:s3:::bucket", false},
		{"ArnNotLike", `"arn:aws:s3:::b*"`, "arn:aws:s3:::bucket", false},
		{"ArnNotLike", `"arn:aws:s3:::b*"`, none, true},

		{"Null", `"true"`, none, true},
		{"Null", `"true"`, "a", false},
		{"Null", `"false"`, "a", true},
		{"Null", `false`, none, false},
		{"Null", `["true","false"]`, "a", true},
		{"Null", `["true","false"]`, none, true},

		{"StringEqualsIfExists", `"a"`, none, true},
		{"StringEqualsIfExists", `"a"`, "b", false},
		{"StringEqualsIfExists", `"a"`, "a", true},
		{"StringNotEqualsIfExists", `"a"`, none, true},
		{"StringNotEqualsIfExists", `"a"`, "a", false},
		{"IpAddressIfExists", `"10.0.0.0/8"`, none, true},
		{"BoolIfExists", `"true"`, "false", false},
		{"ArnLikeIfExists", `"arn:aws:s3:::b*"`, none, true},

		{"ForAllValues:StringEquals", `["a","b"]`, "a|b", true},
		{"ForAllValues:StringEquals", `["a","b"]`, "a", true},
		{"ForAllValues:StringEquals", `["a","b"]`, "a|c", false},
		{"ForAllValues:StringEquals", `["a","b"]`, none, true},
		{"ForAllValues:StringEquals", `["a","b"]`, "", true},
		{"ForAllValues:StringLike", `"a*"`, "ab|ac", true},
		{"ForAllValues:StringNotEquals", `["a","b"]`, "c|d", true},
		{"ForAllValues:StringNotEquals", `["a","b"]`, "c|a", false},
		{"ForAllValues:StringNotEquals", `["a","b"]`, none, true},
		{"ForAnyValue:StringEquals", `["a","b"]`, "c|b", true},
		{"ForAnyValue:StringEquals", `["a","b"]`, "c|d", false},
		{"ForAnyValue:StringEquals", `["a","b"]`, none, false},
		{"ForAnyValue:StringEquals", `["a","b"]`, "", false},
		{"ForAnyValue:StringEqualsIfExists", `["a","b"]`, none, true},
		{"ForAnyValue:StringNotEquals", `["a","b"]`, "a|c", true},
		{"ForAnyValue:StringNotEquals", `["a","b"]`, "a|b", false},
		{"ForAnyValue:StringNotEquals", `["a","b"]`, none, false},
		{"ForAnyValue:NumericLessThan", `"5"`, "7|3", true},
	} {
		r := send(nobody)
		if c.got != none {
			r.Context = map[string][]string{"test:Key": strings.Split(c.got, "|")}
		}
		want := policy.NoMatch
		if c.holds {
			want = policy.Allowed
		}
		if got := mustParse(t, condition(c.operator, "test:Key", c.wanted)).Evaluate(r); got != want {
			t.Errorf("%s %s of %q: %v, want %v", c.operator, c.wanted, c.got, got, want)
		}
	}
}

func TestConditionsGoTogether(t *testing.T) {
	context := map[string][]string{"aws:SourceArn": {"arn:aws:sns:us-east-1:111111111111:topic"}, "aws:SourceAccount": {"111111111111"}}
	for _, c := range []struct {
		rule, conditions string
		want             policy.Decision
	}{
		{"both operators", `{"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:*:*"},"StringEquals":{"aws:SourceAccount":"111111111111"}}`, policy.Allowed},
		{"one operator not", `{"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:*:*"},"StringEquals":{"aws:SourceAccount":"222222222222"}}`, policy.NoMatch},
		{"both keys", `{"StringLike":{"aws:SourceArn":"arn:*","aws:SourceAccount":"1*"}}`, policy.Allowed},
		{"one key not", `{"StringLike":{"aws:SourceArn":"arn:*","aws:SourceAccount":"2*"}}`, policy.NoMatch},
		{"no conditions", `{}`, policy.Allowed},
		{"keys whatever their case", `{"StringEquals":{"AWS:SOURCEACCOUNT":"111111111111"}}`, policy.Allowed},
	} {
		r := send(sns)
		r.Context = context
		if got := mustParse(t, one(`"Condition":`+c.conditions)).Evaluate(r); got != c.want {
			t.Errorf("%s: %v, want %v", c.rule, got, c.want)
		}
	}
}

func TestVariables(t *testing.T) {
	context := map[string][]string{
		"aws:username": {"alice"}, "aws:star": {"*"}, "aws:several": {"a", "b"}, "aws:PrincipalTag/Team": {"mill"}, "test:Key": {"alice"},
		"aws:broken": {"\xff"},
	}
	const here = "arn:aws:sqs:us-east-1:111111111111:"
	for _, c := range []struct {
		rule, members, resource string
		want                    policy.Decision
	}{
		{"in a resource", `"Resource":"` + here + `${aws:username}-*"`, here + "alice-orders", policy.Allowed},
		{"of another value", `"Resource":"` + here + `${aws:username}-*"`, here + "bob-orders", policy.NoMatch},
		{"whatever its case", `"Resource":"` + here + `${AWS:UserName}"`, here + "alice", policy.Allowed},
		{"a tag", `"Resource":"` + here + `${aws:PrincipalTag/team}"`, here + "mill", policy.Allowed},
		{"without a value", `"Resource":"` + here + `${aws:missing}*"`, here + "alice", policy.NoMatch},
		{"without a value, negated", `"NotResource":"` + here + `${aws:missing}*"`, here + "alice", policy.Allowed},
		{"with several values", `"Resource":"` + here + `${aws:several}"`, here + "a", policy.NoMatch},
		{"a default", `"Resource":"` + here + `${aws:missing, 'all'}"`, here + "all", policy.Allowed},
		{"a default that is not needed", `"Resource":"` + here + `${aws:username, 'all'}"`, here + "all", policy.NoMatch},
		{"a star in a value is a star", `"Resource":"` + here + `${aws:star}"`, here + "alice", policy.NoMatch},
		{"and matches itself", `"Resource":"` + here + `${aws:star}"`, here + "*", policy.Allowed},
		{"so does a written one", `"Resource":"` + here + `${*}${?}${$}"`, here + "*?$", policy.Allowed},
		{"and nothing else", `"Resource":"` + here + `${*}"`, here + "alice", policy.NoMatch},
		{"a value that is no UTF-8 is no wildcard", `"Resource":"` + here + `${aws:broken}"`, here + "alice", policy.NoMatch},
		{"in a condition", `"Resource":"*","Condition":{"StringEquals":{"test:Key":"${aws:username}"}}`, here, policy.Allowed},
		{"in a like", `"Resource":"*","Condition":{"StringLike":{"test:Key":"*${aws:username}"}}`, here, policy.Allowed},
		{"in a condition, without a value", `"Resource":"*","Condition":{"StringEquals":{"test:Key":"${aws:missing}"}}`, here, policy.NoMatch},
		{"in a negated one, without a value", `"Resource":"*","Condition":{"StringNotEquals":{"test:Key":"${aws:missing}"}}`, here, policy.Allowed},
		{"in a boolean", `"Resource":"*","Condition":{"Bool":{"test:Key":"${aws:username}"}}`, here, policy.Allowed},
	} {
		r := policy.Request{Principal: alice, Action: "sqs:SendMessage", Resource: c.resource, Context: context}
		text := one(c.members)
		if got := mustParse(t, text).Evaluate(r); got != c.want {
			t.Errorf("%s: %v, want %v", c.rule, got, c.want)
		}
	}

	t.Run("not in the older version", func(t *testing.T) {
		text := one(`"Resource":"` + here + `${aws:username}"`)
		for _, version := range []string{`"2008-10-17"`, `""`} {
			d := mustParse(t, strings.Replace(text, `"2012-10-17"`, version, 1))
			r := policy.Request{Action: "sqs:SendMessage", Resource: here + "alice", Context: context}
			if got := d.Evaluate(r); got != policy.NoMatch {
				t.Errorf("%s: a variable was understood: %v", version, got)
			}
			r.Resource = here + "${aws:username}"
			if got := d.Evaluate(r); got != policy.Allowed {
				t.Errorf("%s: the text is %v", version, got)
			}
		}
	})
}
