package identity

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"millrace/runtime/policy"
)

// Principal is who calls, as policies name them: a service, nobody, the session
// of a role, or else the root of the account, for which every other key stands.
func (c *Caller) Principal() policy.Principal {
	switch {
	case c.Service != "":
		return policy.Principal{Service: c.Service}
	case c.Anonymous:
		return policy.Principal{}
	case c.Session != nil:
		return policy.Principal{Account: c.Session.Account, ARN: c.Session.ARN}
	}
	return policy.Principal{Account: c.Account, ARN: "arn:aws:iam::" + c.Account + ":root"}
}

// Conditions are the global condition keys that the request has values for, at
// the time now. A service adds its own.
//
// aws:SecureTransport is true also over plain HTTP: policies that insist on TLS
// are common, and what they fear cannot happen to bytes that stay on one machine.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
//
// Not supported: keys of organizations, networks, tags and sessions' tokens; a
// request never has them.
func (c *Caller) Conditions(now time.Time) map[string][]string {
	now = now.UTC()
	keys := map[string][]string{}
	set := func(key, value string) {
		if value != "" {
			keys[key] = []string{value}
		}
	}
	set("aws:CurrentTime", now.Format(time.RFC3339))
	set("aws:EpochTime", strconv.FormatInt(now.Unix(), 10))
	set("aws:SecureTransport", "true")
	set("aws:RequestedRegion", c.Region)
	set("aws:ViaAWSService", "false")
	set("aws:PrincipalIsAWSService", strconv.FormatBool(c.Service != ""))
	if c.Service != "" {
		set("aws:PrincipalServiceName", c.Service)
		set("aws:SourceArn", c.SourceARN)
		set("aws:SourceAccount", c.SourceAccount)
		return keys
	}
	set("aws:SourceIp", c.sourceIP())
	set("aws:UserAgent", c.UserAgent)
	switch {
	case c.Anonymous:
		set("aws:PrincipalType", "Anonymous")
		set("aws:PrincipalAccount", "anonymous")
		set("aws:userid", "anonymous")
	case c.Session != nil && c.Session.RoleARN != "":
		set("aws:PrincipalType", "AssumedRole")
		set("aws:PrincipalAccount", c.Session.Account)
		set("aws:PrincipalArn", c.Session.RoleARN)
		set("aws:userid", c.Session.UserID)
	default:
		set("aws:PrincipalType", "Account")
		set("aws:PrincipalAccount", c.Account)
		set("aws:PrincipalArn", c.Principal().ARN)
		set("aws:userid", c.Account)
	}
	return keys
}

// sourceIP is the client's address, an IPv4 one also when it came over IPv6; ""
// when there is none.
func (c *Caller) sourceIP() string {
	host := c.Remote
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		host = strings.Trim(host[:i], "[]")
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return ""
	}
	return a.Unmap().WithZone("").String()
}
