package policy_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/policy"
)

func TestAuthorize(t *testing.T) {
	owner := policy.RootPrincipal("111111111111")
	worker, ok := policy.RolePrincipal("arn:aws:iam::111111111111:role/team/worker", "f")
	if !ok || worker.ARN != "arn:aws:sts::111111111111:assumed-role/worker/f" {
		t.Fatalf("got %+v", worker)
	}
	const (
		allowSNS   = `{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:111111111111:*"},"StringEquals":{"aws:SourceAccount":"111111111111"}}}`
		allowOther = `{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"sqs:*"}`
		allowAll   = `{"Effect":"Allow","Principal":"*","Action":"sqs:*"}`
		allowTag   = `{"Effect":"Allow","Principal":"*","Action":"sqs:*","Condition":{"StringEquals":{"aws:ResourceTag/team":"red","aws:ResourceAccount":"111111111111"}}}`
		allowOrg   = `{"Effect":"Allow","Principal":"*","Action":"sqs:*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1234567890"}}}`
		denyOwner  = `{"Effect":"Deny","Principal":{"AWS":"111111111111"},"Action":"sqs:SendMessage"}`
		denySNS    = `{"Effect":"Deny","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:*"}`
	)
	topic := policy.Source{ARN: "arn:aws:sns:us-east-1:111111111111:topic", Account: "111111111111"}
	theirs := policy.Source{ARN: "arn:aws:sns:us-east-1:222222222222:topic", Account: "222222222222"}
	from := func(s policy.Source) func() policy.Context {
		return policy.ServiceContext("sns.amazonaws.com", s, "us-east-1", time.Now())
	}
	const denied, refused = "denies it", "no statement of the resource's policy allows it"
	for _, c := range []struct {
		rule       string
		statements string // "" for no policy
		who        policy.Principal
		context    func() policy.Context
		want       string // the end of the error
	}{
		{"the owner needs no policy", "", owner, nil, ""},
		{"nor do the roles of its account", "", worker, nil, ""},
		{"nor what says nothing of it", allowOther, owner, nil, ""},
		{"a deny is for the owner too", allowAll + "," + denyOwner, owner, nil, denied},
		{"and for its roles", allowAll + "," + denyOwner, worker, nil, denied},
		{"another account does", "", other, nil, refused},
		{"another account that may", allowOther, root, nil, ""},
		{"another account that may not", allowOther, other, nil, refused},
		{"an anonymous caller", "", nobody, nil, refused},
		{"an anonymous caller is of no account", allowOther, nobody, nil, refused},
		{"an anonymous caller is everybody", allowAll, nobody, nil, ""},
		{"a service, without a policy", "", sns, from(topic), refused},
		{"a service for its topic", allowSNS, sns, from(topic), ""},
		{"a service for another's topic", allowSNS, sns, from(theirs), refused},
		{"a service without a source", allowSNS, sns, nil, refused},
		{"another service", allowSNS, policy.ServicePrincipal("s3.amazonaws.com"), from(topic), refused},
		{"a service that is denied", allowAll + "," + denySNS, sns, from(topic), denied},
		{"an organization: nobody is in one", allowOrg, root, nil, refused},
		{"the resource's own keys", allowTag, root, nil, ""},
	} {
		r := policy.Resource{ARN: queueARN, Account: "111111111111", Tags: map[string]string{"team": "red"}}
		if c.statements != "" {
			r.Policy = mustParse(t, `{"Version":"2012-10-17","Statement":[`+c.statements+`]}`)
		}
		err := r.Authorize(c.who, "sqs:SendMessage", c.context)
		var d *policy.DeniedError
		switch {
		case c.want == "" && err == nil:
		case c.want == "" || !errors.As(err, &d) || fault.Of(err) != fault.Denied || d.Explicit != (c.want == denied):
			t.Errorf("%s: %v", c.rule, err)
		}
	}
}

func TestDeniedErrorSaysWho(t *testing.T) {
	r := policy.Resource{ARN: queueARN, Account: "111111111111"}
	for who, want := range map[policy.Principal]string{
		sns:                       "sns.amazonaws.com",
		root:                      "arn:aws:iam::222222222222:root",
		nobody:                    "an anonymous caller",
		{Account: "333333333333"}: "333333333333",
	} {
		want += " may not perform sqs:SendMessage on " + queueARN + ": no statement of the resource's policy allows it"
		if got := fmt.Sprint(r.Authorize(who, "sqs:SendMessage", nil)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestRolePrincipalRefusesWhatIsNoRole(t *testing.T) {
	for _, text := range []string{"", "worker", "arn:aws:iam::111111111111:user/worker", "arn:aws:sts::111111111111:assumed-role/worker/f", "arn:aws:iam::111111111111:role/"} {
		if p, ok := policy.RolePrincipal(text, "f"); ok {
			t.Errorf("%q is %+v", text, p)
		}
	}
}

func TestCacheFollowsTheRevision(t *testing.T) {
	var c policy.Cache[string]
	asked := 0
	get := func(revision, text string) *policy.Document {
		return c.Document("q", revision, func() (string, error) { asked++; return text, nil })
	}
	if get("", one(``)) != nil || asked != 0 {
		t.Error("no revision, and yet a policy")
	}
	first := get("1", one(``))
	if first == nil || get("1", "x") != first || asked != 1 {
		t.Errorf("%v, asked %d times", first, asked)
	}
	for range 2 {
		if get("2", "{") != nil || asked != 2 {
			t.Errorf("what cannot be read is a policy, or was read %d times", asked)
		}
	}
}

// Whatever a policy says, its owner is refused by a Deny alone, and everybody
// else is let in by an Allow alone.
func FuzzAuthorize(f *testing.F) {
	f.Add(one(``), "222222222222", "sns.amazonaws.com")
	f.Add(one(`"Effect":"Deny","Principal":{"AWS":"111111111111"}`), "111111111111", "")
	f.Fuzz(func(t *testing.T, text, account, service string) {
		doc, err := policy.Parse(text)
		if err != nil {
			return
		}
		r := policy.Resource{ARN: queueARN, Account: "111111111111", Policy: doc}
		who := policy.Principal{Account: account, Service: service}
		err = r.Authorize(who, "sqs:SendMessage", nil)
		var d *policy.DeniedError
		if err != nil && !errors.As(err, &d) {
			t.Fatal(err)
		}
		if account == r.Account && err != nil && !d.Explicit {
			t.Fatal("the owner needed an Allow")
		}
		r.Policy = nil
		if account != r.Account && r.Authorize(who, "sqs:SendMessage", nil) == nil {
			t.Fatal("let in without a policy")
		}
	})
}
