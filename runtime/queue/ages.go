package queue

// Ages keep messages in the order in which they were enqueued. Most come in
// order and cost nothing to keep; stragglers go to a heap. Those that do not
// stand anymore are dropped when they are met.
type ages struct {
	messages *slab
	inOrder  runs
	late     heap[age]
	last     age // of those in order
}

// An age orders messages: those that were enqueued in one moment, by number.
type age struct {
	enqueued int64
	number   uint64
}

func (a age) before(b age) bool {
	return a.enqueued < b.enqueued || a.enqueued == b.enqueued && a.number < b.number
}

func newAges(s *slab) ages {
	return ages{messages: s, late: heap[age]{less: age.before, moved: func(age, int) {}}}
}

// push takes a message in, unless it is there still.
func (a *ages) push(o *message) {
	if o.aged {
		return
	}
	o.aged = true
	t := age{o.enqueued(), o.number}
	if a.inOrder.empty() || a.last.before(t) {
		a.inOrder.push(o.number)
		a.last = t
		return
	}
	a.late.push(t)
}

// keeps tells whether a message has its place here. If not, it has lost it.
func keeps(o *message) bool {
	o.aged = o.stands()
	return o.aged
}

// first returns the oldest message, nil for none.
func (a *ages) first() *message {
	o := a.inOrder.front(a.messages, keeps)
	for a.late.len() > 0 {
		top := a.late.top()
		late := a.messages.at(top.number)
		if late == nil || !keeps(late) {
			a.late.pop()
			continue
		}
		if o == nil || top.before(age{o.enqueued(), o.number}) {
			return late
		}
		break
	}
	return o
}

// compact drops what does not stand anymore when that is most of it.
func (a *ages) compact(alive int) {
	if a.inOrder.spans.len()+a.late.len() <= 2*alive+1024 {
		return
	}
	was := *a
	*a = newAges(was.messages)
	again := func(o *message) {
		if keeps(o) {
			o.aged = false
			a.push(o)
		}
	}
	for o := range was.inOrder.all(was.messages) {
		again(o)
	}
	for _, late := range was.late.items {
		if o := was.messages.at(late.number); o != nil {
			again(o)
		}
	}
}
