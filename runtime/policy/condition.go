package policy

import (
	"slices"
	"strings"

	"millrace/runtime/fault"
	"millrace/runtime/policy/grammar"
)

// A condition is one operator over one key: it holds when the key's values in
// the request pass.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
type condition struct {
	key      string
	wanted   []test // a value passes when one of them is true of it…
	negated  bool   // … or, with a negated operator, none
	each     bool   // ForAllValues: every value passes; none at all is fine
	some     bool   // ForAnyValue: at least one value passes
	ifExists bool   // a key that is not there passes
	null     []bool // Null: whether the key must be missing; one answer of these is enough
}

// A test compares a value of the request with one of the policy.
type test func(r *Request, got string) bool

// holds reports whether the request meets the condition.
func (c *condition) holds(r *Request) bool {
	got := r.values(c.key)
	if c.null != nil {
		return slices.Contains(c.null, len(got) == 0)
	}
	if (c.each || c.some) && len(got) == 1 && got[0] == "" {
		got = nil // to the set operators an empty text is no value
	}
	switch {
	case len(got) == 0:
		return c.ifExists || c.each || c.negated && !c.some
	case c.some, !c.negated && !c.each:
		for _, v := range got {
			if c.passes(r, v) {
				return true
			}
		}
		return false
	}
	for _, v := range got {
		if !c.passes(r, v) {
			return false
		}
	}
	return true
}

func (c *condition) passes(r *Request, got string) bool {
	for _, is := range c.wanted {
		if is(r, got) {
			return !c.negated
		}
	}
	return c.negated
}

// values returns the values that the request has for a condition key.
func (r *Request) values(key string) []string {
	if v, ok := r.Context[key]; ok {
		return v
	}
	for k, v := range r.Context {
		if strings.EqualFold(k, key) {
			return v
		}
	}
	return nil
}

func parseConditions(written map[string]map[string]grammar.Words, variables bool) (all []condition, err error) {
	for name, keys := range written {
		if len(keys) == 0 {
			return nil, fault.New(fault.Invalid, "the condition %s has no key", name)
		}
		for key, values := range keys {
			c, err := parseCondition(name, key, values, variables)
			if err != nil {
				return nil, err
			}
			all = append(all, c)
		}
	}
	return all, nil
}

// parseCondition reads one key of an operator: [ForAllValues:|ForAnyValue:]Name[IfExists].
func parseCondition(name, key string, values []string, variables bool) (c condition, err error) {
	base := name
	if set, rest, ok := strings.Cut(name, ":"); ok {
		c.each, c.some, base = set == "ForAllValues", set == "ForAnyValue", rest
		if !c.each && !c.some {
			return c, fault.New(fault.Invalid, "there is no condition operator %s", name)
		}
	}
	base, c.ifExists = strings.CutSuffix(base, "IfExists")
	c.key = key
	op, known := operators[base]
	switch {
	case !known || base == "Null" && c.ifExists:
		return c, fault.New(fault.Invalid, "there is no condition operator %s", name)
	case !strings.Contains(key, ":"):
		return c, fault.New(fault.Invalid, "the condition key %q has no prefix", key)
	case len(values) == 0:
		return c, fault.New(fault.Invalid, "%s of %s has no value", name, key)
	}
	c.negated = op.negated
	for _, v := range values {
		if base == "Null" {
			missing, err := parseBool(v)
			if err != nil {
				return c, err
			}
			c.null = append(c.null, missing)
			continue
		}
		t, err := op.test(v, variables)
		if err != nil {
			return c, fault.Wrap(fault.Invalid, err, "%s of %s", name, key)
		}
		c.wanted = append(c.wanted, t)
	}
	return c, nil
}
