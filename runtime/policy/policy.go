// Package policy decides what a resource's policy says of a request: nothing,
// that it is allowed, or that it is denied.
//
// [Parse] reads a document once; [Document.Evaluate] may then be asked from any
// goroutine. Evaluation is pure: who asks, for what, from where and when are all
// in the [Request]. A document says Denied when one of its Deny statements fits
// the request, whatever else it says; Allowed when an Allow statement fits; and
// NoMatch otherwise. What NoMatch means is the caller's to know: the owner of a
// resource needs no permission, a stranger does.
//
// The language is AWS's, of both versions:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
//
// Not supported: whether principals exist; federated and canonical users, who
// have no way in here and never match; the intersection with the identity
// policies, permission boundaries and organization policies of the caller.
package policy

import (
	"slices"
	"strconv"

	"millrace/runtime/fault"
	"millrace/runtime/policy/grammar"
)

// A Principal is who asks. All fields empty is anybody: an unsigned request.
type Principal struct {
	Account string // twelve digits; "" for services and anonymous callers
	ARN     string // of the account's root, a user, or the session of a role: what GetCallerIdentity answers
	Service string // "sns.amazonaws.com" when a service calls on its own behalf
}

// A Request is what a policy is asked about.
type Request struct {
	Principal Principal
	Action    string // "sqs:SendMessage"; its case does not matter
	Resource  string // an ARN
	// Context has the values of condition keys. Keys are written as AWS writes
	// them ("aws:SourceIp") and found whatever their case; a key without values
	// is a key that is not there. Times are RFC 3339 or seconds since 1970,
	// binary values are raw bytes.
	Context map[string][]string
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

// A Document is a policy that was understood. It is not changed by its use.
type Document struct {
	size       int // of its text, in bytes
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

// Evaluate says what the document says of a request.
func (d *Document) Evaluate(r Request) Decision {
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

// HasDeny reports whether the document has a Deny at all. An owner, who needs no
// leave, need not ask one that has none.
func (d *Document) HasDeny() bool {
	return slices.ContainsFunc(d.statements, func(s statement) bool { return s.deny })
}

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
