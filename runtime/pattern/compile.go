package pattern

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// reserved are keys that no field inside an "$or" may have.
var reserved = []string{
	"exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric", "cidr",
	"=", "<", "<=", ">", ">=", "regex", "not-wildcard", "not-equals-ignore-case", "date-after", "date-on-or-after",
	"date-before", "date-on-or-before", "in-date-range", "ip-address-in-range", "ip-address-not-in-range",
}

// A compiler reads one pattern. It goes through the text in its order, as AWS's does,
// so that of two mistakes the first is told.
type compiler struct {
	*Dialect
	text   string
	nested bool // some field has fields
	fields int
}

// hopeless is how many fields, or levels of them, no limit of a dialect allows: who
// has read so many need not read on.
const hopeless = 1000

// refuse is for what a reader finds who has come to an offset of the text.
func (c *compiler) refuse(at int, format string, args ...any) error {
	return &Error{fmt.Sprintf(format, args...), position(c.text, at)}
}

// A place is where in a pattern an object stands.
type place struct {
	path  []string // of the keys in events
	depth int32    // of its fields
	inOr  bool
}

// object adds the fields of n to o.
func (c *compiler) object(o *object, n *node, at place) error {
	if len(n.members) == 0 {
		return c.refuse(n.end, "Empty objects are not allowed")
	}
	for i := range n.members {
		m := &n.members[i]
		if slices.ContainsFunc(n.members[i+1:], func(later member) bool { return later.key == m.key }) {
			continue
		}
		if err := c.member(o, m, at); err != nil {
			return err
		}
	}
	return nil
}

func (c *compiler) member(o *object, m *member, at place) error {
	if m.key == "$or" && (!c.looseOr || isOr(&m.node)) {
		alternatives, err := c.or(&m.node, at)
		o.or = append(o.or, alternatives)
		return err
	}
	if at.inOr && slices.Contains(reserved, m.key) {
		return c.refuse(m.read(), "%q cannot be a field inside \"$or\"", m.key)
	}
	if c.fields++; c.maxKeys > 0 && c.fields > hopeless {
		return ErrTooComplex
	}
	keys := []string{m.key}
	if c.dotted {
		keys = split(m.key)
	}
	for _, key := range keys[:len(keys)-1] {
		o = o.child(key)
	}
	key := keys[len(keys)-1]
	at.path = slices.Concat(at.path, keys)
	switch {
	case m.isObject():
		c.nested = true
		at.depth++
		return c.object(o.child(key), &m.node, at)
	case m.isArray():
		f, err := c.field(key, &m.node, at)
		o.set(f)
		return err
	}
	return c.refuse(m.read(), "\"%s\" must be an object or an array", m.key)
}

func (c *compiler) or(n *node, at place) ([]*object, error) {
	if !n.isArray() || len(n.items) < 2 {
		return nil, c.refuse(n.end, "\"$or\" must be an array of at least two objects")
	}
	at.inOr = true
	var all []*object
	for i := range n.items {
		if !n.items[i].isObject() {
			return nil, c.refuse(n.items[i].read(), "\"$or\" must be an array of at least two objects")
		}
		var o object
		if err := c.object(&o, &n.items[i], at); err != nil {
			return nil, err
		}
		all = append(all, &o)
	}
	return all, nil
}

// isOr reports whether a value offers alternatives, to a dialect that takes it for
// that of a field otherwise: at least two objects, without a reserved key.
func isOr(n *node) bool {
	return len(n.items) >= 2 && !slices.ContainsFunc(n.items, func(e node) bool {
		return !e.isObject() || slices.ContainsFunc(e.members, func(m member) bool { return slices.Contains(reserved, m.key) })
	})
}

// field reads the items of a leaf's array.
func (c *compiler) field(key string, n *node, at place) (field, error) {
	f := field{key: key, items: int32(len(n.items)), depth: at.depth}
	for i := range n.items {
		if err := c.item(&f, &n.items[i], at.path); err != nil {
			return f, err
		}
	}
	if len(n.items) == 0 {
		return f, c.refuse(n.end, "Empty arrays are not allowed")
	}
	return f, nil
}

