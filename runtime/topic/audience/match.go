package audience

// Match returns what was set for the subscriptions that get a message, in no
// particular order, and counts the others.
func (a *Audience[S]) Match(m Message) (matched []S, out FilteredOut) {
	v := view{message: m}
	a.read(&v)
	a.mu.RLock()
	defer a.mu.RUnlock()
	if n := len(a.unfiltered.entries); n > 0 {
		matched = make([]S, n)
		for i, e := range a.unfiltered.entries {
			matched[i] = e.s
		}
	}
	if n := a.attributes.len(); n > 0 {
		matched = a.matchAttributes(&v, matched, &out)
	}
	if n := a.body.len(); n > 0 {
		matched = a.matchBody(&v, matched, &out)
	}
	return matched, out
}

// read makes the parts of a message that filters look at, so that no change of a
// policy waits for it.
func (a *Audience[S]) read(v *view) {
	a.mu.RLock()
	attributes, body := a.attributes.len() > 0, a.body.len() > 0
	a.mu.RUnlock()
	if attributes {
		v.attributes()
	}
	if body {
		v.body()
	}
}

func (a *Audience[S]) matchAttributes(v *view, matched []S, out *FilteredOut) []S {
	attributes, malformed := v.attributes()
	if len(attributes) == 0 {
		out[NoMessageAttributes] = a.attributes.size
		return matched
	}
	matched, hits := a.attributes.run(attributes, matched)
	out[MessageAttributes] = a.attributes.size - hits
	if len(malformed) > 0 && out[MessageAttributes] > 0 {
		n := a.countInvalid(v)
		out[MessageAttributes] -= n
		out[InvalidAttributes] = n
	}
	return matched
}

// countInvalid asks all filters again: a message with a malformed attribute is rare.
func (a *Audience[S]) countInvalid(v *view) int {
	n := 0
	count := func(e *entry[S]) {
		if e.filter != nil && e.filter.scope == Attributes && e.filter.match(v) == InvalidAttributes {
			n++
		}
	}
	for _, e := range a.few {
		count(e)
	}
	for _, e := range a.many {
		count(e)
	}
	return n
}

func (a *Audience[S]) matchBody(v *view, matched []S, out *FilteredOut) []S {
	body, ok := v.body()
	if !ok {
		out[InvalidMessageBody] = a.body.size
		return matched
	}
	matched, hits := a.body.run(body, matched)
	out[MessageBody] = a.body.size - hits
	return matched
}
