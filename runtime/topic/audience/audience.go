// Package audience decides which subscriptions of one topic a message goes to.
//
// A subscription without a filter policy gets every message. One with a policy gets
// those that its policy matches, in the attributes of the message or in its body.
// An Audience holds the policies of a topic compiled, and finds the few that can
// match without a look at the rest.
package audience

import "sync"

// An Audience is the subscriptions of one topic, with a value of type S for each. The
// zero Audience has none and is ready to use. It is safe for concurrent use: a Match
// sees a change that returned before it began.
type Audience[S any] struct {
	mu      sync.RWMutex
	entries map[string]entry[S]
}

type entry[S any] struct {
	filter *Filter
	s      S
}

// Set adds a subscription, or replaces the one of that id. A nil filter passes
// every message.
func (a *Audience[S]) Set(id string, filter *Filter, s S) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.entries == nil {
		a.entries = map[string]entry[S]{}
	}
	a.entries[id] = entry[S]{filter, s}
}

// Remove takes a subscription out, if it is there.
func (a *Audience[S]) Remove(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.entries, id)
}

// Len is the number of subscriptions.
func (a *Audience[S]) Len() int {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return len(a.entries)
}

// Filtered is the number of subscriptions with a filter, which SNS limits to 200 of
// a topic.
func (a *Audience[S]) Filtered() int {
	a.mu.RLock()
	defer a.mu.RUnlock()
	n := 0
	for _, e := range a.entries {
		if e.filter != nil {
			n++
		}
	}
	return n
}

// Match returns what was set for the subscriptions that get a message, in no
// particular order, and counts the others.
func (a *Audience[S]) Match(m Message) ([]S, FilteredOut) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	var matched []S
	var out FilteredOut
	v := &view{message: m}
	for _, e := range a.entries {
		r := Matched
		if e.filter != nil {
			r = e.filter.match(v)
		}
		if r == Matched {
			matched = append(matched, e.s)
		} else {
			out[r]++
		}
	}
	return matched, out
}
