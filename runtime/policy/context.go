package policy

import (
	"strconv"
	"strings"
	"time"

	"millrace/runtime/arn"
)

// A Context has the values of a request's condition keys. Keys are written as AWS
// writes them ("aws:SourceIp") and found whatever their case; a key without values
// is a key that does not exist. Times are RFC 3339 or seconds since 1970, binary
// values are raw bytes.
//
// Keys: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
type Context map[string][]string

// NewContext has the keys that every request to a region has, at the time now.
//
// aws:SecureTransport is true also over plain HTTP: policies that insist on TLS
// are common, and what they guard against cannot happen to bytes that stay on one
// machine.
func NewContext(region string, now time.Time) Context {
	now = now.UTC()
	c := Context{
		"aws:CurrentTime":           {now.Format(time.RFC3339)},
		"aws:EpochTime":             {strconv.FormatInt(now.Unix(), 10)},
		"aws:SecureTransport":       {"true"},
		"aws:ViaAWSService":         {"false"},
		"aws:PrincipalIsAWSService": {"false"},
	}
	c.Set("aws:RequestedRegion", region)
	return c
}

// Set gives a key one value. "" leaves it as it is.
func (c Context) Set(key, value string) {
	if value != "" {
		c[key] = []string{value}
	}
}

// A Source is the resource for which an AWS service makes a request: the topic
// that SNS delivers from, the bucket that S3 notifies of, the rule of EventBridge.
type Source struct {
	ARN     string // "" for none
	Account string // that owns it; "" for none
}

// ServicePrincipal is an AWS service that calls for itself: "sns.amazonaws.com".
func ServicePrincipal(name string) Principal { return Principal{Service: name} }

// ServiceContext has the keys of a request that an AWS service makes for a source,
// to a region. It is meant for [Resource.Authorize].
func ServiceContext(service string, from Source, region string, now time.Time) func() Context {
	return func() Context {
		c := NewContext(region, now)
		c.Set("aws:PrincipalIsAWSService", "true")
		c.Set("aws:PrincipalServiceName", service)
		c.Set("aws:SourceArn", from.ARN)
		c.Set("aws:SourceAccount", from.Account)
		return c
	}
}

// RootPrincipal is the root of an account, which stands for the whole account.
func RootPrincipal(account string) Principal {
	return Principal{Account: account, ARN: "arn:aws:iam::" + account + ":root"}
}

// RolePrincipal is a session of a role: a function that acts in its execution role,
// for example. ok is false if the text is not the ARN of a role.
func RolePrincipal(roleARN, session string) (p Principal, ok bool) {
	a, err := arn.Parse(roleARN)
	if err != nil {
		return Principal{}, false
	}
	r, isSession := roleOf(a)
	if isSession || r.name == "" {
		return Principal{}, false
	}
	return Principal{Account: a.Account, ARN: arn.New("sts", "", a.Account, "assumed-role/"+r.name+"/"+session).String()}, true
}

// RoleContext has the keys of a request in a session of a role, to a region. userID
// is the role's unique id and the session's name, "" if it is not known. It is meant
// for [Resource.Authorize].
func RoleContext(roleARN, userID, region string, now time.Time) func() Context {
	return func() Context {
		c := NewContext(region, now)
		c.SetRole(roleARN, userID)
		return c
	}
}

// SetRole sets the keys of a principal that is a session of a role.
func (c Context) SetRole(roleARN, userID string) {
	c.Set("aws:PrincipalType", "AssumedRole")
	if _, rest, ok := strings.Cut(roleARN, "::"); ok {
		account, _, _ := strings.Cut(rest, ":")
		c.Set("aws:PrincipalAccount", account)
	}
	c.Set("aws:PrincipalArn", roleARN)
	c.Set("aws:userid", userID)
}
