package policy

import (
	"encoding/base64"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"millrace/runtime/fault"
)

// An operator makes tests out of a policy's values. A value that is not of the
// operator's type is fault.Invalid in a policy, and in a request it is equal to
// nothing.
type operator struct {
	negated bool
	test    func(value string, variables bool) (test, error)
}

// operators are all that AWS documents, by name.
var operators = map[string]operator{
	"StringEquals":              {false, text(equal, false)},
	"StringNotEquals":           {true, text(equal, false)},
	"StringEqualsIgnoreCase":    {false, text(strings.EqualFold, false)},
	"StringNotEqualsIgnoreCase": {true, text(strings.EqualFold, false)},
	"StringLike":                {false, text(like, true)},
	"StringNotLike":             {true, text(like, true)},
	"ArnEquals":                 {false, text(likeARN, true)}, // AWS: the same as ArnLike
	"ArnNotEquals":              {true, text(likeARN, true)},
	"ArnLike":                   {false, text(likeARN, true)},
	"ArnNotLike":                {true, text(likeARN, true)},
	"Bool":                      {false, boolean},
	"BinaryEquals":              {false, binary},
	"IpAddress":                 {false, address},
	"NotIpAddress":              {true, address},
	"NumericEquals":             {false, number(func(order int) bool { return order == 0 })},
	"NumericNotEquals":          {true, number(func(order int) bool { return order == 0 })},
	"NumericLessThan":           {false, number(func(order int) bool { return order < 0 })},
	"NumericLessThanEquals":     {false, number(func(order int) bool { return order <= 0 })},
	"NumericGreaterThan":        {false, number(func(order int) bool { return order > 0 })},
	"NumericGreaterThanEquals":  {false, number(func(order int) bool { return order >= 0 })},
	"DateEquals":                {false, date(func(order int) bool { return order == 0 })},
	"DateNotEquals":             {true, date(func(order int) bool { return order == 0 })},
	"DateLessThan":              {false, date(func(order int) bool { return order < 0 })},
	"DateLessThanEquals":        {false, date(func(order int) bool { return order <= 0 })},
	"DateGreaterThan":           {false, date(func(order int) bool { return order > 0 })},
	"DateGreaterThanEquals":     {false, date(func(order int) bool { return order >= 0 })},
	"Null":                      {}, // parseCondition knows it
}

// text compares with a value that may have variables, and, when wild, wildcards.
func text(is func(wanted, got string) bool, wild bool) func(string, bool) (test, error) {
	return func(value string, variables bool) (test, error) {
		p, err := parsePattern(value, variables, wild)
		return func(r *Request, got string) bool {
			wanted, ok := p.resolve(r)
			return ok && is(wanted, got)
		}, err
	}
}

func equal(wanted, got string) bool { return wanted == got }

func like(glob, got string) bool { return match(glob, got, false) }

// likeARN matches the six parts of an ARN one by one, so that a star in one does
// not reach into the next; the last part is the rest, colons included. A star by
// itself matches every ARN.
func likeARN(glob, got string) bool {
	if strings.Count(got, ":") < 5 {
		return false
	}
	if glob == string([]byte{anyRunes}) {
		return true
	}
	for range 5 {
		want, restWanted, ok := strings.Cut(glob, ":")
		part, restGot, _ := strings.Cut(got, ":")
		if !ok || !match(want, part, false) {
			return false
		}
		glob, got = restWanted, restGot
	}
	return match(glob, got, false)
}

func boolean(value string, variables bool) (test, error) {
	if variables && strings.Contains(value, "${") {
		return text(strings.EqualFold, false)(value, variables)
	}
	_, err := parseBool(value)
	return func(_ *Request, got string) bool { return strings.EqualFold(value, got) }, err
}

func parseBool(value string) (bool, error) {
	switch {
	case strings.EqualFold(value, "true"):
		return true, nil
	case strings.EqualFold(value, "false"):
		return false, nil
	}
	return false, fault.New(fault.Invalid, "%q is neither true nor false", value)
}

// binary compares bytes with their base64 in the policy.
func binary(value string, _ bool) (test, error) {
	wanted, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%q is not base64", value)
	}
	return func(_ *Request, got string) bool { return got == string(wanted) }, nil
}

// address compares with an address or a range of them.
func address(value string, _ bool) (test, error) {
	wanted, err := netip.ParsePrefix(value)
	if err != nil {
		one, err := netip.ParseAddr(value)
		if err != nil || one.Zone() != "" {
			return nil, fault.New(fault.Invalid, "%q is neither an address nor a range of them", value)
		}
		wanted = netip.PrefixFrom(one, one.BitLen())
	}
	// Requests come from IPv4 addresses as such, whatever they came over.
	if a := wanted.Addr(); a.Is4In6() && wanted.Bits() >= 96 {
		wanted = netip.PrefixFrom(a.Unmap(), wanted.Bits()-96)
	}
	return func(_ *Request, got string) bool {
		a, err := netip.ParseAddr(got)
		return err == nil && wanted.Contains(a.Unmap().WithZone(""))
	}, nil
}

// number compares decimal numbers; is is told how the request's one stands to
// the policy's.
func number(is func(order int) bool) func(string, bool) (test, error) {
	return func(value string, _ bool) (test, error) {
		wanted, ok := parseNumber(value)
		if !ok {
			return nil, fault.New(fault.Invalid, "%q is not a number", value)
		}
		return func(_ *Request, got string) bool {
			n, ok := parseNumber(got)
			return ok && is(order(n, wanted))
		}, nil
	}
}

func order(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// parseNumber reads integers and decimal fractions, and neither hexadecimal
// ones nor infinity.
func parseNumber(s string) (float64, bool) {
	if s == "" || strings.Trim(s, "+-.0123456789eE") != "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// date compares times, as number does numbers.
func date(is func(order int) bool) func(string, bool) (test, error) {
	return func(value string, _ bool) (test, error) {
		wanted, ok := parseDate(value)
		if !ok {
			return nil, fault.New(fault.Invalid, "%q is not a date", value)
		}
		return func(_ *Request, got string) bool {
			t, ok := parseDate(got)
			return ok && is(t.Compare(wanted))
		}, nil
	}
}

// dates are the forms of ISO 8601 that the W3C's note names, with and without
// the colon of the zone.
var dates = []string{
	time.RFC3339, // reads fractions of seconds too
	"2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04Z0700",
	"2006-01-02", "2006-01", "2006",
}

// parseDate reads a date, or seconds since 1970.
func parseDate(s string) (time.Time, bool) {
	for _, form := range dates {
		if t, err := time.Parse(form, s); err == nil {
			return t, true
		}
	}
	seconds, ok := parseNumber(s)
	if !ok || math.Abs(seconds) > 1<<40 {
		return time.Time{}, false
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e9)), true
}
