package pattern

import "slices"

// An object is a pattern for an object: its fields must all hold, and of each
// "$or" one alternative.
type object struct {
	fields []field
	or     [][]*object
}

// A field is a pattern for what stands under a key: an object, or leaves.
type field struct {
	key    string
	inner  *object
	values set       // the literal items
	tests  []matcher // the other items
	absent []string  // path from the root that must have no leaf; an item too

	// For the limits of a dialect.
	depth, items, wildcards, points int32
}

// A matcher judges one leaf of an event.
type matcher func(leaf Value) bool

// A subject is an event, how its leaves are compared, and what is known of it.
type subject struct {
	dialect *Dialect
	root    any
	absent  []absence
}

// An absence is whether the event has no leaf at the path of a field. It is the same
// for all members of an array, which may be many.
type absence struct {
	of *field
	is bool
}

func (s *subject) isAbsent(f *field) bool {
	for _, a := range s.absent {
		if a.of == f {
			return a.is
		}
	}
	is := !hasLeaf(s.root, f.absent)
	s.absent = append(s.absent, absence{f, is})
	return is
}

// match reports whether the pattern holds for v, a part of the subject.
func (o *object) match(v any, s *subject) bool {
	if list, ok := v.([]any); ok && len(list) > 0 {
		return slices.ContainsFunc(list, func(e any) bool { return o.match(e, s) })
	}
	m, _ := v.(map[string]any) // anything else has no fields, which exists:false may want
	for i := range o.fields {
		if !o.fields[i].match(m, s) {
			return false
		}
	}
	for _, alternatives := range o.or {
		if !slices.ContainsFunc(alternatives, func(a *object) bool { return a.match(v, s) }) {
			return false
		}
	}
	return true
}

func (f *field) match(m map[string]any, s *subject) bool {
	v, ok := m[f.key]
	switch {
	case f.inner != nil:
		return f.inner.match(v, s)
	case f.absent != nil && s.isAbsent(f):
		return true
	}
	return ok && f.matchLeaf(v, s.dialect)
}

// matchLeaf judges v, or each element of the array v, as far as they are leaves.
func (f *field) matchLeaf(v any, d *Dialect) bool {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if f.matchLeaf(e, d) {
				return true
			}
		}
		return false
	case map[string]any:
		return false
	default:
		leaf := d.Value(v)
		if f.values.has(leaf) {
			return true
		}
		for _, is := range f.tests {
			if is(leaf) {
				return true
			}
		}
		return false
	}
}

// hasLeaf reports whether a leaf lies at path, in any element of the arrays on the way.
func hasLeaf(v any, path []string) bool {
	if list, ok := v.([]any); ok {
		return slices.ContainsFunc(list, func(e any) bool { return hasLeaf(e, path) })
	}
	m, isObject := v.(map[string]any)
	if len(path) == 0 {
		return !isObject
	}
	next, ok := m[path[0]]
	return ok && hasLeaf(next, path[1:])
}

// child is the pattern for the object under a key; a new one if there is none.
func (o *object) child(key string) *object {
	for i := range o.fields {
		if f := &o.fields[i]; f.key == key && f.inner != nil {
			return f.inner
		}
	}
	inner := &object{}
	o.fields = append(o.fields, field{key: key, inner: inner})
	return inner
}

// set adds a pattern for leaves, instead of an earlier one for the same key.
func (o *object) set(f field) {
	for i := range o.fields {
		if o.fields[i].key == f.key && o.fields[i].inner == nil {
			o.fields[i] = f
			return
		}
	}
	o.fields = append(o.fields, f)
}
