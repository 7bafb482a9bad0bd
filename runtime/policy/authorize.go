package policy

import (
	"millrace/runtime/fault"
)

// A Resource is something that a resource policy protects: a queue, a function, a key.
type Resource struct {
	ARN     string
	Account string            // the account that owns it
	Tags    map[string]string // for conditions on aws:ResourceTag; nil for none
	Policy  *Document         // nil if there is none, or none that can be read: it grants nothing
}

// Authorize returns nil if a principal may perform an action on the resource, and
// a [*DeniedError] otherwise:
//
//   - a principal of the owning account may, unless a statement denies it
//   - any other principal (of another account, a service, an anonymous caller)
//     may if a statement allows it and none denies it
//
// action is "sqs:SendMessage". context returns the condition keys of the request;
// nil means none. It is called only if there are statements to evaluate. Authorize
// adds the keys that follow from the resource.
//
// What the identity policies of an account say is not evaluated.
func (r Resource) Authorize(who Principal, action string, context func() Context) error {
	owner := who.Account != "" && who.Account == r.Account
	if owner && !r.Policy.HasDeny() {
		return nil
	}
	decision := NoMatch
	if r.Policy != nil {
		var c Context
		if context != nil {
			c = context()
		}
		decision = r.Policy.Evaluate(Request{Principal: who, Action: action, Resource: r.ARN, Context: r.context(c)})
	}
	if decision == Allowed || owner && decision == NoMatch {
		return nil
	}
	return &DeniedError{Principal: who, Action: action, Resource: r.ARN, Explicit: decision == Denied}
}

// context adds the keys of the resource to those of a request.
func (r Resource) context(c Context) Context {
	if c == nil {
		c = Context{}
	}
	c.Set("aws:ResourceAccount", r.Account)
	for name, value := range r.Tags {
		c["aws:ResourceTag/"+name] = []string{value}
	}
	return c
}

// A DeniedError is a request that a resource's policy does not allow. It is
// fault.Denied.
type DeniedError struct {
	Principal Principal
	Action    string // "sqs:SendMessage"
	Resource  string // the ARN
	Explicit  bool   // a statement denies it; else no statement allows it
}

func (e *DeniedError) Error() string {
	why := "no statement of the resource's policy allows it"
	if e.Explicit {
		why = "a statement of the resource's policy denies it"
	}
	return e.Principal.String() + " may not perform " + e.Action + " on " + e.Resource + ": " + why
}

// Unwrap makes errors.Is find the code.
func (e *DeniedError) Unwrap() error { return fault.Denied }
