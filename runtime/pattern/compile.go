package pattern

import (
	"encoding/json"
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

func (d *Dialect) compileObject(m map[string]any, path []string, inOr bool) (object, error) {
	var o object
	if len(m) == 0 {
		return o, refuse("Empty objects are not allowed")
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if key == "$or" && (!d.looseOr || isOr(m[key])) {
			alternatives, err := d.compileOr(m[key], path)
			if err != nil {
				return o, err
			}
			o.or = append(o.or, alternatives)
			continue
		}
		if inOr && slices.Contains(reserved, key) {
			return o, refuse("%q cannot be a field inside \"$or\"", key)
		}
		f, err := d.compileField(key, m[key], slices.Concat(path, []string{key}), inOr)
		if err != nil {
			return o, err
		}
		o.fields = append(o.fields, f)
	}
	return o, nil
}

func (d *Dialect) compileOr(v any, path []string) ([]object, error) {
	list, ok := v.([]any)
	if !ok || len(list) < 2 {
		return nil, refuse("\"$or\" must be an array of at least two objects")
	}
	var all []object
	for _, e := range list {
		m, ok := e.(map[string]any)
		if !ok {
			return nil, refuse("\"$or\" must be an array of at least two objects")
		}
		o, err := d.compileObject(m, path, true)
		if err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	return all, nil
}

// isOr reports whether a value offers alternatives.
func isOr(v any) bool {
	list, ok := v.([]any)
	return ok && len(list) >= 2 && !slices.ContainsFunc(list, func(e any) bool { _, ok := e.(map[string]any); return !ok })
}

func (d *Dialect) compileField(key string, v any, path []string, inOr bool) (field, error) {
	f := field{key: key}
	switch v := v.(type) {
	case map[string]any:
		if d.flat {
			return f, ErrNested
		}
		inner, err := d.compileObject(v, path, inOr)
		f.inner = &inner
		return f, err
	case []any:
		if len(v) == 0 {
			return f, refuse("Empty arrays are not allowed")
		}
		f.items = len(v)
		for _, item := range v {
			if item, ok := item.(map[string]any); ok {
				if item["exists"] == false && len(item) == 1 {
					f.absent = path
					continue
				}
				points, err := d.wildcardPoints(item)
				if err != nil {
					return f, err
				}
				if points > 0 {
					f.wildcards, f.points = f.wildcards+1, f.points+points
				}
			}
			is, err := d.compileItem(item)
			if err != nil {
				return f, err
			}
			f.leaf = append(f.leaf, is)
		}
		return f, nil
	default:
		return f, refuse("%q must be an object or an array", key)
	}
}

// compileItem reads one item of a leaf's array.
func (d *Dialect) compileItem(item any) (matcher, error) {
	switch item := item.(type) {
	case json.Number:
		return d.literalNumber(item), nil
	case string, bool, nil:
		return func(leaf any) bool { return leaf == item }, nil
	case map[string]any:
		op, x, err := only(item)
		if err != nil {
			return nil, err
		}
		return d.compileOperator(op, x)
	default:
		return nil, refuse("Match value must be String, number, true, false, or null")
	}
}

// only returns the single entry of a match expression.
func only(m map[string]any) (op string, x any, err error) {
	if len(m) != 1 {
		return "", nil, refuse("Only one key allowed in match expression")
	}
	for op, x = range m {
	}
	return op, x, nil
}

func (d *Dialect) compileOperator(op string, x any) (matcher, error) {
	if !slices.Contains(d.operators, op) {
		return nil, refuse("Unrecognized match type %s", op)
	}
	switch op {
	case "exists":
		if x != true {
			return nil, refuse("exists match pattern must be either true or false.")
		}
		return func(any) bool { return true }, nil
	case "anything-but":
		return d.compileAnythingBut(x)
	case "numeric":
		return d.compileNumeric(x)
	case "cidr":
		return compileCIDR(x)
	case "prefix", "suffix":
		if m, ok := x.(map[string]any); ok && d.folded {
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
		return nil, refuse("%s match pattern must be a string", op)
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
		return nil, refuse("%s match pattern must be a string", op)
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
	return nil, refuse("Unrecognized match type %s", op)
}

func text(is func(string) bool) matcher {
	return func(leaf any) bool {
		s, ok := leaf.(string)
		return ok && is(s)
	}
}

// compileAnythingBut reads what a leaf must not be: a text or number, a list of
// one of these kinds, or an operator on one text or a list of them.
func (d *Dialect) compileAnythingBut(x any) (matcher, error) {
	op, list := "", []any{x}
	if m, ok := x.(map[string]any); ok {
		var err error
		if op, x, err = only(m); err != nil {
			return nil, err
		}
		if !slices.Contains(d.excludable, op) {
			return nil, refuse("Unsupported anything-but pattern: %s", op)
		}
		list = []any{x}
	}
	if l, ok := x.([]any); ok {
		list = l
	}
	if len(list) == 0 {
		return nil, refuse("Empty arrays are not allowed")
	}
	var not []matcher
	for _, e := range list {
		is, err := d.compileExcluded(op, e)
		if err != nil {
			return nil, err
		}
		if isText(e) != isText(list[0]) {
			return nil, refuse("Inside anything-but list, either all values are number or string, mixed type is not supported")
		}
		not = append(not, is)
	}
	return func(leaf any) bool {
		return leaf != Opaque && !slices.ContainsFunc(not, func(is matcher) bool { return is(leaf) })
	}, nil
}

func isText(v any) bool { _, ok := v.(string); return ok }

func (d *Dialect) compileExcluded(op string, x any) (matcher, error) {
	if op != "" {
		if x == "" && (op == "prefix" || op == "suffix") {
			return nil, refuse("Null prefix/suffix not allowed")
		}
		return compileText(op, x)
	}
	switch x := x.(type) {
	case string:
		return func(leaf any) bool { return leaf == x }, nil
	case json.Number:
		want, ok := d.number(x)
		if !ok {
			return nil, refuse("Value of anything-but must be within ±%g", d.maxNumber)
		}
		return func(leaf any) bool { got, ok := d.number(leaf); return ok && got == want }, nil
	}
	return nil, refuse("Value of anything-but must be an array or single string/number value.")
}

func (d *Dialect) literalNumber(n json.Number) matcher {
	want, byValue := d.number(n)
	return func(leaf any) bool {
		if leaf == n {
			return true
		}
		got, ok := d.number(leaf)
		return byValue && ok && got == want
	}
}

// compileNumeric reads ["op", n], or [">" or ">=", low, "<" or "<=", high].
func (d *Dialect) compileNumeric(x any) (matcher, error) {
	list, ok := x.([]any)
	switch {
	case !ok:
		return nil, refuse("Value of numeric must be an array.")
	case len(list) > 4:
		return nil, refuse("Too many terms in numeric range expression")
	case len(list) != 2 && len(list) != 4:
		return nil, refuse("Invalid number of members in numeric match")
	}
	var tests []func(float64) bool
	var bounds []float64
	for i := 0; i < len(list); i += 2 {
		op, ok := list[i].(string)
		if !ok {
			return nil, refuse("Invalid member in numeric match: %v", list[i])
		}
		n, ok := d.number(list[i+1])
		if !ok {
			return nil, refuse("Value of %s must be numeric", named(op))
		}
		lower, upper := strings.HasPrefix(op, ">"), strings.HasPrefix(op, "<")
		if len(list) == 4 && (i == 0 && !lower || i == 2 && !upper) {
			return nil, refuse("Bad numeric range operator: %s", op)
		}
		test, err := compare(op, n)
		if err != nil {
			return nil, err
		}
		tests, bounds = append(tests, test), append(bounds, n)
	}
	if len(bounds) == 2 && bounds[0] >= bounds[1] {
		return nil, refuse("Bottom must be less than top")
	}
	return func(leaf any) bool {
		got, ok := d.number(leaf)
		return ok && !slices.ContainsFunc(tests, func(test func(float64) bool) bool { return !test(got) })
	}, nil
}

func named(op string) string {
	if op == "=" {
		return "equals"
	}
	return op
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
	return nil, refuse("Unrecognized numeric range operator: %s", op)
}

func compileCIDR(x any) (matcher, error) {
	s, ok := x.(string)
	if !ok {
		return nil, refuse("cidr match pattern must be a string")
	}
	ip, mask, ok := strings.Cut(s, "/")
	if !ok || strings.Contains(mask, "/") {
		return nil, refuse("Malformed CIDR, one '/' required")
	}
	if _, err := netip.ParseAddr(ip); err != nil {
		return nil, refuse("Nonstandard IP address: %s", ip)
	}
	block, err := netip.ParsePrefix(s)
	if err != nil {
		return nil, refuse("Malformed CIDR, mask bits must be an integer")
	}
	return text(func(v string) bool {
		ip, err := netip.ParseAddr(v)
		return err == nil && block.Contains(ip)
	}), nil
}
