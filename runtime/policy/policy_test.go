package policy_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"millrace/runtime/fault"
	"millrace/runtime/policy"
)

const queueARN = "arn:aws:sqs:us-east-1:111111111111:orders"

// Who asks, in the tests.
var (
	root    = policy.Principal{Account: "222222222222", ARN: "arn:aws:iam::222222222222:root"}
	alice   = policy.Principal{Account: "222222222222", ARN: "arn:aws:iam::222222222222:user/alice"}
	bob     = policy.Principal{Account: "222222222222", ARN: "arn:aws:iam::222222222222:user/bob"}
	session = policy.Principal{Account: "222222222222", ARN: "arn:aws:sts::222222222222:assumed-role/worker/monday"}
	tuesday = policy.Principal{Account: "222222222222", ARN: "arn:aws:sts::222222222222:assumed-role/worker/tuesday"}
	other   = policy.Principal{Account: "333333333333", ARN: "arn:aws:iam::333333333333:root"}
	sns     = policy.Principal{Service: "sns.amazonaws.com"}
	nobody  = policy.Principal{}
)

func send(p policy.Principal) policy.Request {
	return policy.Request{Principal: p, Action: "sqs:SendMessage", Resource: queueARN}
}

// one is a document of one statement; what members do not say is that anybody
// may send to the queue.
func one(members string) string {
	for _, m := range []struct{ without, member string }{
		{"Effect", `"Effect":"Allow"`}, {"Principal", `"Principal":"*"`}, {"Action", `"Action":"sqs:SendMessage"`}, {"Resource", `"Resource":"` + queueARN + `"`},
	} {
		if !strings.Contains(members, m.without+`":`) {
			members += "," + m.member
		}
	}
	return `{"Version":"2012-10-17","Statement":{` + strings.TrimPrefix(members, ",") + `}}`
}

func mustParse(t testing.TB, text string) *policy.Document {
	t.Helper()
	d, err := policy.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return d
}

func TestPrincipals(t *testing.T) {
	for _, c := range []struct {
		rule, element string
		yes, no       []policy.Principal
	}{
		{"everybody", `"Principal":"*"`, []policy.Principal{root, alice, session, sns, nobody}, nil},
		{"every AWS principal is everybody too", `"Principal":{"AWS":"*"}`, []policy.Principal{root, alice, session, sns, nobody}, nil},
		{"an account is all in it", `"Principal":{"AWS":"222222222222"}`, []policy.Principal{root, alice, session}, []policy.Principal{other, sns, nobody}},
		{"so is its root", `"Principal":{"AWS":"arn:aws:iam::222222222222:root"}`, []policy.Principal{root, alice, session}, []policy.Principal{other, sns, nobody}},
		{"a user", `"Principal":{"AWS":"arn:aws:iam::222222222222:user/alice"}`, []policy.Principal{alice}, []policy.Principal{root, bob, session, nobody}},
		{"a role is all its sessions", `"Principal":{"AWS":"arn:aws:iam::222222222222:role/worker"}`, []policy.Principal{session, tuesday}, []policy.Principal{root, alice, nobody}},
		{"whatever the role's path", `"Principal":{"AWS":"arn:aws:iam::222222222222:role/team/worker"}`, []policy.Principal{session}, []policy.Principal{root}},
		{"but not of another account", `"Principal":{"AWS":"arn:aws:iam::333333333333:role/worker"}`, nil, []policy.Principal{session, other}},
		{"a session", `"Principal":{"AWS":"arn:aws:sts::222222222222:assumed-role/worker/monday"}`, []policy.Principal{session}, []policy.Principal{tuesday, root}},
		{"several", `"Principal":{"AWS":["333333333333","arn:aws:iam::222222222222:user/bob"]}`, []policy.Principal{other, bob}, []policy.Principal{alice, root}},
		{"a service", `"Principal":{"Service":"sns.amazonaws.com"}`, []policy.Principal{sns}, []policy.Principal{root, nobody, {Service: "s3.amazonaws.com"}}},
		{"kinds together", `"Principal":{"Service":"sns.amazonaws.com","AWS":"333333333333"}`, []policy.Principal{sns, other}, []policy.Principal{root}},
		{"a service has no wildcards", `"Principal":{"Service":"*"}`, nil, []policy.Principal{sns, nobody, root}},
		{"federated users never come", `"Principal":{"Federated":"cognito-identity.amazonaws.com"}`, nil, []policy.Principal{root, sns, nobody}},
		{"nor canonical ones", `"Principal":{"CanonicalUser":"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}`, nil, []policy.Principal{root, nobody}},
		{"nor those who were deleted", `"Principal":{"AWS":"AROAWORKERWORKERWORKE"}`, nil, []policy.Principal{session, nobody}},

		{"all but an account", `"NotPrincipal":{"AWS":"222222222222"}`, []policy.Principal{other, sns, nobody}, []policy.Principal{root, alice, session}},
		{"all but a user", `"NotPrincipal":{"AWS":["arn:aws:iam::222222222222:user/bob","arn:aws:iam::222222222222:root"]}`, []policy.Principal{alice, session, other, nobody}, []policy.Principal{bob, root}},
		{"all but a role", `"NotPrincipal":{"AWS":["arn:aws:iam::222222222222:role/worker","222222222222"]}`, []policy.Principal{alice, other}, []policy.Principal{session, tuesday, root}},
		{"all but a session", `"NotPrincipal":{"AWS":["arn:aws:sts::222222222222:assumed-role/worker/monday","arn:aws:iam::222222222222:role/worker","arn:aws:iam::222222222222:root"]}`, []policy.Principal{tuesday, alice, other}, []policy.Principal{session, root}},
		{"all but a service", `"NotPrincipal":{"Service":"sns.amazonaws.com"}`, []policy.Principal{root, nobody}, []policy.Principal{sns}},
		{"all but all", `"NotPrincipal":"*"`, nil, []policy.Principal{root, sns, nobody}},
	} {
		d := mustParse(t, one(c.element))
		for _, p := range c.yes {
			if got := d.Evaluate(send(p)); got != policy.Allowed {
				t.Errorf("%s: %+v: %v", c.rule, p, got)
			}
		}
		for _, p := range c.no {
			if got := d.Evaluate(send(p)); got != policy.NoMatch {
				t.Errorf("%s: %+v: %v", c.rule, p, got)
			}
		}
	}
}

