// Package identity says who calls and how: what a service may know of a request
// beside its input.
package identity

import "context"

// A Caller is who sent the request being served, and the request's surroundings
// that show in some answers.
type Caller struct {
	Account   string // twelve digits: of the credentials, or the default account
	Region    string // of the credential scope, or the default region
	AccessKey string // "" for an anonymous call
	RequestID string // the UUID that the answer carries

	Host        string // of the request: "localhost:4566"; answers that hold URLs use it
	Path        string // of the request, for services that find things in it
	Query       bool   // the request came in the query protocol
	TraceHeader string // X-Amzn-Trace-Id, "" for none
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
