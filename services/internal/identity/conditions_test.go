package identity_test

import (
	"context"
	"maps"
	"testing"
	"time"

	"millrace/runtime/policy"
	"millrace/services/internal/identity"
)

const account = "222222222222"

func TestPrincipalAndConditions(t *testing.T) {
	now := time.Date(2026, 3, 1, 13, 0, 0, 500, time.FixedZone("", 3600))
	for _, c := range []struct {
		rule      string
		caller    identity.Caller
		principal policy.Principal
		keys      map[string]string // beside those of every request
	}{
		{"a plain key is the account's root",
			identity.Caller{Account: account, AccessKey: account, Region: "eu-west-1", Remote: "127.0.0.1:5000", UserAgent: "aws-cli"},
			policy.Principal{Account: account, ARN: "arn:aws:iam::222222222222:root"},
			map[string]string{"aws:PrincipalType": "Account", "aws:PrincipalAccount": account, "aws:PrincipalArn": "arn:aws:iam::222222222222:root", "aws:userid": account,
				"aws:RequestedRegion": "eu-west-1", "aws:SourceIp": "127.0.0.1", "aws:UserAgent": "aws-cli", "aws:PrincipalIsAWSService": "false"}},
		{"a lent key is the session, of the role",
			identity.Caller{Account: account, AccessKey: "ASIAX", Remote: "[::1]:5000", Session: &identity.Session{
				Account: account, ARN: "arn:aws:sts::222222222222:assumed-role/worker/monday", UserID: "AROAX:monday", RoleARN: "arn:aws:iam::222222222222:role/team/worker"}},
			policy.Principal{Account: account, ARN: "arn:aws:sts::222222222222:assumed-role/worker/monday"},
			map[string]string{"aws:PrincipalType": "AssumedRole", "aws:PrincipalAccount": account, "aws:PrincipalArn": "arn:aws:iam::222222222222:role/team/worker",
				"aws:userid": "AROAX:monday", "aws:SourceIp": "::1", "aws:PrincipalIsAWSService": "false"}},
		{"a session of the account itself is its root",
			identity.Caller{Account: account, AccessKey: "ASIAX", Session: &identity.Session{Account: account, ARN: "arn:aws:iam::222222222222:root", UserID: account}},
			policy.Principal{Account: account, ARN: "arn:aws:iam::222222222222:root"},
			map[string]string{"aws:PrincipalType": "Account", "aws:PrincipalAccount": account, "aws:PrincipalArn": "arn:aws:iam::222222222222:root", "aws:userid": account,
				"aws:PrincipalIsAWSService": "false"}},
		{"an unsigned request is nobody's",
			identity.Caller{Account: account, Anonymous: true, Remote: "[::ffff:10.0.0.1]:5000"},
			policy.Principal{},
			map[string]string{"aws:PrincipalType": "Anonymous", "aws:PrincipalAccount": "anonymous", "aws:userid": "anonymous", "aws:SourceIp": "10.0.0.1",
				"aws:PrincipalIsAWSService": "false"}},
		{"an address that is none is left out",
			identity.Caller{Anonymous: true, Remote: "pipe"},
			policy.Principal{},
			map[string]string{"aws:PrincipalType": "Anonymous", "aws:PrincipalAccount": "anonymous", "aws:userid": "anonymous", "aws:PrincipalIsAWSService": "false"}},
	} {
		if got := c.caller.Principal(); got != c.principal {
			t.Errorf("%s: %+v, want %+v", c.rule, got, c.principal)
		}
		want := map[string]string{"aws:CurrentTime": "2026-03-01T12:00:00Z", "aws:EpochTime": "1772366400", "aws:SecureTransport": "true", "aws:ViaAWSService": "false"}
		maps.Copy(want, c.keys)
		got := map[string]string{}
		for key, values := range c.caller.Context(func() time.Time { return now })() {
			if len(values) != 1 {
				t.Errorf("%s: %s has the values %q", c.rule, key, values)
				continue
			}
			got[key] = values[0]
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s:\n got %v\nwant %v", c.rule, got, want)
		}
	}
}

func TestCallerOfAContext(t *testing.T) {
	c := identity.Caller{Account: account}
	if got := identity.From(identity.With(context.Background(), &c)); got != c {
		t.Errorf("got %+v", got)
	}
	if got := identity.From(context.Background()); got != (identity.Caller{}) {
		t.Errorf("of nobody: %+v", got)
	}
}
