package audience

import "millrace/runtime/pattern"

// An index finds the filters of one scope that can match an event.
//
// Each filter stands under the values of one of its fields: one that must hold and
// has nothing but literal items. Of several it is the field whose values have the
// fewest filters so far, so that {"type": ["order"], "id": ["17"]} stands under its
// id once others of that type are there. An event leads to the filters under its own
// values; those still have to match. Filters without such a field are always asked.
type index[S any] struct {
	dialect *pattern.Dialect
	root    branch[S]
	others  list[S]
	size    int
}

// A branch is a field of events: its fields, and the filters under its values.
type branch[S any] struct {
	fields map[string]*branch[S]
	values map[pattern.Value]chain[S]
}

// A chain is the filters under a value, by links that come off without a search.
type chain[S any] struct {
	first  *link[S]
	length int
}

type link[S any] struct {
	entry      *entry[S]
	prev, next *link[S]
}

func (x *index[S]) add(e *entry[S]) {
	x.size++
	best, cost := -1, 0
	for i, exact := range e.filter.exact {
		// Each value costs a link, and what it finds.
		c := len(exact.Values)
		if b := x.root.find(exact.Path); b != nil {
			for _, v := range exact.Values {
				c += b.values[v].length
			}
		}
		if best < 0 || c < cost {
			best, cost = i, c
		}
	}
	if e.field = int32(best); best < 0 {
		x.others.add(e)
		return
	}
	exact := e.filter.exact[best]
	b := x.root.grow(exact.Path)
	e.links = make([]link[S], len(exact.Values))
	for i, v := range exact.Values {
		l := &e.links[i]
		c := b.values[v]
		*l = link[S]{entry: e, next: c.first}
		if c.first != nil {
			c.first.prev = l
		}
		b.values[v] = chain[S]{l, c.length + 1}
	}
}

func (x *index[S]) remove(e *entry[S]) {
	x.size--
	if e.field < 0 {
		x.others.remove(e)
		return
	}
	exact := e.filter.exact[e.field]
	b := x.root.find(exact.Path)
	for i, v := range exact.Values {
		l := &e.links[i]
		c := b.values[v]
		if c.length--; c.length == 0 {
			delete(b.values, v)
			continue
		}
		if l.next != nil {
			l.next.prev = l.prev
		}
		if l.prev != nil {
			l.prev.next = l.next
		} else {
			c.first = l.next
		}
		b.values[v] = c
	}
	e.links = nil
	x.root.prune(exact.Path)
}

// find returns the branch at a path; nil if there is none.
func (b *branch[S]) find(path []string) *branch[S] {
	for _, name := range path {
		if b = b.fields[name]; b == nil {
			return nil
		}
	}
	return b
}

// grow returns the branch at a path, which it makes if there is none.
func (b *branch[S]) grow(path []string) *branch[S] {
	for _, name := range path {
		if b.fields == nil {
			b.fields = map[string]*branch[S]{}
		}
		next := b.fields[name]
		if next == nil {
			next = &branch[S]{}
			b.fields[name] = next
		}
		b = next
	}
	if b.values == nil {
		b.values = map[pattern.Value]chain[S]{}
	}
	return b
}

// prune takes off the branches on a path that hold nothing.
func (b *branch[S]) prune(path []string) {
	if len(path) == 0 {
		return
	}
	next := b.fields[path[0]]
	next.prune(path[1:])
	if len(next.fields) == 0 && len(next.values) == 0 {
		delete(b.fields, path[0])
	}
}

// A search collects what an event leads to.
type search[S any] struct {
	index   *index[S]
	event   map[string]any
	matched []S
	hits    int

	// What the members of arrays led to: chains by their first links, and of the
	// entries those that stand under several values.
	chains  map[*link[S]]struct{}
	entries map[*entry[S]]struct{}
}

// run appends the subscriptions whose filters match the event to matched, and says
// how many they are.
func (x *index[S]) run(event map[string]any, matched []S) ([]S, int) {
	s := search[S]{index: x, event: event, matched: matched}
	s.walk(&x.root, event, false)
	for _, e := range x.others.entries {
		s.ask(e)
	}
	return s.matched, s.hits
}

// walk goes through the parts of an event that have a branch. The members of an
// array can lead to the same filter more than once.
func (s *search[S]) walk(b *branch[S], v any, inArray bool) {
	switch v := v.(type) {
	case []any:
		for _, member := range v {
			s.walk(b, member, true)
		}
	case map[string]any:
		if len(b.fields) < len(v) {
			for name, next := range b.fields {
				if field, ok := v[name]; ok {
					s.walk(next, field, inArray)
				}
			}
			return
		}
		for name, field := range v {
			if next := b.fields[name]; next != nil {
				s.walk(next, field, inArray)
			}
		}
	default:
		if len(b.values) == 0 {
			return
		}
		first := b.values[s.index.dialect.Value(v)].first
		if first == nil || inArray && again(&s.chains, first) {
			return
		}
		for l := first; l != nil; l = l.next {
			if inArray && len(l.entry.links) > 1 && again(&s.entries, l.entry) {
				continue
			}
			s.ask(l.entry)
		}
	}
}

// again reports whether a set has a member, and adds it.
func again[K comparable](set *map[K]struct{}, k K) bool {
	if _, ok := (*set)[k]; ok {
		return true
	}
	if *set == nil {
		*set = map[K]struct{}{}
	}
	(*set)[k] = struct{}{}
	return false
}

func (s *search[S]) ask(e *entry[S]) {
	if e.filter.pattern.Match(s.event) {
		s.matched = append(s.matched, e.s)
		s.hits++
	}
}
