package notify

import "strings"

// A Matcher finds the destinations of events. A nil *Matcher finds none. It is safe for
// concurrent use.
type Matcher struct {
	byType [types][]matchRule
}

type matchRule struct {
	prefix, suffix string
	to             *Destination
}

// Compile makes the matcher of a configuration; nil for one without destinations.
func Compile(c Configuration) *Matcher {
	if len(c.Destinations) == 0 {
		return nil
	}
	m := &Matcher{}
	for i := range c.Destinations {
		d := &c.Destinations[i]
		for t, wanted := Type(1), d.types(); t < types; t++ {
			if wanted.has(t) {
				m.byType[t] = append(m.byType[t], matchRule{d.prefix(), d.suffix(), d})
			}
		}
	}
	return m
}

// Match returns the destinations that want an event of an object with a key. Of a
// configuration that Accept returned there is at most one. The caller must not change
// what they point to. It allocates nothing when there is none.
func (m *Matcher) Match(t Type, key string) (all []*Destination) {
	if m == nil || t >= types {
		return nil
	}
	for i := range m.byType[t] {
		r := &m.byType[t][i]
		if strings.HasPrefix(key, r.prefix) && strings.HasSuffix(key, r.suffix) {
			all = append(all, r.to)
		}
	}
	return all
}