func (c *compiler) item(f *field, n *node, path []string) error {
	switch {
	case n.isArray():
		return c.refuse(n.read(), "Match value must be String, number, true, false, or null")
	case !n.isObject():
		f.values.add(c.Value(n.value))
		return nil
	}
	if len(n.members) == 0 {
		return c.refuse(n.end, "Match expression name not found")
	}
	op := &n.members[0]
	is, err := c.operator(op)
	if err != nil {
		return err
	}
	if len(n.members) > 1 {
		reason := "Only one key allowed in match expression"
		if op.key == "numeric" || op.key == "anything-but" && !op.isObject() {
			reason = "Too many elements in numeric expression"
		}
		return c.refuse(n.members[1].read(), "%s", reason)
	}
	if op.key == "exists" && op.value == false {
		f.absent = path
		return nil
	}
	f.tests = append(f.tests, is)
	points, err := c.wildcardPoints(op)
	if points > 0 {
		f.wildcards, f.points = f.wildcards+1, f.points+int32(points)
	}
	return err
}

// operator reads a match expression.
func (c *compiler) operator(op *member) (matcher, error) {
	if !slices.Contains(c.operators, op.key) {
		return nil, c.refuse(op.read(), "Unrecognized match type %s", op.key)
	}
	switch op.key {
	case "exists":
		return c.exists(&op.node)
	case "anything-but":
		return c.anythingBut(&op.node)
	case "numeric":
		return c.numeric(&op.node)
	case "cidr":
		return c.cidr(&op.node)
	case "prefix", "suffix":
		if op.isObject() && c.folded {
			return c.foldedText(op)
		}
	}
	return c.textOperator(op.key, &op.node)
}

func (c *compiler) exists(n *node) (matcher, error) {
	if _, ok := n.value.(bool); !ok {
		return nil, c.refuse(n.read(), "exists match pattern must be either true or false.")
	}
	if c.solidExists {
		return func(leaf Value) bool { return leaf != Value{} && leaf != Value{kind: ofText} }, nil
	}
	return func(Value) bool { return true }, nil
}

// anythingBut reads what a leaf must not be: a text or number, a list of one of
// these kinds, or an operator on one text or a list of them.
func (c *compiler) anythingBut(n *node) (matcher, error) {
	switch n.value.(type) {
	case string, json.Number:
		var not set
		if err := c.exclude(&not, n); err != nil {
			return nil, err
		}
		return notIn(not), nil
	}
	switch {
	case n.isArray():
		return c.anythingButList(n)
	case !n.isObject():
		return nil, c.refuse(n.read(), "Value of anything-but must be an array or single string/number value.")
	case len(n.members) == 0:
		return nil, c.refuse(n.end, "Anything-But expression name not found")
	}
	op := &n.members[0]
	if !slices.Contains(c.excludable, op.key) {
		return nil, c.refuse(op.read(), "Unsupported anything-but pattern: %s", op.key)
	}
	texts := []node{op.node}
	if op.isArray() {
		texts = op.items
	}
	var not []matcher
	for i := range texts {
		is, err := c.textOperator(op.key, &texts[i])
		if err != nil {
			return nil, err
		}
		if texts[i].value == "" && (op.key == "prefix" || op.key == "suffix") {
			return nil, c.refuse(texts[i].end, "Null prefix/suffix not allowed")
		}
		not = append(not, is)
	}
	switch {
	case len(not) == 0:
		return nil, c.refuse(op.end, "Empty arrays are not allowed")
	case len(n.members) > 1:
		return nil, c.refuse(n.members[1].read(), "Only one key allowed in match expression")
	}
	return func(leaf Value) bool {
		return leaf.kind != ofOpaque && !slices.ContainsFunc(not, func(is matcher) bool { return is(leaf) })
	}, nil
}

func (c *compiler) anythingButList(n *node) (matcher, error) {
	var not set
	texts := 0
	for i := range n.items {
		e := &n.items[i]
		switch e.value.(type) {
		case string:
			texts++
		case json.Number:
		default:
			return nil, c.refuse(e.read(), "Inside anything-but list, start|null|boolean is not supported.")
		}
		if err := c.exclude(&not, e); err != nil {
			return nil, err
		}
	}
	if len(n.items) == 0 || texts != 0 && texts != len(n.items) {
		return nil, c.refuse(n.end, "Inside anything-but list, either all values are number or string, mixed type is not supported")
	}
	return notIn(not), nil
}

func (c *compiler) exclude(not *set, n *node) error {
	v := c.Value(n.value)
	if v.kind == ofDigits {
		return c.outOfRange(n.end)
	}
	not.add(v)
	return nil
}

func notIn(not set) matcher {
	return func(leaf Value) bool { return leaf.kind != ofOpaque && !not.has(leaf) }
}

func (c *compiler) outOfRange(at int) error {
	bound := strings.Replace(fmt.Sprintf("%.1E", c.maxNumber), "E+0", "E", 1) // as Java writes it
	return c.refuse(at, "Value must be between -%s and %s, inclusive", bound, bound)
}
