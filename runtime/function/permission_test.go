package function_test

import (
	"testing"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/function"
	"millrace/runtime/policy"
)

// The permissions that AWS's documentation has people add for their triggers.
func TestPermissionsAreAsked(t *testing.T) {
	const owner, other = "000000000000", "111111111111"
	id := function.ID{Account: owner, Region: "us-east-1", Name: "f"}
	bucket := policy.Source{ARN: "arn:aws:s3:::bucket", Account: owner}
	s3 := func(from policy.Source) (policy.Principal, func() policy.Context) {
		return policy.ServicePrincipal("s3.amazonaws.com"), policy.ServiceContext("s3.amazonaws.com", from, "us-east-1", time.Now())
	}
	account := func(a string) (policy.Principal, func() policy.Context) { return policy.RootPrincipal(a), nil }
	invoke := func(p function.Permission) []function.Permission {
		p.ID, p.Action = "s", "lambda:InvokeFunction"
		return []function.Permission{p}
	}
	forBucket := invoke(function.Permission{Principal: "s3.amazonaws.com", SourceARN: bucket.ARN, SourceAccount: owner})
	var access function.Access
	for i, c := range []struct {
		rule        string
		permissions []function.Permission
		who         func() (policy.Principal, func() policy.Context)
		action      string
		want        fault.Code
	}{
		{"the owner", nil, func() (policy.Principal, func() policy.Context) { return account(owner) }, "InvokeFunction", ""},
		{"another account", nil, func() (policy.Principal, func() policy.Context) { return account(other) }, "InvokeFunction", fault.Denied},
		{"another account that may", invoke(function.Permission{Principal: other}), func() (policy.Principal, func() policy.Context) { return account(other) }, "InvokeFunction", ""},
		{"but not do anything else", invoke(function.Permission{Principal: other}), func() (policy.Principal, func() policy.Context) { return account(other) }, "GetFunction", fault.Denied},
		{"a service", nil, func() (policy.Principal, func() policy.Context) { return s3(bucket) }, "InvokeFunction", fault.Denied},
		{"a service that may", forBucket, func() (policy.Principal, func() policy.Context) { return s3(bucket) }, "InvokeFunction", ""},
		{"for another bucket", forBucket, func() (policy.Principal, func() policy.Context) {
			return s3(policy.Source{ARN: "arn:aws:s3:::other", Account: owner})
		}, "InvokeFunction", fault.Denied},
		{"for a bucket of another account", forBucket, func() (policy.Principal, func() policy.Context) {
			return s3(policy.Source{ARN: bucket.ARN, Account: other})
		}, "InvokeFunction", fault.Denied},
		{"an organization, which nobody is in", invoke(function.Permission{Principal: "*", OrgID: "o-1234567890"}), func() (policy.Principal, func() policy.Context) { return account(other) }, "InvokeFunction", fault.Denied},
		{"an anonymous caller", invoke(function.Permission{Principal: other}), func() (policy.Principal, func() policy.Context) { return policy.Principal{}, nil }, "InvokeFunction", fault.Denied},
		{"everybody", invoke(function.Permission{Principal: "*"}), func() (policy.Principal, func() policy.Context) { return policy.Principal{}, nil }, "InvokeFunction", ""},
	} {
		f := function.Function{Account: owner, Region: id.Region, Name: id.Name, Permissions: c.permissions, PolicyID: string(rune('a' + i))}
		who, context := c.who()
		if got := fault.Of(access.Authorize(id, f, who, "lambda:"+c.action, context)); got != c.want {
			t.Errorf("%s: got %q, want %q", c.rule, got, c.want)
		}
	}
}
