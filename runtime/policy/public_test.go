package policy

import (
	"fmt"
	"testing"
)

func TestIsPublic(t *testing.T) {
	statement := func(effect, principal, conditions string) string {
		return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":%q,"Principal":%s,"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Condition":%s}]}`,
			effect, principal, conditions)
	}
	for _, c := range []struct {
		rule, text string
		want       bool
	}{
		{"everybody", statement("Allow", `"*"`, `{}`), true},
		{"everybody among AWS principals", statement("Allow", `{"AWS":["111111111111","*"]}`, `{}`), true},
		{"an account", statement("Allow", `{"AWS":"111111111111"}`, `{}`), false},
		{"a service", statement("Allow", `{"Service":"logging.s3.amazonaws.com"}`, `{}`), false},
		{"all but one", `{"Statement":{"Effect":"Allow","NotPrincipal":{"AWS":"111111111111"},"Action":"*","Resource":"*"}}`, true},
		{"a denial", statement("Deny", `"*"`, `{}`), false},
		{"from an account", statement("Allow", `"*"`, `{"StringEquals":{"aws:SourceAccount":"111111111111"}}`), false},
		{"from any account", statement("Allow", `"*"`, `{"StringLike":{"aws:SourceAccount":"*"}}`), true},
		{"from an account, if it is known", statement("Allow", `"*"`, `{"StringEqualsIfExists":{"aws:SourceAccount":"111111111111"}}`), true},
		{"not from an account", statement("Allow", `"*"`, `{"StringNotEquals":{"aws:SourceAccount":"111111111111"}}`), true},
		{"one fixed value and one that is not", statement("Allow", `"*"`, `{"ArnLike":{"aws:SourceArn":["arn:aws:sns:r:1:t","*"]}}`), true},
		{"a variable", statement("Allow", `"*"`, `{"StringEquals":{"aws:PrincipalArn":"${aws:PrincipalArn}"}}`), true},
		{"a network", statement("Allow", `"*"`, `{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`), false},
		{"half of all addresses", statement("Allow", `"*"`, `{"IpAddress":{"aws:SourceIp":"128.0.0.0/1"}}`), true},
		{"addresses that are not of a network", statement("Allow", `"*"`, `{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`), true},
		{"a wide range of IPv6", statement("Allow", `"*"`, `{"IpAddress":{"aws:SourceIp":"2001::/16"}}`), true},
		{"an IPv6 network", statement("Allow", `"*"`, `{"IpAddress":{"aws:SourceIp":"2001:db8::/32"}}`), false},
		{"a key that says nothing of the caller", statement("Allow", `"*"`, `{"StringEquals":{"s3:prefix":"a"}}`), true},
		{"the sessions of a role", statement("Allow", `"*"`, `{"StringLike":{"aws:userid":"AROAEXAMPLE:*"}}`), false},
		{"access points of an account", statement("Allow", `"*"`, `{"StringLike":{"s3:DataAccessPointArn":"arn:aws:s3:r:111111111111:accesspoint/*"}}`), false},
		{"access points of all accounts", statement("Allow", `"*"`, `{"StringLike":{"s3:DataAccessPointArn":"arn:aws:s3:r:*:accesspoint/a"}}`), true},
		{"no policy", "", false},
	} {
		if got := IsPublic(c.text); got != c.want {
			t.Errorf("%s: public is %v, want %v", c.rule, got, c.want)
		}
	}
}
