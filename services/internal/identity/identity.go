// Package identity says who calls and how: what a service may know of a request
// beside its input.
package identity

import (
	"context"
	"net/http"
)

// A Caller is who sent the request being served, and the request's surroundings
// that show in some answers.
//
// An unsigned request is Anonymous and has an account all the same, the default
// one: things without an account in their name are looked for there. Whether it
// may do what that account may is the service's to decide. A service
// that enforces policies evaluates them for the [Caller.Principal], which is anonymous, as
// on AWS; one that does not trusts the account.
type Caller struct {
	Account   string   // twelve digits: of the credentials, or the default account
	Region    string   // of the credential scope, or the default region
	AccessKey string   // "" for an anonymous call
	Anonymous bool     // the request was not signed
	Session   *Session // whose temporary credentials signed; nil for an account's own keys
	RequestID string   // that the answer carries: a UUID, and 16 hexadecimal digits for services in XML over REST
	HostID    string   // the request's second name there, x-amz-id-2; "" for other services

	Host        string // of the request: "localhost:4566"; answers that hold URLs use it
	Path        string // of the request, for services that find things in it
	Query       bool   // the request came in the query protocol
	TraceHeader string // X-Amzn-Trace-Id, "" for none
	Remote      string // the client's address and port; "" for calls from inside
	UserAgent   string // "" for none

	// HTTP is the request's head, to hold signatures against and to read what no model
	// has; nil for calls from inside. Its body is the input's.
	HTTP *http.Request
}

// A Session is what STS lent credentials for.
type Session struct {
	Account string
	ARN     string // of the caller, as GetCallerIdentity says it
	UserID  string // likewise
	RoleARN string // of the role that was assumed; "" for a session of the account itself
}

type key struct{}

// With returns a context that From finds c in.
func With(ctx context.Context, c *Caller) context.Context {
	return context.WithValue(ctx, key{}, c)
}

// From returns the caller of the request that ctx belongs to; the zero Caller
// when ctx belongs to none.
func From(ctx context.Context) Caller {
	if c, ok := ctx.Value(key{}).(*Caller); ok {
		return *c
	}
	return Caller{}
}
