package identity

import (
	"net/netip"
	"strings"
	"time"

	"millrace/runtime/policy"
)

// Principal is the caller as policies name it: anonymous, the session of a role, or
// the root of the account, for which every other key stands.
func (c *Caller) Principal() policy.Principal {
	switch {
	case c.Anonymous:
		return policy.Principal{}
	case c.Session != nil:
		return policy.Principal{Account: c.Session.Account, ARN: c.Session.ARN}
	}
	return policy.RootPrincipal(c.Account)
}

// Context returns the global condition keys that the request has values for, by the
// clock now. It is meant for [policy.Resource.Authorize]; a service adds its own keys.
//
// Not supported: keys of organizations, networks, tags and sessions' tokens; a
// request never has them.
func (c *Caller) Context(now func() time.Time) func() policy.Context {
	return func() policy.Context {
		keys := policy.NewContext(c.Region, now())
		keys.Set("aws:SourceIp", c.SourceIP())
		keys.Set("aws:UserAgent", c.UserAgent)
		switch {
		case c.Anonymous:
			keys.Set("aws:PrincipalType", "Anonymous")
			keys.Set("aws:PrincipalAccount", "anonymous")
			keys.Set("aws:userid", "anonymous")
		case c.Session != nil && c.Session.RoleARN != "":
			keys.SetRole(c.Session.RoleARN, c.Session.UserID)
		default:
			keys.Set("aws:PrincipalType", "Account")
			keys.Set("aws:PrincipalAccount", c.Account)
			keys.Set("aws:PrincipalArn", c.Principal().ARN)
			keys.Set("aws:userid", c.Account)
		}
		return keys
	}
}

// SourceIP is the client's address, an IPv4 one also when it came over IPv6; ""
// when there is none.
func (c *Caller) SourceIP() string {
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
