package pattern

import "slices"

// An Exact is a condition of a pattern that an index can answer: no event passes
// that has none of the Values among the leaves at the path, where arrays stand for
// each of their elements.
type Exact struct {
	Path   []string // of names, from the root
	Values []Value
}

// Exact lists such conditions, one for each field that must hold and has only literal
// items. An event that meets all may still not pass.
func (p *Pattern) Exact() []Exact { return p.root.exact(nil, nil) }

func (o *object) exact(list []Exact, path []string) []Exact {
	for i := range o.fields {
		f := &o.fields[i]
		at := slices.Concat(path, []string{f.key})
		switch {
		case f.inner != nil:
			list = f.inner.exact(list, at)
		case len(f.tests) == 0 && f.absent == nil:
			list = append(list, Exact{at, f.values.all})
		}
	}
	return list
}

// Names are the fields of the root that a pattern looks at, each once.
func (p *Pattern) Names() []string {
	names := p.root.names(nil)
	slices.Sort(names)
	return slices.Compact(names)
}

func (o *object) names(list []string) []string {
	for i := range o.fields {
		list = append(list, o.fields[i].key)
	}
	for _, alternatives := range o.or {
		for _, a := range alternatives {
			list = a.names(list)
		}
	}
	return list
}