func TestElements(t *testing.T) {
	for _, c := range []struct {
		rule, members    string
		action, resource string
		want             policy.Decision
	}{
		{"the action", `"Action":"sqs:SendMessage"`, "sqs:SendMessage", queueARN, policy.Allowed},
		{"another action", `"Action":"sqs:SendMessage"`, "sqs:ReceiveMessage", queueARN, policy.NoMatch},
		{"the case of an action does not matter", `"Action":"SQS:sendmessage"`, "sqs:SendMessage", queueARN, policy.Allowed},
		{"one of several actions", `"Action":["SQS:DeleteMessage","SQS:ReceiveMessage"]`, "sqs:ReceiveMessage", queueARN, policy.Allowed},
		{"all actions", `"Action":"*"`, "sqs:PurgeQueue", queueARN, policy.Allowed},
		{"all actions of a service", `"Action":"sqs:*"`, "sqs:PurgeQueue", queueARN, policy.Allowed},
		{"all actions of another service", `"Action":"sns:*"`, "sqs:PurgeQueue", queueARN, policy.NoMatch},
		{"a star in an action", `"Action":"sqs:Get*"`, "sqs:GetQueueUrl", queueARN, policy.Allowed},
		{"a star that does not reach", `"Action":"sqs:Get*s"`, "sqs:GetQueueUrl", queueARN, policy.NoMatch},
		{"two stars", `"Action":"sqs:*Queue*"`, "sqs:GetQueueUrl", queueARN, policy.Allowed},
		{"a question mark in an action", `"Action":"sqs:?endMessage"`, "sqs:SendMessage", queueARN, policy.Allowed},
		{"a question mark is one character", `"Action":"sqs:?SendMessage"`, "sqs:SendMessage", queueARN, policy.NoMatch},
		{"all actions but one", `"NotAction":"sqs:PurgeQueue"`, "sqs:SendMessage", queueARN, policy.Allowed},
		{"the one", `"NotAction":["sqs:SendMessage","sqs:purge*"]`, "sqs:PurgeQueue", queueARN, policy.NoMatch},

		{"another resource", `"Effect":"Allow"`, "sqs:SendMessage", queueARN + "2", policy.NoMatch},
		{"all resources", `"Resource":"*"`, "sqs:SendMessage", queueARN, policy.Allowed},
		{"a star in a resource", `"Resource":"arn:aws:sqs:*:111111111111:or*"`, "sqs:SendMessage", queueARN, policy.Allowed},
		{"a question mark in a resource", `"Resource":"arn:aws:sqs:us-east-?:111111111111:orders"`, "sqs:SendMessage", queueARN, policy.Allowed},
		{"the case of a resource matters", `"Resource":"arn:aws:sqs:us-east-1:111111111111:Orders"`, "sqs:SendMessage", queueARN, policy.NoMatch},
		{"no ARN names nothing", `"Resource":"abc"`, "sqs:SendMessage", queueARN, policy.NoMatch},
		{"nor does a path", `"Resource":"/111111111111/orders"`, "sqs:SendMessage", queueARN, policy.NoMatch},
		{"nor what a star alone would make fit", `"Resource":"*orders"`, "sqs:SendMessage", queueARN, policy.NoMatch},
		{"an ARN beside it does", `"Resource":["abc","` + queueARN + `"]`, "sqs:SendMessage", queueARN, policy.Allowed},
		{"all but nothing is all", `"NotResource":"abc"`, "sqs:SendMessage", queueARN, policy.Allowed},
		{"all resources but one", `"NotResource":"` + queueARN + `"`, "sqs:SendMessage", queueARN + "2", policy.Allowed},
		{"the one", `"NotResource":["*2","` + queueARN + `"]`, "sqs:SendMessage", queueARN, policy.NoMatch},
	} {
		members := strings.Replace(c.members, `"*2"`, `"arn:*2"`, 1)
		d := mustParse(t, one(members))
		got := d.Evaluate(policy.Request{Principal: root, Action: c.action, Resource: c.resource})
		if got != c.want {
			t.Errorf("%s: %s of %s by %s: %v, want %v", c.rule, c.action, c.resource, members, got, c.want)
		}
	}
}

