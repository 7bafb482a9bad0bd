package pattern

import (
	"encoding/json"
	"slices"
)

// An object is a pattern for an object: its fields must all hold, and of each
// "$or" one alternative.
type object struct {
	fields []field
	or     [][]object
}

// A field is a pattern for what stands under a key: an object, or leaves.
type field struct {
	key    string
	inner  *object
	leaf   []matcher // alternatives
	absent []string  // path from the root that must have no leaf; an alternative too

	items, wildcards, points int // for the limits of a dialect
}

// A matcher judges one leaf of an event: a string, a json.Number, a bool, nil or
// Opaque.
type matcher func(leaf any) bool

// match reports whether the pattern holds for v. root is the whole event.
func (o object) match(v, root any) bool {
	if list, ok := v.([]any); ok && len(list) > 0 {
		return slices.ContainsFunc(list, func(e any) bool { return o.match(e, root) })
	}
	m, _ := v.(map[string]any) // anything else has no fields, which exists:false may want
	for _, f := range o.fields {
		if !f.match(m, root) {
			return false
		}
	}
	for _, alternatives := range o.or {
		if !slices.ContainsFunc(alternatives, func(a object) bool { return a.match(v, root) }) {
			return false
		}
	}
	return true
}

func (f field) match(m map[string]any, root any) bool {
	v, ok := m[f.key]
	switch {
	case f.inner != nil:
		return f.inner.match(v, root)
	case f.absent != nil && !hasLeaf(root, f.absent):
		return true
	}
	return ok && anyLeaf(v, func(leaf any) bool {
		return slices.ContainsFunc(f.leaf, func(is matcher) bool { return is(leaf) })
	})
}

// anyLeaf offers v, or each element of the array v, as far as they are leaves.
func anyLeaf(v any, yes func(any) bool) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return anyLeaf(e, yes) })
	case map[string]any:
		return false
	default:
		return yes(v)
	}
}

// hasLeaf reports whether a leaf lies at path, in any element of the arrays on the way.
func hasLeaf(v any, path []string) bool {
	if list, ok := v.([]any); ok {
		return slices.ContainsFunc(list, func(e any) bool { return hasLeaf(e, path) })
	}
	if len(path) == 0 {
		return anyLeaf(v, func(any) bool { return true })
	}
	m, _ := v.(map[string]any)
	next, ok := m[path[0]]
	return ok && hasLeaf(next, path[1:])
}

// number is a leaf's value if it is a number that the dialect compares by value.
func (d *Dialect) number(leaf any) (float64, bool) {
	n, ok := leaf.(json.Number)
	if !ok {
		return 0, false
	}
	x, err := n.Float64()
	return x, err == nil && -d.maxNumber <= x && x <= d.maxNumber
}
