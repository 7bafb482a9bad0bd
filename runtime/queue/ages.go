package queue

// Ages keep messages in the order in which they were enqueued. Most come in
// order and cost nothing to keep; stragglers go to a heap. Those that do not
// stand anymore are dropped when they are met.
type ages struct {
	messages *slab
	inOrder  runs
	late     heap[aged]
	last     int64 // when the last in order was enqueued
}

type aged struct {
	enqueued int64
	number   uint64
}

func newAges(s *slab) ages {
	return ages{messages: s, late: heap[aged]{
		less:  func(a, b aged) bool { return a.enqueued < b.enqueued },
		moved: func(aged, int) {},
	}}
}

func (a *ages) push(o *message) {
	t := o.enqueued()
	if a.inOrder.empty() || a.last <= t {
		a.inOrder.push(o.number)
		a.last = t
		return
	}
	a.late.push(aged{t, o.number})
}

// first returns the oldest message, nil for none.
func (a *ages) first() *message {
	o := a.inOrder.front(a.messages, (*message).stands)
	for a.late.len() > 0 {
		top := a.late.top()
		late := a.messages.at(top.number)
		if late == nil || !late.stands() {
			a.late.pop()
			continue
		}
		if o == nil || top.enqueued < o.enqueued() {
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
	fresh := newAges(a.messages)
	for o := range a.inOrder.all(a.messages) {
		if o.stands() {
			fresh.push(o)
		}
	}
	for _, late := range a.late.items {
		if o := a.messages.at(late.number); o != nil && o.stands() {
			fresh.push(o)
		}
	}
	*a = fresh
}
