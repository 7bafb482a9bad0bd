package policy

import (
	"net/netip"
	"strings"

	"millrace/runtime/policy/grammar"
)

// IsPublic reports whether the policy of a bucket lets in more than callers that it names.
// A statement that allows is public unless it names its principals, or a condition holds it
// to fixed values of a key that says where a caller comes from
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html,
// the meaning of "public"). A text that cannot be read is not public: it allows nothing.
func IsPublic(text string) bool {
	read, err := grammar.Read(text)
	if err != nil {
		return false
	}
	for i := range read.Statement {
		if s := &read.Statement[i]; s.Effect == "Allow" && letsInAnyone(s) && !narrows(s.Condition) {
			return true
		}
	}
	return false
}

// letsInAnyone reports whether the principals of a statement are not named one by one.
func letsInAnyone(s *grammar.Statement) bool {
	if s.Principal == nil {
		return true // all but some
	}
	ps, err := parsePrincipals(s.Principal)
	return err == nil && ps.everyone
}

// narrows reports whether one of the conditions holds callers to fixed values.
func narrows(conditions map[string]map[string]grammar.Words) bool {
	for operator, keys := range conditions {
		for key, values := range keys {
			if fixed := fixedValues(operator, strings.ToLower(key)); fixed != nil && all(values, fixed) {
				return true
			}
		}
	}
	return false
}

// narrowing are the keys whose fixed values make a statement one for callers that are known.
var narrowing = map[string]bool{
	"aws:principalarn": true, "aws:principalaccount": true, "aws:principalorgid": true, "aws:principalorgpaths": true,
	"aws:principalservicename": true, "aws:sourcearn": true, "aws:sourceaccount": true, "aws:sourceowner": true,
	"aws:sourceorgid": true, "aws:sourcevpc": true, "aws:sourcevpce": true,
	"s3:dataaccesspointaccount": true, "s3:x-amz-server-side-encryption-aws-kms-key-id": true,
}

// fixedValues is the test that each value of a condition must pass for the condition to
// narrow a statement; nil if it never does.
func fixedValues(operator, key string) func(string) bool {
	operator = strings.ToLower(operator)
	if _, rest, ok := strings.Cut(operator, ":"); ok {
		if strings.HasPrefix(operator, "forallvalues:") {
			return nil // holds without a value as well
		}
		operator = rest
	}
	switch {
	case operator == "ipaddress" && key == "aws:sourceip":
		return isNarrowRange
	case key == "s3:dataaccesspointarn" && isPositive(operator):
		return namesAccount
	case key == "aws:userid" && isPositive(operator): // a role's id stands for all its sessions
		return func(v string) bool { return isFixed(strings.TrimSuffix(v, ":*")) }
	case narrowing[key] && isPositive(operator):
		return isFixed
	}
	return nil
}

// isPositive reports whether an operator asks a key to have one of the values. IfExists
// holds without the key.
func isPositive(operator string) bool {
	switch operator {
	case "stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike":
		return true
	}
	return false
}

func isFixed(value string) bool {
	return value != "" && !strings.ContainsAny(value, "*?") && !strings.Contains(value, "${")
}

// isNarrowRange reports whether a range of addresses is small enough to be known: /8 and
// smaller for IPv4, /32 and smaller for IPv6.
func isNarrowRange(value string) bool {
	if a, err := netip.ParseAddr(value); err == nil {
		return a.IsValid()
	}
	p, err := netip.ParsePrefix(value)
	if err != nil {
		return false
	}
	if p.Addr().Is4() {
		return p.Bits() >= 8
	}
	return p.Bits() >= 32
}

// namesAccount reports whether an access point's ARN has a fixed account, whatever its name.
func namesAccount(value string) bool {
	parts := strings.SplitN(value, ":", 6)
	return len(parts) == 6 && IsAccount(parts[4])
}

func all(values []string, is func(string) bool) bool {
	for _, v := range values {
		if !is(v) {
			return false
		}
	}
	return len(values) > 0
}