func TestStatements(t *testing.T) {
	const (
		allow     = `{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}`
		deny      = `{"Effect":"Deny","Principal":{"AWS":"222222222222"},"Action":"sqs:SendMessage","Resource":"*"}`
		elsewhere = `{"Effect":"Deny","Principal":{"AWS":"333333333333"},"Action":"sqs:SendMessage","Resource":"*"}`
		implicit  = `{"Effect":"Allow","Principal":"*","Action":"sqs:*"}`
	)
	for _, c := range []struct {
		rule, statements string
		want             policy.Decision
	}{
		{"an allow", allow, policy.Allowed},
		{"a deny alone", deny, policy.Denied},
		{"a deny after an allow", "[" + allow + "," + deny + "]", policy.Denied},
		{"a deny before an allow", "[" + deny + "," + allow + "]", policy.Denied},
		{"a deny of somebody else", "[" + elsewhere + "," + allow + "]", policy.Allowed},
		{"nothing that fits", elsewhere, policy.NoMatch},
		{"no resource is the policy's own", implicit, policy.Allowed},
	} {
		d := mustParse(t, `{"Version":"2012-10-17","Id":"x","Statement":`+c.statements+`}`)
		if got := d.Evaluate(send(root)); got != c.want {
			t.Errorf("%s: %v, want %v", c.rule, got, c.want)
		}
		if got, want := d.HasDeny(), strings.Contains(c.statements, "Deny"); got != want {
			t.Errorf("%s: denies %t, want %t", c.rule, got, want)
		}
	}
}

