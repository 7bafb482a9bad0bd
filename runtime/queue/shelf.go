package queue

// A shelf holds the ready messages of a standard queue, or of one tenant, by
// place. Each message stands in line once, where it was sent; taking goes along
// the line and passes those that are not ready. Those that come back are in a
// heap.
type shelf struct {
	messages *slab
	line     runs
	end      uint64 // numbers below may not join the line anymore
	returned heap[*message]
}

func newShelf(s *slab) shelf {
	return shelf{messages: s, returned: heap[*message]{less: byPlace, moved: setSpot}}
}

// join gives a message its place in line when it is admitted, ready or not. A
// copy of an old one may come too late for that: it is put when it is ready.
func (s *shelf) join(o *message) {
	if o.number >= s.end {
		o.inLine = true
		s.line.push(o.number)
		s.end = o.number + 1
	}
}

// put makes a message that became ready available.
func (s *shelf) put(o *message) {
	if !o.inLine || o.place() != o.number {
		o.live()
		s.returned.push(o)
	}
}

// remove takes a ready message out.
func (s *shelf) remove(o *message) {
	if o.was().spot > 0 {
		s.returned.remove(int(o.life.spot) - 1)
	} else if !s.line.empty() && s.line.first() == o.number {
		o.inLine = false
		s.line.drop()
	}
}

// trim passes those at the front that are over.
func (s *shelf) trim() {
	for !s.line.empty() && s.messages.at(s.line.first()) == nil {
		s.line.drop()
	}
}

// first returns the message to be taken next, nil for none.
func (s *shelf) first() *message {
	next := s.line.front(s.messages, func(o *message) bool {
		o.inLine = o.state == ready && o.was().spot == 0
		return o.inLine
	})
	if s.returned.len() > 0 && (next == nil || byPlace(s.returned.top(), next)) {
		return s.returned.top()
	}
	return next
}
