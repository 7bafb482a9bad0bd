package filter

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// reserved are keys that no field inside an "$or" may have.
var reserved = []string{
	"exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric", "cidr",
	"=", "<", "<=", ">", ">=", "regex", "not-wildcard", "not-equals-ignore-case", "date-after", "date-on-or-after",
	"date-before", "date-on-or-before", "in-date-range", "ip-address-in-range", "ip-address-not-in-range",
}

func compileObject(m map[string]any, path []string, inOr bool) (object, error) {
	var o object
	if len(m) == 0 {
		return o, errors.New("empty objects are not allowed")
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if key == "$or" {
			alternatives, err := compileOr(m[key], path)
			if err != nil {
				return o, err
			}
			o.or = append(o.or, alternatives)
			continue
		}
		if inOr && slices.Contains(reserved, key) {
			return o, fmt.Errorf("%q cannot be a field inside $or", key)
		}
		f, err := compileField(key, m[key], slices.Concat(path, []string{key}), inOr)
		if err != nil {
			return o, err
		}
		o.fields = append(o.fields, f)
	}
	return o, nil
}

func compileOr(v any, path []string) ([]object, error) {
	list, ok := v.([]any)
	if !ok || len(list) < 2 {
		return nil, errors.New("$or takes an array of at least two objects")
	}
	var all []object
	for _, e := range list {
		m, ok := e.(map[string]any)
		if !ok {
			return nil, errors.New("$or takes objects alone")
		}
		o, err := compileObject(m, path, true)
		if err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	return all, nil
}

func compileField(key string, v any, path []string, inOr bool) (field, error) {
	f := field{key: key}
	switch v := v.(type) {
	case map[string]any:
		inner, err := compileObject(v, path, inOr)
		f.inner = &inner
		return f, err
	case []any:
		if len(v) == 0 {
			return f, errors.New("empty arrays are not allowed")
		}
		for _, item := range v {
			if item, ok := item.(map[string]any); ok && item["exists"] == false && len(item) == 1 {
				f.absent = path
				continue
			}
			is, err := compileItem(item)
			if err != nil {
				return f, fmt.Errorf("%s: %w", key, err)
			}
			f.leaf = append(f.leaf, is)
		}
		return f, nil
	default:
		return f, fmt.Errorf("%q must be an object or an array", key)
	}
}

// compileItem reads one item of a leaf's array.
func compileItem(item any) (matcher, error) {
	switch item := item.(type) {
	case json.Number:
		return literalNumber(item), nil
	case string, bool, nil:
		return func(leaf any) bool { return leaf == item }, nil
	case map[string]any:
		op, x, err := only(item)
		if err != nil {
			return nil, err
		}
		return compileOperator(op, x)
	default:
		return nil, errors.New("a match value must be a string, number, true, false, null or operator")
	}
}

// only returns the single entry of a match expression.
func only(m map[string]any) (op string, x any, err error) {
	if len(m) != 1 {
		return "", nil, errors.New("only one key is allowed in a match expression")
	}
	for op, x = range m {
	}
	return op, x, nil
}

func compileOperator(op string, x any) (matcher, error) {
	switch op {
	case "exists":
		if x != true {
			return nil, errors.New("exists takes true or false")
		}
		return func(any) bool { return true }, nil
	case "anything-but":
		return compileAnythingBut(x)
	case "numeric":
		return compileNumeric(x)
	case "cidr":
		return compileCIDR(x)
	case "prefix", "suffix":
		if m, ok := x.(map[string]any); ok {
			return compileFolded(op, m)
		}
	}
	return compileText(op, x)
}

// compileFolded reads a prefix or suffix in any case.
func compileFolded(op string, m map[string]any) (matcher, error) {
	inner, x, err := only(m)
	if err != nil {
		return nil, err
	}
	s, ok := x.(string)
	if !ok || inner != "equals-ignore-case" {
		return nil, fmt.Errorf("%s takes a text or equals-ignore-case", op)
	}
	s = strings.ToLower(s)
	if op == "prefix" {
		return text(func(v string) bool { return strings.HasPrefix(strings.ToLower(v), s) }), nil
	}
	return text(func(v string) bool { return strings.HasSuffix(strings.ToLower(v), s) }), nil
}

// compileText reads the operators that take one text.
func compileText(op string, x any) (matcher, error) {
	s, ok := x.(string)
	if !ok {
		return nil, fmt.Errorf("%s takes a text", op)
	}
	switch op {
	case "exactly":
		return func(leaf any) bool { return leaf == s }, nil
	case "prefix":
		return text(func(v string) bool { return strings.HasPrefix(v, s) }), nil
	case "suffix":
		return text(func(v string) bool { return strings.HasSuffix(v, s) }), nil
	case "equals-ignore-case":
		return text(func(v string) bool { return strings.EqualFold(v, s) }), nil
	case "wildcard":
		w, err := compileWildcard(s)
		return text(w.match), err
	}
	return nil, fmt.Errorf("unknown match type %q", op)
}

func text(is func(string) bool) matcher {
	return func(leaf any) bool {
		s, ok := leaf.(string)
		return ok && is(s)
	}
}

// compileAnythingBut reads what a leaf must not be: a text or number, a list of
// one of these kinds, or an operator on one text or a list of them.
func compileAnythingBut(x any) (matcher, error) {
	op, list := "", []any{x}
	if m, ok := x.(map[string]any); ok {
		var err error
		if op, x, err = only(m); err != nil {
			return nil, err
		}
		if !slices.Contains([]string{"prefix", "suffix", "equals-ignore-case", "wildcard"}, op) {
			return nil, fmt.Errorf("anything-but does not take %q", op)
		}
		list = []any{x}
	}
	if l, ok := x.([]any); ok {
		list = l
	}
	if len(list) == 0 {
		return nil, errors.New("anything-but takes no empty list")
	}
	var not []matcher
	for _, e := range list {
		is, err := compileExcluded(op, e)
		if err != nil {
			return nil, err
		}
		if isText(e) != isText(list[0]) {
			return nil, errors.New("anything-but takes texts or numbers, not both")
		}
		not = append(not, is)
	}
	return func(leaf any) bool {
		return !slices.ContainsFunc(not, func(is matcher) bool { return is(leaf) })
	}, nil
}

func isText(v any) bool { _, ok := v.(string); return ok }

func compileExcluded(op string, x any) (matcher, error) {
	if op != "" {
		if x == "" && (op == "prefix" || op == "suffix") {
			return nil, fmt.Errorf("anything-but takes no empty %s", op)
		}
		return compileText(op, x)
	}
	switch x := x.(type) {
	case string:
		return func(leaf any) bool { return leaf == x }, nil
	case json.Number:
		want, ok := number(x)
		if !ok {
			return nil, fmt.Errorf("%s is not within ±5e9", x)
		}
		return func(leaf any) bool { got, ok := number(leaf); return ok && got == want }, nil
	}
	return nil, errors.New("anything-but takes texts or numbers")
}

func literalNumber(n json.Number) matcher {
	want, byValue := number(n)
	return func(leaf any) bool {
		if leaf == n {
			return true
		}
		got, ok := number(leaf)
		return byValue && ok && got == want
	}
}

// compileNumeric reads ["op", n], or [">" or ">=", low, "<" or "<=", high].
func compileNumeric(x any) (matcher, error) {
	list, ok := x.([]any)
	if !ok || len(list) != 2 && len(list) != 4 {
		return nil, errors.New("numeric takes one comparison, or two for a range")
	}
	var tests []func(float64) bool
	var bounds []float64
	for i := 0; i < len(list); i += 2 {
		op, _ := list[i].(string)
		n, ok := number(list[i+1])
		if !ok {
			return nil, errors.New("numeric compares with a number within ±5e9")
		}
		lower, upper := strings.HasPrefix(op, ">"), strings.HasPrefix(op, "<")
		if len(list) == 4 && (i == 0 && !lower || i == 2 && !upper) {
			return nil, errors.New("a numeric range goes from a lower to an upper bound")
		}
		test, err := compare(op, n)
		if err != nil {
			return nil, err
		}
		tests, bounds = append(tests, test), append(bounds, n)
	}
	if len(bounds) == 2 && bounds[0] >= bounds[1] {
		return nil, errors.New("the bottom of a numeric range must be less than its top")
	}
	return func(leaf any) bool {
		got, ok := number(leaf)
		return ok && !slices.ContainsFunc(tests, func(test func(float64) bool) bool { return !test(got) })
	}, nil
}

func compare(op string, n float64) (func(float64) bool, error) {
	switch op {
	case "=":
		return func(v float64) bool { return v == n }, nil
	case "<":
		return func(v float64) bool { return v < n }, nil
	case "<=":
		return func(v float64) bool { return v <= n }, nil
	case ">":
		return func(v float64) bool { return v > n }, nil
	case ">=":
		return func(v float64) bool { return v >= n }, nil
	}
	return nil, fmt.Errorf("unknown numeric operator %q", op)
}

func compileCIDR(x any) (matcher, error) {
	s, _ := x.(string)
	block, err := netip.ParsePrefix(s)
	if err != nil {
		return nil, err
	}
	return text(func(v string) bool {
		ip, err := netip.ParseAddr(v)
		return err == nil && block.Contains(ip)
	}), nil
}