// What AWS would not take is refused, rather than understood by halves.
func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ rule, text string }{
		{"no text", ``},
		{"no JSON", `{`},
		{"another value", `[]`},
		{"null", `null`},
		{"text after it", one(``) + `{}`},
		{"no statement", `{"Version":"2012-10-17"}`},
		{"an empty list of statements", `{"Statement":[]}`},
		{"a statement that is none", `{"Statement":"x"}`},
		{"another version", strings.Replace(one(``), "2012-10-17", "2012-10-18", 1)},
		{"an unknown element", one(`"Why":"x"`)},
		{"an element twice", one(`"Sid":"a","Sid":"b"`)},
		{"an element twice, but for its case", one(`"Sid":"a","sid":"b"`)},
		{"a condition twice", one(`"Condition":{"Bool":{"a:b":"true"},"Bool":{"a:b":"false"}}`)},
		{"a Sid twice", `{"Statement":[{"Sid":"a","Effect":"Allow","Principal":"*","Action":"*"},{"Sid":"a","Effect":"Deny","Principal":"*","Action":"*"}]}`},
		{"no effect", `{"Statement":{"Principal":"*","Action":"*"}}`},
		{"another effect", one(`"Effect":"allow"`)},
		{"no principal", `{"Statement":{"Effect":"Allow","Action":"*"}}`},
		{"both principals", one(`"Principal":"*","NotPrincipal":"*"`)},
		{"a principal without a kind", one(`"Principal":"222222222222"`)},
		{"a principal of another kind", one(`"Principal":{"Human":"x"}`)},
		{"an empty principal", one(`"Principal":{}`)},
		{"an empty list of principals", one(`"Principal":{"AWS":[]}`)},
		{"an empty name", one(`"Principal":{"Service":""}`)},
		{"a short account", one(`"Principal":{"AWS":"123"}`)},
		{"a wildcard in a principal", one(`"Principal":{"AWS":"arn:aws:iam::222222222222:user/*"}`)},
		{"the ARN of no principal", one(`"Principal":{"AWS":"` + queueARN + `"}`)},
		{"no action", `{"Statement":{"Effect":"Allow","Principal":"*"}}`},
		{"both actions", one(`"Action":"*","NotAction":"*"`)},
		{"an empty list of actions", one(`"Action":[]`)},
		{"an action without its service", one(`"Action":"SendMessage"`)},
		{"an action of two colons", one(`"Action":"sqs:Send:Message"`)},
		{"an action that is no text", one(`"Action":{}`)},
		{"both resources", one(`"Resource":"*","NotResource":"*"`)},
		{"an empty list of resources", one(`"Resource":[]`)},
		{"an endless variable", one(`"Resource":"arn:aws:sqs:::${aws:username"`)},
		{"a nameless variable", one(`"Resource":"arn:aws:sqs:::${}"`)},
		{"a default without quotes", one(`"Resource":"arn:aws:sqs:::${aws:username, x}"`)},
		{"an unknown operator", condition("StringEqual", "a:b", `"x"`)},
		{"an unknown set operator", condition("ForSomeValues:StringEquals", "a:b", `"x"`)},
		{"Null if exists", condition("NullIfExists", "a:b", `"true"`)},
		{"an operator without keys", one(`"Condition":{"Bool":{}}`)},
		{"a key without a prefix", condition("StringEquals", "b", `"x"`)},
		{"a key without values", condition("StringEquals", "a:b", `[]`)},
		{"a value that is an object", condition("StringEquals", "a:b", `{}`)},
		{"a value that is null", condition("StringEquals", "a:b", `null`)},
		{"a number that is none", condition("NumericEquals", "a:b", `"0x1"`)},
		{"a date that is none", condition("DateLessThan", "a:b", `"tomorrow"`)},
		{"a boolean that is none", condition("Bool", "a:b", `"yes"`)},
		{"Null of something else", condition("Null", "a:b", `"maybe"`)},
		{"Null of something else, too", condition("Null", "a:b", `["true","maybe"]`)},
		{"base64 that is none", condition("BinaryEquals", "a:b", `"*"`)},
		{"an address that is none", condition("IpAddress", "a:b", `"10.0.0.0/33"`)},
		{"an address with a zone", condition("IpAddress", "a:b", `"fe80::1%eth0"`)},
	} {
		if _, err := policy.Parse(c.text); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %s: %v, want it to be invalid", c.rule, c.text, err)
		}
	}
}

func TestCheck(t *testing.T) {
	text := `{"Statement":[
		{"Effect":"Allow","Principal":{"AWS":["222222222222","333333333333"]},"Action":["sqs:A","sqs:B","sqs:C"]},
		{"Effect":"Deny","Principal":"*","Action":"sqs:*","Condition":{"Bool":{"aws:a":"true","aws:b":"true"},"Null":{"aws:c":"true"}}}]}`
	d := mustParse(t, text)
	for _, c := range []struct {
		rule   string
		limits policy.Limits
		want   string
	}{
		{"no limits", policy.Limits{}, ""},
		{"just enough", policy.Limits{Bytes: len(text), Statements: 2, Principals: 3, Conditions: 3, Actions: 3}, ""},
		{"bytes", policy.Limits{Bytes: len(text) - 1}, fmt.Sprintf("%d bytes are more than %d", len(text), len(text)-1)},
		{"statements", policy.Limits{Statements: 1}, "2 statements are more than 1"},
		{"principals", policy.Limits{Principals: 2}, "3 principals are more than 2"},
		{"conditions", policy.Limits{Conditions: 2}, "3 conditions are more than 2"},
		{"actions of one statement", policy.Limits{Actions: 2}, "3 actions are more than 2"},
	} {
		err := d.Check(c.limits)
		got := ""
		if err != nil {
			got = err.Error()
			if !errors.Is(err, fault.TooLarge) {
				t.Errorf("%s: %v is no fault.TooLarge", c.rule, err)
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.rule, got, c.want)
		}
	}
}

func TestDecisionsHaveNames(t *testing.T) {
	if got := fmt.Sprint(policy.NoMatch, policy.Allowed, policy.Denied, policy.Decision(7)); got != "no match allowed denied decision 7" {
		t.Error(got)
	}
}
