package iam

import (
	"net/url"
	"strings"
	"testing"

	"millrace/runtime/identity"
)

// policyWith is a valid policy with one statement, in which parts are replaced.
func policyWith(replacements ...string) string {
	return strings.NewReplacer(replacements...).Replace(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:*","Resource":"*"}]}`)
}

// The answers were recorded from AWS on 2026-02-18 by LocalStack's
// tests/aws/services/iam/test_iam_policies.snapshot.json, but for the principal.
func TestCheckPolicy(t *testing.T) {
	const syntax = "Syntax errors in policy."
	for rule, c := range map[string]struct{ text, want string }{
		"a plain policy is right":                  {policyWith(), ""},
		"a statement may stand alone":              {policyWith("[{", "{", "}]", "}"), ""},
		"lists and conditions are right":           {policyWith(`"sqs:*"`, `["sqs:SendMessage","lambda:*"],"Condition":{"Bool":{"aws:SecureTransport":true}}`), ""},
		"any action of any service":                {policyWith("sqs:*", "*"), ""},
		"white space may follow":                   {policyWith() + "\n ", ""},
		"text may not follow":                      {policyWith() + "x", syntax},
		"it is JSON":                               {"no policy", syntax},
		"it is an object":                          {"[]", syntax},
		"it has statements":                        {`{"Version":"2012-10-17"}`, syntax},
		"it has at least one":                      {`{"Version":"2012-10-17","Statement":[]}`, syntax},
		"elements are known":                       {policyWith(`"Effect"`, `"Extra":1,"Effect"`), syntax},
		"top elements are known":                   {policyWith(`"Version"`, `"Extra":1,"Version"`), syntax},
		"no element is there twice":                {policyWith(`"Effect"`, `"Sid":"a","Sid":"b","Effect"`), syntax},
		"versions are known":                       {policyWith("2012-10-17", "2012-10-18"), syntax},
		"managed policies are of the last version": {policyWith("2012-10-17", "2008-10-17"), "Policy document must be version 2012-10-17 or greater."},
		"an effect is given":                       {policyWith(`"Effect":"Allow",`, ""), syntax},
		"effects are known":                        {policyWith("Allow", "Maybe"), syntax},
		"effects are capitalised":                  {policyWith("Allow", "allow"), "The policy failed legacy parsing"},
		"actions are texts":                        {policyWith(`"sqs:*"`, `{"a":"b"}`), syntax},
		"action excludes its opposite":             {policyWith(`"Action"`, `"NotAction":"s3:*","Action"`), syntax},
		"resource excludes its opposite":           {policyWith(`"Resource"`, `"NotResource":"*","Resource"`), syntax},
		"principals belong to resources":           {policyWith(`"Action"`, `"Principal":"*","Action"`), "Policy document should not specify a principal."},
		"there are actions":                        {policyWith(`"sqs:*"`, `[]`), "Policy statement must contain actions."},
		"there are resources":                      {policyWith(`,"Resource":"*"`, ""), "Policy statement must contain resources."},
		"actions have a vendor":                    {policyWith("sqs:*", "SendMessage"), "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."},
		"actions have one vendor":                  {policyWith("sqs:*", "a:b:c"), "Actions/Condition can contain only one colon."},
		"vendors are words":                        {policyWith("sqs:*", "a a:b"), "Vendor a a is not valid"},
		"resources are ARNs":                       {policyWith(`:"*"}`, `:"queue"}`), `Resource queue must be in ARN format or "*".`},
		"no resource is empty":                     {policyWith(`:"*"}`, `:""}`), `Resource  must be in ARN format or "*".`},
		"partitions are known":                     {policyWith(`:"*"}`, `:"arn:error:s3:::example_bucket"}`), `Partition "error" is not valid for resource "arn:error:s3:::example_bucket".`},
		"short ARNs are filled up":                 {policyWith(`:"*"}`, `:"arn:b:cadfsdf"}`), `Partition "b" is not valid for resource "arn:b:cadfsdf:*:*:*".`},
		"long ARNs are kept":                       {policyWith(`:"*"}`, `:"arn:b:c:d:e:f:g:h"}`), `Partition "b" is not valid for resource "arn:b:c:d:e:f:g:h".`},
		"an ARN names a service":                   {policyWith(`:"*"}`, `:"arn:aws"}`), "Resource vendor must be fully qualified and cannot contain regexes."},
		"IAM is in no region":                      {policyWith(`:"*"}`, `:"arn:aws:iam:eu-west-1::x"}`), "IAM resource arn:aws:iam:eu-west-1::x cannot contain region information."},
		"buckets are in no region":                 {policyWith(`:"*"}`, `:"arn:aws:s3:eu-west-1::x"}`), "Resource arn:aws:s3:eu-west-1::x can not contain region information."},
		"statement ids are unique": {policyWith(`{"Effect"`, `{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"a","Effect"`),
			"Statement IDs (SID) in a single policy must be unique."},
	} {
		if got := checkPolicy(c.text, true); got != c.want {
			t.Errorf("%s: got %q, want %q", rule, got, c.want)
		}
	}
	if got := checkPolicy(policyWith(`"Version":"2012-10-17",`, ""), false); got != "" {
		t.Errorf("an inline policy may leave out its version: got %q", got)
	}
}

func TestCheckTrust(t *testing.T) {
	trust := func(statement string) string { return `{"Version":"2012-10-17","Statement":[{` + statement + `}]}` }
	const service = `"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"}`
	for rule, c := range map[string]struct{ text, want string }{
		"a plain trust policy is right":   {trust(service + `,"Action":"sts:AssumeRole"`), ""},
		"sessions may be tagged":          {trust(service + `,"Action":["sts:AssumeRole","sts:TagSession"]`), ""},
		"actions may have wildcards":      {trust(service + `,"Action":"sts:Assume*"`), ""},
		"it is JSON (recorded)":           {"not valid json", "This policy contains invalid Json"},
		"actions are known (recorded)":    {trust(service + `,"Action":"sts:InvalidAction"`), "AssumeRole policy may only specify STS AssumeRole actions."},
		"only STS acts":                   {trust(service + `,"Action":"*"`), "AssumeRole policy may only specify STS AssumeRole actions."},
		"it names no resource (recorded)": {trust(service + `,"Action":"sts:AssumeRole","Resource":"*"`), "Has prohibited field Resource"},
		"it names who is trusted":         {trust(`"Effect":"Allow","Action":"sts:AssumeRole"`), "Missing required field Principal"},
		"it names what is allowed":        {trust(service), "Missing required field Action"},
		"it names the effect":             {trust(`"Principal":"*","Action":"sts:AssumeRole"`), "Missing required field Effect"},
	} {
		if got := checkTrust(c.text); got != c.want {
			t.Errorf("%s: got %q, want %q", rule, got, c.want)
		}
	}
}

func TestSizeLeavesOutWhiteSpace(t *testing.T) {
	if got := identity.DocumentSize("{ \"a\" :\n\t\"b c\" }"); got != len(`{"a":"b c"}`) {
		t.Errorf("got %d", got)
	}
}

func TestEncode(t *testing.T) {
	if got, want := *encode(`{"a b":"~*+/ü"}`), "%7B%22a%20b%22%3A%22~%2A%2B%2F%C3%BC%22%7D"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzDocuments(f *testing.F) {
	f.Add(policyWith())
	f.Add(`{"Statement":{"Effect":"Allow","Principal":"*","Action":["sts:AssumeRole"]}}`)
	f.Add(`{"Statement":[{"Action":[null]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		checkPolicy(text, true)
		checkTrust(text)
		if back, err := url.PathUnescape(*encode(text)); err != nil || back != text {
			t.Errorf("%q came back as %q, %v", text, back, err)
		}
		if n := identity.DocumentSize(text); n > len(text) {
			t.Errorf("size %d of %d bytes", n, len(text))
		}
	})
}
