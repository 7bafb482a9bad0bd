// Package audience decides which subscriptions of one topic a message goes to.
//
// A subscription without a filter policy gets every message. One with a policy gets
// those that its policy matches, in the attributes of the message or in its body.
// An Audience holds the policies of a topic compiled, and finds the few that can
// match without a look at the rest.
package audience

import (
	"sync"

	"millrace/runtime/pattern"
)

// An Audience is the subscriptions of one topic, with a value of type S for each. The
// zero Audience has none and is ready to use. It is safe for concurrent use: a Match
// sees a change that returned before it began.
type Audience[S any] struct {
	mu         sync.RWMutex
	few        []*entry[S]          // all, while they are few
	many       map[string]*entry[S] // all, by id, once they have been many
	unfiltered list[S]
	attributes *index[S] // nil until the first filter of the scope
	body       *index[S]
}

// few is how many subscriptions are found faster, and kept in less room, without a map.
const few = 8

// An entry is one subscription.
type entry[S any] struct {
	id     string
	s      S
	filter *Filter
	place  int32     // in the list that it is in
	field  int32     // of filter.exact, under whose values it stands; -1 for none
	links  []link[S] // one for each of them
}

// A list is entries in no order, that know their places.
type list[S any] struct{ entries []*entry[S] }

func (l *list[S]) add(e *entry[S]) {
	e.place = int32(len(l.entries))
	l.entries = append(l.entries, e)
}

func (l *list[S]) remove(e *entry[S]) {
	last := len(l.entries) - 1
	moved := l.entries[last]
	l.entries[e.place], l.entries[last] = moved, nil
	moved.place = e.place
	l.entries = l.entries[:last]
}

// Set adds a subscription, or replaces the one of that id. A nil filter passes
// every message.
func (a *Audience[S]) Set(id string, filter *Filter, s S) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e, _ := a.find(id)
	switch {
	case e == nil:
		e = &entry[S]{id: id}
		a.keep(e)
	case e.filter == filter:
		e.s = s
		return
	default:
		a.unplace(e)
	}
	e.filter, e.s = filter, s
	if filter == nil {
		a.unfiltered.add(e)
	} else {
		a.index(filter.scope).add(e)
	}
}

// Remove takes a subscription out, if it is there.
func (a *Audience[S]) Remove(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e, i := a.find(id)
	if e == nil {
		return
	}
	a.unplace(e)
	if a.many != nil {
		delete(a.many, id)
		return
	}
	last := len(a.few) - 1
	a.few[i], a.few[last] = a.few[last], nil
	a.few = a.few[:last]
}

// find returns the entry of an id and, while they are few, where it stands.
func (a *Audience[S]) find(id string) (*entry[S], int) {
	if a.many != nil {
		return a.many[id], 0
	}
	for i, e := range a.few {
		if e.id == id {
			return e, i
		}
	}
	return nil, 0
}

func (a *Audience[S]) keep(e *entry[S]) {
	switch {
	case a.many != nil:
		a.many[e.id] = e
	case len(a.few) < few:
		a.few = append(a.few, e)
	default:
		a.many = map[string]*entry[S]{e.id: e}
		for _, e := range a.few {
			a.many[e.id] = e
		}
		a.few = nil
	}
}

func (a *Audience[S]) unplace(e *entry[S]) {
	if e.filter == nil {
		a.unfiltered.remove(e)
	} else {
		a.index(e.filter.scope).remove(e)
	}
}

func (a *Audience[S]) index(scope Scope) *index[S] {
	x, dialect := &a.attributes, pattern.SNSAttributes
	if scope == Body {
		x, dialect = &a.body, pattern.SNSBody
	}
	if *x == nil {
		*x = &index[S]{dialect: dialect}
	}
	return *x
}

// Len is the number of subscriptions.
func (a *Audience[S]) Len() int {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return len(a.few) + len(a.many)
}

// Filtered is the number of subscriptions with a filter, which SNS limits to 200 of
// a topic.
func (a *Audience[S]) Filtered() int {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.attributes.len() + a.body.len()
}

func (x *index[S]) len() int {
	if x == nil {
		return 0
	}
	return x.size
}
