package pattern

import "encoding/json"

// numeric reads ["op", n], or [">" or ">=", low, "<" or "<=", high].
func (c *compiler) numeric(n *node) (matcher, error) {
	if !n.isArray() {
		return nil, c.refuse(n.read(), "Value of numeric must be an array.")
	}
	r := numericReader{compiler: c, list: n}
	op, isText := r.at(0).value.(string)
	if !isText {
		return nil, c.refuse(r.read(0), "Invalid member in numeric match: %s", r.at(0).token())
	}
	named := op
	switch op {
	case "=":
		named = "equals"
	case "<", "<=", ">", ">=":
	default:
		return nil, c.refuse(r.read(1), "Unrecognized numeric range operator: %s", op)
	}
	if !r.isNumber(1) {
		return nil, c.refuse(r.read(1), "Value of %s must be numeric", named)
	}
	if len(n.items) > 2 {
		return r.between(op)
	}
	bound, ok := r.number(1)
	if !ok {
		return nil, c.outOfRange(n.end)
	}
	is := compare(op, bound)
	return func(leaf Value) bool { return leaf.kind == ofNumber && is(leaf.number) }, nil
}

// A numericReader reads the items of a numeric, and what ends them as one more.
type numericReader struct {
	*compiler
	list *node
}

func (r numericReader) at(i int) *node {
	if i < len(r.list.items) {
		return &r.list.items[i]
	}
	return &node{delim: ']', start: r.list.end - 1, end: r.list.end}
}

func (r numericReader) read(i int) int { return r.at(i).read() }

func (r numericReader) isNumber(i int) bool {
	_, ok := r.at(i).value.(json.Number)
	return ok
}

// number is an item's value, if it is in the dialect's range.
func (r numericReader) number(i int) (float64, bool) {
	v := r.Value(r.at(i).value)
	return v.number, v.kind == ofNumber
}

// between reads a range from its second operator on.
func (r numericReader) between(first string) (matcher, error) {
	if first != ">" && first != ">=" {
		if r.looseBounds {
			return nil, r.refuse(r.read(2), "Bad numeric range operator: %s", first)
		}
		return nil, r.refuse(r.read(2), "Too many elements in numeric expression")
	}
	second, isText := r.at(2).value.(string)
	switch {
	case !isText:
		return nil, r.refuse(r.read(2), "Bad value in numeric range: %s", r.at(2).token())
	case second != "<" && second != "<=":
		return nil, r.refuse(r.at(2).end, "Bad numeric range operator: %s", second)
	case !r.isNumber(3):
		return nil, r.refuse(r.read(3), "Value of %s must be numeric", second)
	case len(r.list.items) > 4:
		return nil, r.refuse(r.read(4), "Too many terms in numeric range expression")
	}
	bottom, ok := r.number(1)
	top, alsoOK := r.number(3)
	switch {
	case !ok || !alsoOK:
		return nil, r.outOfRange(r.list.end)
	case bottom >= top:
		return nil, r.refuse(r.list.end, "Bottom must be less than top")
	}
	above, below := compare(first, bottom), compare(second, top)
	return func(leaf Value) bool { return leaf.kind == ofNumber && above(leaf.number) && below(leaf.number) }, nil
}

func compare(op string, n float64) func(float64) bool {
	switch op {
	case "<":
		return func(v float64) bool { return v < n }
	case "<=":
		return func(v float64) bool { return v <= n }
	case ">":
		return func(v float64) bool { return v > n }
	case ">=":
		return func(v float64) bool { return v >= n }
	}
	return func(v float64) bool { return v == n }
}
