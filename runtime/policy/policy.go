// Package policy evaluates resource policies: who may do what to a queue, a function
// or a key.
//
//	resource := policy.Resource{ARN: arn, Account: owner, Policy: document}
//	err := resource.Authorize(policy.ServicePrincipal("sns.amazonaws.com"), "sqs:SendMessage",
//		policy.ServiceContext("sns.amazonaws.com", policy.Source{ARN: topic, Account: account}, region, now))
//
// [Resource.Authorize] is the one rule for all services: the owning account may unless
// the policy denies, every other principal needs a statement that allows. [Parse] reads
// a document, a [Cache] keeps it. Both may be used by any goroutine.
//
// [Document.Evaluate] is what Authorize rests on. It is pure: the principal, the action,
// the resource, the time and the place are all in the [Request]. The decision is Denied if
// a Deny statement matches the request, Allowed if only Allow statements match, and
// NoMatch if none does.
//
// The language is AWS's, of both versions:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
//
// Not supported: whether principals exist; federated and canonical users, who
// have no way in here and never match; the intersection with the identity
// policies, permission boundaries and organization policies of the caller.
package policy

import (
	"strconv"

	"millrace/runtime/fault"
	"millrace/runtime/policy/grammar"
)

// A Principal is who makes a request. The zero Principal is an anonymous caller, whose
// request is not signed.
type Principal struct {
	Account string `json:",omitempty"` // twelve digits; "" for services and anonymous callers
	ARN     string `json:",omitempty"` // of the account's root, a user, or the session of a role: what GetCallerIdentity answers
	Service string `json:",omitempty"` // "sns.amazonaws.com" when a service calls for itself
}

// String names the principal in errors and logs.
func (p Principal) String() string {
	switch {
	case p.Service != "":
		return p.Service
	case p.ARN != "":
		return p.ARN
	case p.Account != "":
		return p.Account
	}
	return "an anonymous caller"
}

// A Request is what a policy decides about.
type Request struct {
	Principal Principal
	Action    string // "sqs:SendMessage"; its case does not matter
	Resource  string // an ARN
	Context   Context
}

// A Decision is what a document says of a request.
type Decision int

const (
	NoMatch Decision = iota // no statement fits
	Allowed                 // an Allow fits, and no Deny
	Denied                  // a Deny fits
)

func (d Decision) String() string {
	switch d {
	case NoMatch:
		return "no match"
	case Allowed:
		return "allowed"
	case Denied:
		return "denied"
	}
	return "decision " + strconv.Itoa(int(d))
}

// A Document is a parsed policy. It is immutable. A nil Document has no statements.
type Document struct {
	size       int // of its text, in bytes
	hasDeny    bool
	statements []statement
}

type statement struct {
	deny         bool
	principals   principals
	notPrincipal bool // it fits all but the principals
	actions      patterns
	notAction    bool
	resources    patterns // nil fits every resource: the policy's own
	notResource  bool
	conditions   []condition
}

// Parse reads a resource policy. What AWS would not take either is
// fault.Invalid: bad JSON, unknown elements and condition operators, elements
// missing or in each other's way, and values that are not of their operator's type.
func Parse(text string) (*Document, error) {
	read, err := grammar.Read(text)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the policy cannot be read")
	}
	switch read.Version {
	case "", grammar.Version2008, grammar.Version2012:
	default:
		return nil, fault.New(fault.Invalid, "the language has no version %q", read.Version)
	}
	if len(read.Statement) == 0 {
		return nil, fault.New(fault.Invalid, "the policy has no statement")
	}
	d := &Document{size: len(text), statements: make([]statement, len(read.Statement))}
	sids := map[string]bool{}
	for i, s := range read.Statement {
		if s.Sid != "" && sids[s.Sid] {
			return nil, fault.New(fault.Invalid, "two statements have the Sid %q", s.Sid)
		}
		sids[s.Sid] = true
		if d.statements[i], err = compile(s, read.Version == grammar.Version2012); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "statement %d", i+1)
		}
		d.hasDeny = d.hasDeny || d.statements[i].deny
	}
	return d, nil
}

// compile understands one statement. Variables stand for values of the request.
func compile(s grammar.Statement, variables bool) (out statement, err error) {
	switch {
	case s.Effect != "Allow" && s.Effect != "Deny":
		return out, fault.New(fault.Invalid, "Effect is Allow or Deny, not %q", s.Effect)
	case (s.Principal == nil) == (s.NotPrincipal == nil):
		return out, fault.New(fault.Invalid, "a statement has either Principal or NotPrincipal")
	case (s.Action == nil) == (s.NotAction == nil):
		return out, fault.New(fault.Invalid, "a statement has either Action or NotAction")
	case s.Resource != nil && s.NotResource != nil:
		return out, fault.New(fault.Invalid, "a statement cannot have both Resource and NotResource")
	}
	out.deny = s.Effect == "Deny"
	out.notPrincipal, out.notAction, out.notResource = s.NotPrincipal != nil, s.NotAction != nil, s.NotResource != nil
	if out.principals, err = parsePrincipals(either(s.Principal, s.NotPrincipal)); err != nil {
		return out, err
	}
	if out.actions, err = parseActions(either(s.Action, s.NotAction)); err != nil {
		return out, err
	}
	if s.Resource != nil || s.NotResource != nil {
		if out.resources, err = parseResources(either(s.Resource, s.NotResource), variables); err != nil {
			return out, err
		}
	}
	out.conditions, err = parseConditions(s.Condition, variables)
	return out, err
}

// either returns the element of a pair that is there.
func either[S ~[]E, E any](a, b S) S {
	if a != nil {
		return a
	}
	return b
}

// Evaluate returns what the document decides about a request.
func (d *Document) Evaluate(r Request) Decision {
	if d == nil {
		return NoMatch
	}
	decision, who := NoMatch, identify(r.Principal)
	for i := range d.statements {
		s := &d.statements[i]
		if !s.deny && decision == Allowed || !s.matches(&r, who) {
			continue
		}
		if s.deny {
			return Denied
		}
		decision = Allowed
	}
	return decision
}

// HasDeny reports whether the document has a Deny statement. The owner of a resource may
// do everything if it has none.
func (d *Document) HasDeny() bool { return d != nil && d.hasDeny }

// matches reports whether all elements of the statement fit the request.
func (s *statement) matches(r *Request, who caller) bool {
	if s.notPrincipal {
		if s.principals.excludes(who) {
			return false
		}
	} else if !s.principals.includes(who) {
		return false
	}
	if s.actions.match(r, r.Action) == s.notAction {
		return false
	}
	if s.resources != nil && s.resources.match(r, r.Resource) == s.notResource {
		return false
	}
	for i := range s.conditions {
		if !s.conditions[i].holds(r) {
			return false
		}
	}
	return true
}
