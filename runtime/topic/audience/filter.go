package audience

import (
	"fmt"
	"slices"
	"strings"

	"millrace/runtime/fault"
	"millrace/runtime/pattern"
	"millrace/runtime/queue"
)

// A Scope is the part of a message that a filter policy looks at, by the name that
// FilterPolicyScope has for it.
type Scope string

// The scopes. Attributes is the default of a subscription.
const (
	Attributes Scope = "MessageAttributes"
	Body       Scope = "MessageBody"
)

// A ScopeError is about a scope that there is not. It unwraps to fault.Invalid; what
// it says follows "FilterPolicyScope: " in SNS's own words.
type ScopeError struct{ Value string }

func (e *ScopeError) Error() string {
	return fmt.Sprintf("Invalid value [%s]. Please use either MessageBody or MessageAttributes", e.Value)
}

func (e *ScopeError) Unwrap() error { return fault.Invalid }

// ParseScope reads a FilterPolicyScope. What is none is a *ScopeError.
func ParseScope(text string) (Scope, error) {
	switch s := Scope(text); s {
	case Attributes, Body:
		return s, nil
	}
	return "", &ScopeError{text}
}

// A Filter is a compiled filter policy. It is immutable.
type Filter struct {
	scope   Scope
	pattern *pattern.Pattern
	exact   []pattern.Exact // what an index can find it by
}

// Compile reads a filter policy. An empty text and the empty object are how a policy
// is taken off a subscription: they make a nil Filter, which every message passes. A
// policy that SNS refuses is a *pattern.Error, an unknown scope a *ScopeError.
func Compile(scope Scope, text string) (*Filter, error) {
	dialect := pattern.SNSAttributes
	switch scope {
	case Attributes:
	case Body:
		dialect = pattern.SNSBody
	default:
		return nil, &ScopeError{string(scope)}
	}
	if inside, ok := strings.CutPrefix(strings.TrimSpace(text), "{"); text == "" || ok && strings.TrimSpace(inside) == "}" {
		return nil, nil
	}
	p, err := pattern.Parse(dialect, text)
	if err != nil {
		return nil, err
	}
	return &Filter{scope, p, p.Exact()}, nil
}

// A Message is what filter policies see of a published message.
type Message struct {
	Body       string
	Attributes []queue.Attribute
}

// Match judges one message by one policy, as an Audience does by all of its own.
func (f *Filter) Match(m Message) Reason {
	if f == nil {
		return Matched
	}
	return f.match(&view{message: m})
}

func (f *Filter) match(v *view) Reason {
	if f.scope == Body {
		body, ok := v.body()
		switch {
		case !ok:
			return InvalidMessageBody
		case !f.pattern.Match(body):
			return MessageBody
		}
		return Matched
	}
	attributes, malformed := v.attributes()
	switch {
	case len(attributes) == 0: // not even exists:false matches then
		return NoMessageAttributes
	case f.pattern.Match(attributes):
		return Matched
	case len(malformed) > 0 && slices.ContainsFunc(f.pattern.Names(), func(name string) bool { return slices.Contains(malformed, name) }):
		return InvalidAttributes
	}
	return MessageAttributes
}
